"""One training run in a process of its own, pinned to one core: the unit that the benchmarks beside it compare.

    python tests/bench/training_run.py '{"side": "pytorch", "algorithm": "ppo", "env_id": "CartPole-v1", ...}'

prints one JSON object. From Python: `measure(Run(...))` starts that process and returns the object. The clock runs from
the making of the environment to the last update, compilation included, imports and evaluations not. It is the process's
own time on its core: what the training takes by the wall clock where nothing else wants that core.
"""

import dataclasses
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.environment import yardsticks

SIDES = {
    "stable-baselines3": "stable_baselines3",
    "single file": "torch",
    "pytorch": "torch",
    "tensorflow": "tensorflow",
}
"""Who may train → the package that it needs. The last two are this library."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
EVALUATION_SEED = 1000
"""Of the final evaluation; those on the way have the seeds after it, so that no lucky set of starts decides."""
IN_A_ROW = 3
"""Evaluations that must reach the target one after the other: a single one is often luck, and lost again."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What to train. `settings` go to the side as they are, by its own names."""

    side: str
    algorithm: str
    env_id: str
    num_envs: int
    steps: int
    seed: int
    settings: dict[str, Any]
    target: float
    """A normalised score where the environment has yardsticks, else a return."""
    evaluate_every: int
    """Environment steps between deterministic evaluations."""
    evaluation_episodes: int = 20
    final_episodes: int = 64


def sides() -> list[str]:
    """Those whose package is installed."""
    return [side for side, package in SIDES.items() if importlib.util.find_spec(package)]


def measure(run: Run) -> dict[str, Any]:
    """The figures of a run in a fresh process: see `train`."""
    command = [sys.executable, "-W", "ignore", __file__, json.dumps(dataclasses.asdict(run))]
    environment = {**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{run} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def train(run: Run) -> dict[str, Any]:
    """Train here, and measure.

    | figure                           | meaning                                                                     |
    |----------------------------------|-----------------------------------------------------------------------------|
    | import_s                         | seconds to import what the side needs                                       |
    | train_s · first_s                | seconds of the training, and of its first iteration, compilation included   |
    | steps_per_s · steady_steps_per_s | of the training, and of all its iterations but the first                    |
    | busy                             | share of the wall time that this process had the core                       |
    | peak_mb                          | largest resident memory                                                     |
    | target_s · target_steps          | the first of three evaluations in a row that reach the target, or null      |
    | score · ci95                     | of the final policy: normalised where there are yardsticks, else its return |
    | curve                            | steps, seconds and score of every evaluation                                |
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    began = time.process_time()
    work = _trainer(run)
    import_s = time.process_time() - began
    marks: list[tuple[int, float]] = []
    curve: list[tuple[int, float, float]] = []
    latest: Callable[[], Any]
    next_evaluation, paused, paused_wall = run.evaluate_every, 0.0, 0.0
    start, start_wall = time.process_time(), time.perf_counter()

    def on_iteration(steps: int, policy: Callable[[], Any]) -> None:
        nonlocal latest, next_evaluation, paused, paused_wall
        now, now_wall = time.process_time(), time.perf_counter()
        latest = policy
        marks.append((steps, now - start - paused))
        if steps >= next_evaluation:
            score, _ = _score(policy(), run, run.evaluation_episodes, seed=EVALUATION_SEED + 1 + len(curve))
            curve.append((*marks[-1], score))
            next_evaluation += run.evaluate_every * (1 + (steps - next_evaluation) // run.evaluate_every)
        paused += time.process_time() - now
        paused_wall += time.perf_counter() - now_wall

    work(on_iteration)
    wall_s = time.perf_counter() - start_wall - paused_wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    score, ci95 = _score(latest(), run, run.final_episodes)
    (first_steps, first_s), (steps, train_s) = marks[0], marks[-1]
    above = [score >= run.target for _, _, score in curve]
    reached = next((curve[i] for i in range(len(curve) - IN_A_ROW + 1) if all(above[i : i + IN_A_ROW])), None)
    return {
        "import_s": import_s,
        "train_s": train_s,
        "first_s": first_s,
        "steps": steps,
        "steps_per_s": steps / train_s,
        "steady_steps_per_s": (steps - first_steps) / (train_s - first_s),
        "busy": train_s / wall_s,
        "peak_mb": peak,
        "target_s": reached and reached[1],
        "target_steps": reached and reached[0],
        "score": score,
        "ci95": ci95,
        "curve": curve,
    }


def _trainer(run: Run) -> Callable[[Callable], object]:
    """Imports what the side needs; the function returned trains, given what to call after each iteration."""
    asked = (run.env_id, run.num_envs, run.steps, run.seed)
    if run.side in rlfilm.BACKENDS:
        importlib.import_module(f"{rlfilm.BACKENDS[run.side][1]}.{rlfilm.ALGORITHMS[run.algorithm][0]}")
        return lambda on_iteration: _train_ours(run, on_iteration)
    import torch

    torch.set_num_threads(1)
    if run.side == "single file":
        from peers import single_file

        whole = {"epochs": 1, "minibatch_size": run.num_envs * run.settings["num_steps"]}
        settings = run.settings | (whole if run.algorithm == "actor-critic" else {})
        return lambda on_iteration: single_file.train(*asked, on_iteration, **settings)
    from peers import sb3

    return lambda on_iteration: sb3.train(run.algorithm, *asked, on_iteration, **run.settings)


def _train_ours(run: Run, on_iteration: Callable[[int, Callable[[], Any]], None]) -> None:
    env = rlfilm.make_vec(run.env_id, num_envs=run.num_envs)
    learner = rlfilm.learner(run.algorithm, env, backend=run.side, seed=run.seed, **run.settings)
    report = lambda row: on_iteration(learner.steps, learner.policy)  # noqa: E731
    rlfilm.train(learner, env, run.steps, progress=False, on_iteration=report)


def _score(policy: Any, run: Run, episodes: int, seed: int = EVALUATION_SEED) -> tuple[float, tuple[float, float]]:
    result = rlfilm.evaluate(policy, run.env_id, episodes=episodes, seed=seed)
    scale = yardsticks(rlfilm.make_vec(run.env_id, num_envs=1))
    if scale is None:
        return result.return_mean, result.ci95
    low, high = ((each - scale["random"]) / (scale["expert"] - scale["random"]) for each in result.ci95)
    return result.normalised_score, (low, high)


if __name__ == "__main__":
    print(json.dumps(train(Run(**json.loads(sys.argv[1])))))
