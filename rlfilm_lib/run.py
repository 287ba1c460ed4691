"""A whole training run in a folder: settings, progress, checkpoints, resume. What `rlfilm train` does."""

import contextlib
import csv
import json
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.train import History


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
    env = rlfilm.make_vec(env_id, num_envs=config.num_envs)
    try:
        learner = rlfilm.learner(algorithm, env, backend=backend, seed=seed, device=device, **to_json(config))
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
            rlfilm.train(learner, env, steps, out, progress, history)
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
    kinds = {"env": str, "algorithm": str, "backend": str, "seed": int, "settings": dict}
    try:
        stored = json.loads(path.read_text())
        if not (isinstance(stored, dict) and all(isinstance(stored.get(name), kinds[name]) for name in kinds)):
            raise ValueError(f"it does not hold {', '.join(kinds)}")
    except FileNotFoundError:
        raise UserError(f"no run in {out} to resume: start one without --resume") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again with --force") from None
    return stored


def read_progress(path: Path, iterations: int | None = None) -> History:
    """progress.csv, up to the checkpoint's iteration: rows after it are dropped, they will be made again.

    UserError where it is missing or damaged, or lacks an iteration that the checkpoint has.
    """
    try:
        with open(path, newline="") as file:
            rows = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
        rows = rows[:iterations]
        expected = range(1, 1 + (len(rows) if iterations is None else iterations))
        if [row.get("iteration") for row in rows] != list(expected):
            raise ValueError("it does not hold every iteration of the checkpoint")
        if not all(row.keys() >= {"steps", "wall_s", "return_mean", "return_sd"} for row in rows):
            raise ValueError("a column is missing")
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again with --force") from None
    return History(rows)


def versions() -> dict[str, str]:
    """Python and the packages a result depends on, those that are installed."""
    found = {"python": platform.python_version()}
    for name in ("rlfilm", "numpy", "gymnasium", "torch", "tensorflow"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
