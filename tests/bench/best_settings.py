"""PPO with each side's best settings: seconds until a threshold is reached, and the final score.

Stable-Baselines3's are the tuned ones of its zoo (rl-baselines3-zoo, hyperparams/ppo.yml), ours the presets in
rl/config.py, each with its own number of environments. Every `evaluate_every` steps the deterministic policy plays 20
episodes; the threshold counts as reached at the first of three evaluations in a row whose mean is there. Compilation
counts as time, evaluations and imports do not.

    python tests/bench/best_settings.py --seeds 5 --out tests/bench/results/best_settings.json
    python tests/bench/best_settings.py --seeds 3 --only HalfCheetah Hopper --out tests/bench/results/mujoco.json

The last two need gymnasium[mujoco].
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_algorithms import BASE, Row, row
from training_run import Run, measure, sides

from rlfilm_lib.rl.config import configure
from rlfilm_lib.run import versions


@dataclass(frozen=True)
class Task:
    """A threshold, and how Stable-Baselines3 goes about it, by its own names."""

    target: float
    steps: int
    evaluate_every: int
    num_envs: int
    settings: dict[str, Any]


MUJOCO = {"policy_kwargs": {"log_std_init": -2, "ortho_init": False, "activation_fn": "ReLU", "net_arch": [256, 256]}}
TASKS = {
    "CartPole-v1": Task(
        475, 100_000, 1_000, 8,
        {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20, "ent_coef": 0.0,
         "learning_rate": "lin_0.001", "clip_range": "lin_0.2"},
    ),
    "Pendulum-v1": Task(
        -200, 100_000, 2_000, 4,
        {"n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.9, "n_epochs": 10, "ent_coef": 0.0, "learning_rate": 1e-3,
         "clip_range": 0.2, "use_sde": True, "sde_sample_freq": 4},
    ),
    # Its zoo trains for a million steps at a constant rate: these are the first of them.
    "Acrobot-v1": Task(
        -100, 200_000, 4_000, 16,
        {"normalize": True, "n_steps": 256, "gae_lambda": 0.94, "gamma": 0.99, "n_epochs": 4, "ent_coef": 0.0},
    ),
    # Not in its zoo.
    "rlfilm/MovieScene-v0": Task(
        0.9, 300_000, 4_000, 16,
        {"n_steps": 128, "gamma": 0.9},
    ),
    # HalfCheetah-v3 and Hopper-v3 in its zoo. The thresholds are only there to be seen in the curves.
    "HalfCheetah-v5": Task(
        2000, 300_000, 20_000, 1,
        {"normalize": True, "batch_size": 64, "n_steps": 512, "gamma": 0.98, "learning_rate": 2.0633e-05,
         "ent_coef": 0.000401762, "clip_range": 0.1, "n_epochs": 20, "gae_lambda": 0.92, "max_grad_norm": 0.8,
         "vf_coef": 0.58096, **MUJOCO},
    ),
    "Hopper-v5": Task(
        2000, 300_000, 20_000, 1,
        {"normalize": True, "batch_size": 32, "n_steps": 512, "gamma": 0.999, "learning_rate": 9.80828e-05,
         "ent_coef": 0.00229519, "clip_range": 0.2, "n_epochs": 5, "gae_lambda": 0.99, "max_grad_norm": 0.7,
         "vf_coef": 0.835671, **MUJOCO},
    ),
}  # fmt: skip


def train(side: str, env_id: str, seed: int) -> dict[str, Any]:
    """One side's figures for one seed of a task."""
    task = TASKS[env_id]
    ours = side != BASE
    num_envs = configure("ppo", env_id).num_envs if ours else task.num_envs
    settings = {} if ours else task.settings
    return measure(Run(side, "ppo", env_id, num_envs, task.steps, seed, settings, task.target, task.evaluate_every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the ids to train on")
    parser.add_argument("--sides", nargs="+", default=[side for side in sides() if side != "single file"])
    parser.add_argument("--out", type=Path, help="a JSON file for the figures and the command")
    asked = parser.parse_args()
    rows: dict[str, Row] = {}
    for env_id in TASKS:
        if any(part in env_id for part in asked.only):
            runs: dict[str, list[dict[str, Any]]] = {side: [] for side in asked.sides}
            for seed in range(asked.seeds):
                for side in asked.sides:
                    runs[side].append(train(side, env_id, seed))
                    last = runs[side][-1]
                    print(
                        f"  {env_id} {side} seed {seed}: {last['target_s']} s, {last['target_steps']} steps, "
                        f"{last['score']:.4g} in {last['train_s']:.1f} s, busy {last['busy']:.2f}",
                        flush=True,
                    )
            for side, own in runs.items():
                name = f"{env_id}, {side}"
                rows[name] = row(own, None if side == BASE else runs.get(BASE), TASKS[env_id].target)
                print(f"{name}: {rows[name]}", flush=True)
    if asked.out:
        command = " ".join(["python", "tests/bench/best_settings.py", *sys.argv[1:]])
        asked.out.write_text(json.dumps({"command": command, "versions": versions(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
