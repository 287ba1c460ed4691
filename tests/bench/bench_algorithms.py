"""This library in both frameworks against Stable-Baselines3 and a single file in CleanRL's manner, on the same work.

Environment, network (64-64 tanh, actor and critic apart), settings, step count and gradient norm are the same; nothing
is normalised, no KL stop. Each training runs in a process of its own on one core, in one thread; the sides take turns.

    python tests/bench/bench_algorithms.py                                  # one seed each, about three minutes
    python tests/bench/bench_algorithms.py --repeats 5 --scale 4 --only PPO --out results/algorithms.json
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # `rlfilm bench` runs this file from elsewhere

from training_run import Run, measure, sides

from rlfilm_lib import BACKENDS
from rlfilm_lib.rl.config import CONFIGS, to_json
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.run import versions

BASE = "stable-baselines3"
MEDIANS = ("steps_per_s", "steady_steps_per_s", "import_s", "first_s", "train_s", "target_s", "peak_mb", "busy")
RATIOS = ("steps_per_s", "steady_steps_per_s", "train_s", "target_s", "peak_mb")
"""Those given over Stable-Baselines3's, too."""


@dataclass(frozen=True)
class Work:
    """The same training for every side, in our names for the settings; `target`: a score that it may reach."""

    algorithm: str
    env_id: str
    num_envs: int
    steps: int
    target: float
    settings: dict[str, Any]


CARTPOLE = {"num_steps": 32, "minibatch_size": 256, "epochs": 20, "learning_rate": 1e-3, "gamma": 0.98}
PENDULUM = {"num_steps": 1024, "minibatch_size": 64, "epochs": 10, "learning_rate": 1e-3, "gamma": 0.9}
MOVIE = {"num_steps": 128, "minibatch_size": 64, "epochs": 10, "learning_rate": 3e-4, "gamma": 0.9}
SHORT = {"num_steps": 16, "learning_rate": 7e-4}
WORK = {
    "PPO CartPole-v1": Work("ppo", "CartPole-v1", 8, 32_768, 475, CARTPOLE),
    "PPO Pendulum-v1": Work("ppo", "Pendulum-v1", 4, 40_960, -400, PENDULUM),
    "PPO MovieScene-v0": Work("ppo", "rlfilm/MovieScene-v0", 16, 40_960, 0.5, MOVIE),
    "Actor-Critic CartPole-v1": Work("actor-critic", "CartPole-v1", 16, 131_072, 195, SHORT | {"gamma": 0.99}),
    "Actor-Critic MovieScene-v0": Work("actor-critic", "rlfilm/MovieScene-v0", 16, 65_536, 0.3, SHORT | {"gamma": 0.9}),
}


def compare(work: Work, seed: int = 0, scale: float = 1.0) -> dict[str, dict[str, Any]]:
    """Every side's figures for one training of `work`, `scale` times as long; the sides start in turn."""
    steps = round(work.steps * scale)
    plain = to_json(CONFIGS[work.algorithm]()) | {"num_envs": work.num_envs, "normalize_observations": False}
    found = {}
    for side in np.roll(sides(), -seed).tolist():
        settings = (plain if side in BACKENDS else {}) | work.settings
        found[side] = measure(
            Run(side, work.algorithm, work.env_id, work.num_envs, steps, seed, settings, work.target, steps // 16)
        )
    return found


class Row(dict[str, Any]):
    """One side's figures on one work: in a table one line of text, in JSON all of them."""

    def __str__(self) -> str:
        whole, steady = (
            f"{self[name]:,.0f} steps/s" + (f" ({self['ratios'][name]:.2f} × {BASE})" if self["ratios"] else "")
            for name in ("steps_per_s", "steady_steps_per_s")
        )
        when = "not reached" if self["target_s"] is None else f"in {self['target_s']:.1f} s"
        low, high = self["ci95"]
        return (
            f"{whole}, after the first {self['first_s']:.1f} s {steady}; {self['target']:g} {when}; "
            f"ends at {self['score']:.3g} ({low:.3g} to {high:.3g}); {self['peak_mb']:.0f} MB"
        )


def row(own: list[dict[str, Any]], base: list[dict[str, Any]] | None, target: float) -> Row:
    """One side's repeats as medians, those of the ratios to `base` too; the score is the mean of the repeats.

    The score's interval is that of the runs, or of the episodes where there is but one run.
    """
    scores = np.array([run["score"] for run in own])
    ratios = {
        name: _median([_number(run[name]) / _number(other[name]) for run, other in zip(own, base, strict=True)])
        for name in (RATIOS if base else ())
    }
    return Row(
        {name: _median([_number(run[name]) for run in own]) for name in MEDIANS},
        ratios=ratios,
        target=target,
        score=scores.mean(),
        ci95=[float(end) for end in bootstrap_interval(scores)] if len(own) > 1 else own[0]["ci95"],
        scores=scores.tolist(),
    )


def _number(figure: float | None) -> float:
    return np.inf if figure is None else figure


def _median(figures: list[float]) -> float | None:
    """None where it is not finite: half of the figures are missing."""
    middle = float(np.median(figures))
    return middle if np.isfinite(middle) else None


def bench(repeats: int = 1, scale: float = 1.0, only: str = "") -> dict[str, Row]:
    """A row for every work whose name contains `only`, and every side; repeat r has seed r."""
    rows = {}
    for name, work in WORK.items():
        if only in name:
            measured = [compare(work, seed, scale) for seed in range(repeats)]
            runs = {side: [each[side] for each in measured] for side in sides()}
            for side, own in runs.items():
                rows[f"{name}, {side}"] = row(own, None if side == BASE else runs.get(BASE), work.target)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1, help="seeds")
    parser.add_argument("--scale", type=float, default=1.0, help="times the steps")
    parser.add_argument("--only", default="", help="part of a name of WORK")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures and the command")
    asked = parser.parse_args()
    rows = bench(asked.repeats, asked.scale, asked.only)
    for name, each in rows.items():
        print(f"{name}: {each}")
    if asked.out:
        command = " ".join(["python", "tests/bench/bench_algorithms.py", *sys.argv[1:]])
        asked.out.write_text(json.dumps({"command": command, "versions": versions(), "rows": rows}, indent=1) + "\n")
