"""The training loop, and a whole run in a folder: settings, progress, checkpoints, resume."""

import contextlib
import csv
import json
import platform
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.environment import make_vec
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.rollout import check_environment, collect_episodes

COLUMNS = (
    "iteration steps wall_s steps_per_s return_mean return_sd episode_length policy_loss value_loss entropy "
    "approx_kl clip_fraction explained_variance learning_rate"
).split()
CHECKPOINT_EVERY_S = 20.0


class History(list[dict[str, float]]):
    """One dict per iteration, with the columns of progress.csv."""

    def column(self, name: str) -> np.ndarray:
        """One column as an array, NaN where an iteration has none."""
        return np.array([row.get(name, np.nan) for row in self], float)


def train(
    learner: Learner,
    env: gym.vector.VectorEnv,
    steps: int,
    out: str | Path | None = None,
    progress: bool = True,
    history: History | None = None,
    on_iteration: Callable[[dict[str, float]], object] | None = None,
) -> History:
    """Collect and learn, in whole iterations, until `learner.steps >= steps`.

    out: a folder for checkpoints and progress.csv, written at the start, at least every 30 s, and at the end; `history`
    then holds the rows of an earlier part of the run. On Ctrl-C the iteration is finished and saved, then
    KeyboardInterrupt is raised. When a number is not finite, the last good state is saved, then UserError is raised.
    """
    check_environment(env)
    history = History() if history is None else history
    before_s = history[-1]["wall_s"] if history else 0.0
    start, saved_at, first_steps = time.perf_counter(), -np.inf, learner.steps

    def save() -> None:
        if out is not None:
            checkpoint.write_csv(Path(out) / "progress.csv", COLUMNS, history)  # first: resuming drops rows, not adds
            learner.save(out)

    bar = tqdm(
        total=steps, initial=learner.steps, unit=" steps", disable=not progress, smoothing=0.1, dynamic_ncols=True
    )
    one_thread = threadpool_limits(limits=1)  # small matrices: more threads only wait for each other
    with bar, one_thread, interruptible() as interrupted:
        try:
            while learner.steps < steps and not interrupted():
                if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
                    save()
                    saved_at = time.perf_counter()
                began = time.perf_counter()
                rollout = collect_episodes(env, learner.policy(), learner.seed, learner.iteration)
                metrics = learner.update(rollout, remaining=1 - learner.steps / steps)
                now = time.perf_counter()
                row = {
                    "iteration": learner.iteration,
                    "steps": learner.steps,
                    "wall_s": round(before_s + now - start, 4),
                    "steps_per_s": round(rollout.steps / (now - began), 1),
                    "return_mean": float(rollout.episode_returns.mean()),
                    "return_sd": float(rollout.episode_returns.std(ddof=1))
                    if len(rollout.episode_returns) > 1
                    else 0.0,
                    "episode_length": float(rollout.episode_lengths.mean()),
                    **metrics,
                }
                history.append({name: row[name] for name in COLUMNS if name in row})
                bar.update(rollout.steps)
                bar.set_postfix_str(f"return {row['return_mean']:.2f}", refresh=False)
                if on_iteration:
                    on_iteration(row)
        finally:
            if learner.steps > first_steps or saved_at == -np.inf:
                save()
        if interrupted() and learner.steps < steps:
            raise KeyboardInterrupt
    return history


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within it, a first Ctrl-C only makes the yielded function return True; a second one interrupts at once."""
    caught: list[int] = []

    def handle(number: int, frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    try:
        previous = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not in the main thread, where signals do not arrive
        yield lambda: False
        return
    try:
        yield lambda: bool(caught)
    finally:
        signal.signal(signal.SIGINT, previous)


def run(
    env_id: str,
    algorithm: str,
    steps: int,
    out: str | Path,
    backend: str | None = None,
    seed: int | None = None,
    device: str = "auto",
    settings: Mapping[str, object] | None = None,
    num_envs: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """A whole training run in a folder: what `rlfilm train` does. Returns its summary.

    An existing run is refused without `resume` or `force`. On `resume` the settings and the seed are those of the run;
    only steps, backend and device may differ.
    """
    from rlfilm_lib import learner as make_learner

    if steps < 1:
        raise UserError(f"steps={steps} is out of range: give 1 or more")
    out = Path(out)
    asked = dict(settings or {}) | ({} if num_envs is None else {"num_envs": num_envs})
    if resume:
        stored = read_config(out)
        config = configure(algorithm, env_id, **{**stored["settings"], **asked})
        seed = stored["seed"] if seed is None else seed
        backend = backend or stored["backend"]
        now = {"env": env_id, "algorithm": algorithm, "seed": seed, **to_json(config)}
        then = {"env": stored["env"], "algorithm": stored["algorithm"], "seed": stored["seed"], **stored["settings"]}
        for name in now:
            if now[name] != then.get(name):
                raise UserError(
                    f"{name} {now[name]} is not the {then.get(name)} of the run in {out}: leave it as it was"
                )
    elif (out / "config.json").exists() and not force:
        raise UserError(f"{out} already holds a run: continue it with --resume, or replace it with --force")
    else:
        config = configure(algorithm, env_id, **asked)
        seed = 0 if seed is None else seed
    env = make_vec(env_id, num_envs=config.num_envs)
    try:
        learner = make_learner(algorithm, env, backend=backend, seed=seed, device=device, **to_json(config))
        checkpoint.make_folder(out)
        history = History()
        if resume:
            learner.restore(out)
            history = read_progress(out / "progress.csv", learner.iteration)
        described = {
            "env": env_id,
            "algorithm": algorithm,
            "backend": learner.backend,
            "seed": seed,
            "steps": steps,
            "device": device,
            "settings": to_json(config),
            "command": shlex.join(["rlfilm", *sys.argv[1:]]),
            "versions": versions(),
        }
        checkpoint.write_json(out / "config.json", described)
        steps_before, began = learner.steps, time.perf_counter()
        try:
            train(learner, env, steps, out, progress, history)
        finally:
            wall_s = history[-1]["wall_s"] if history else 0.0
            checkpoint.write_json(out / "config.json", {**described, "steps_done": learner.steps, "wall_s": wall_s})
        rate = (learner.steps - steps_before) / (time.perf_counter() - began)
    finally:
        env.close()
    return {"steps": learner.steps, "wall_s": wall_s, "steps_per_s": round(rate, 1), "out": str(out)}


def read_config(out: Path) -> dict[str, Any]:
    """config.json of a run. UserError where there is none, or it is damaged."""
    path = out / "config.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"no run in {out} to resume: start one without --resume") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again with --force") from None


def read_progress(path: Path, iterations: int) -> History:
    """The first `iterations` rows of progress.csv; rows after the checkpoint are dropped, they will be made again."""
    with open(path, newline="") as file:
        rows = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    return History(row for row in rows if row["iteration"] <= iterations)


def versions() -> dict[str, str]:
    """Python and the packages a result depends on, those that are installed."""
    found = {"python": platform.python_version()}
    for name in ("rlfilm", "numpy", "gymnasium", "torch", "tensorflow"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
