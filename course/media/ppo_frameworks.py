"""Make the data of lesson 06's picture of where and why PyTorch and TensorFlow run part.

    python course/media/ppo_frameworks.py    # writes ppo_frameworks.json beside it, in about four minutes

Both frameworks train PPO with its defaults on MovieScene-v0 with one seed, and after each gradient step their weights
are compared: the relative L2 distance. Before each step the minibatch's ratios are taken in both, to find the first
sample that lies within the clip range in one of them and beyond it in the other.
"""

import importlib
import json
from pathlib import Path

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.config import PPOConfig, to_json
from rlfilm_lib.rl.policy import flatten
from rlfilm_lib.run import versions

SCENE = "rlfilm/MovieScene-v0"
ITERATIONS, EVERY, AROUND = 20, 16, 40
OFF = 1e6  # a clip range that no ratio reaches
RUNS = (
    {"seed": 0, "precision": "float32"},
    {"seed": 1, "precision": "float32"},
    {"seed": 2, "precision": "float32"},
    {"seed": 0, "precision": "float64"},
    {"seed": 0, "precision": "float32", "clip_range": OFF},
)
TARGET = Path(__file__).with_suffix(".json")


def followed(backend: str, seed: int, **settings: object) -> tuple[np.ndarray, np.ndarray, rlfilm.learner]:
    """Weights after each gradient step (K, P), and the ratios in the minibatch before it (K, M); the learner."""
    env = rlfilm.make_vec(SCENE, num_envs=16)
    learner = rlfilm.learner("ppo", env, backend=backend, seed=seed, **to_json(PPOConfig()) | settings)
    twin = importlib.import_module(f"{type(learner).__module__.rpartition('.')[0]}.learner")
    optimize, weights, ratios = learner.optimize, [], []

    def step_by_step(*minibatches, rate):
        x, actions, log_probs, *_ = minibatches
        for k in range(len(x)):
            new, _ = twin.log_prob_and_entropy(learner.params(), x[k], actions[k])
            new = new.detach().numpy() if backend == "pytorch" else new.numpy()
            ratios.append(np.exp(new - np.asarray(log_probs[k])))
            metrics = optimize(*(column[k : k + 1] for column in minibatches), rate=rate)
            weights.append(flatten(learner.policy().weights).astype(np.float64))
        return metrics

    learner.optimize = step_by_step
    rollout_steps = learner.config.num_steps * env.num_envs
    rlfilm.train(learner, env, steps=ITERATIONS * rollout_steps, progress=False)
    return np.array(weights), np.array(ratios), learner


def side(ratios: np.ndarray, clip_range: float) -> np.ndarray:
    """-1 below the clip range, 0 within it, 1 above."""
    return (ratios > 1 + clip_range).astype(int) - (ratios < 1 - clip_range)


def main() -> None:
    runs = []
    for settings in RUNS:
        (ours, ours_ratios, learner), (theirs, their_ratios, _) = (
            followed(backend, **settings) for backend in ("pytorch", "tensorflow")
        )
        distance = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(ours, axis=1)
        clip_range = learner.config.clip_range
        parted = np.flatnonzero((side(ours_ratios, clip_range) != side(their_ratios, clip_range)).any(axis=1))
        first = int(parted[0]) if len(parted) else None
        near = range(0) if first is None else range(max(first - AROUND, 0), min(first + 2 * AROUND, len(distance)))
        runs.append(
            settings
            | {
                "steps_per_iteration": len(distance) // ITERATIONS,
                "step": list(range(EVERY - 1, len(distance), EVERY)),
                "distance": rounded(distance[EVERY - 1 :: EVERY]),
                "first_across": first,
                "near_step": list(near),
                "near_distance": rounded(distance[list(near)]),
            }
        )
        print(settings, "first across at", first, "distance at the end", rounded(distance[-1:]), flush=True)
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "settings": to_json(PPOConfig()),
        "versions": versions(),
        "iterations": ITERATIONS,
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n')


def rounded(distances: np.ndarray) -> list[float]:
    """Three significant digits each."""
    return [float(f"{distance:.2e}") for distance in distances]


if __name__ == "__main__":
    main()
