"""The training loop, with its history, checkpoints and a clean stop on Ctrl-C."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.rollout import Collector, Rollout

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

    A row's return and episode length are those of the episodes that ended in its iteration, absent where none did.
    Where episodes begin anew in the middle of a run (see `Collector.exact`), the short ones end first: there both are
    absent until one has ended in every environment.

    out: a folder for checkpoints and progress.csv, written at the start, at least every 30 s, and at the end; `history`
    then holds the rows of an earlier part of the run. On Ctrl-C the iteration is finished and saved, then
    KeyboardInterrupt is raised. When a number is not finite, the last good state is saved, then UserError is raised.
    """
    num_steps: int | None = learner.config.num_steps  # type: ignore[attr-defined]
    collector = Collector(env, learner.seed, num_steps, learner.collector_state)
    unfinished = np.full(env.num_envs, learner.iteration > 0 and not collector.exact)
    history = History() if history is None else history
    before_s = history[-1]["wall_s"] if history else 0.0
    start, saved_at = time.perf_counter(), -np.inf
    if out is not None:
        checkpoint.make_folder(Path(out))

    def save() -> None:
        if out is not None:
            checkpoint.write_csv(Path(out) / "progress.csv", COLUMNS, history)  # first: resuming drops rows, not adds
            learner.save(out)

    bar = tqdm(
        total=steps, initial=learner.steps, unit=" steps", disable=not progress, smoothing=0.1, dynamic_ncols=True
    )
    one_thread = threadpool_limits(limits=1)  # small matrices: more threads only wait for each other
    no_warnings = np.errstate(over="ignore", invalid="ignore")  # what is not finite is an error, raised with its name
    with bar, one_thread, no_warnings, interruptible() as interrupted:
        try:
            while learner.steps < steps and not interrupted():
                if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
                    save()
                    saved_at = time.perf_counter()
                began = time.perf_counter()
                rollout = collector.collect(learner.policy(), learner.iteration)
                metrics = learner.update(rollout, remaining=1 - learner.steps / steps)
                learner.collector_state = collector.state()
                unfinished &= ~rollout.ended.any(axis=0)
                now = time.perf_counter()
                row = {
                    "iteration": learner.iteration,
                    "steps": learner.steps,
                    "wall_s": round(before_s + now - start, 4),
                    "steps_per_s": round(rollout.steps / (now - began), 1),
                    **({} if unfinished.any() else _episodes(rollout)),
                    **metrics,
                }
                history.append({name: row[name] for name in COLUMNS if name in row})
                bar.update(rollout.steps)
                if "return_mean" in row:
                    bar.set_postfix_str(f"return {row['return_mean']:.2f}", refresh=False)
                if on_iteration:
                    on_iteration(row)
        except UserError:  # raised before the state changed: this is the last good one
            save()
            raise
        save()
        if interrupted() and learner.steps < steps:
            raise KeyboardInterrupt
    return history


def _episodes(rollout: Rollout) -> dict[str, float]:
    """What the episodes that ended in a rollout earned; nothing where none did."""
    returns = rollout.episode_returns
    if not len(returns):
        return {}
    return {
        "return_mean": float(returns.mean()),
        "return_sd": float(returns.std(ddof=min(1, len(returns) - 1))),
        "episode_length": float(rollout.episode_lengths.mean()),
    }


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
