"""Make the data of lesson 06's picture of where and why PyTorch and TensorFlow run part.

    python course/media/ppo_frameworks.py    # writes ppo_frameworks.json beside it, in about four minutes

Both frameworks train PPO with its defaults on MovieScene-v0 with one seed, and after each gradient step their weights
are compared: the relative L2 distance. Where it first leaps within one step, the minibatch's ratio that came nearest to
the clip boundary before that step tells why.
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
LEAP = 5
"""A step that multiplies the distance by more."""
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
            weights.append(flatten(learner.policy().weights))
        return metrics

    learner.optimize = step_by_step
    rollout_steps = learner.config.num_steps * env.num_envs
    rlfilm.train(learner, env, steps=ITERATIONS * rollout_steps, progress=False)
    return np.array(weights), np.array(ratios), learner


def distances(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Relative L2 distance of the weights after each step: (K, P) twice → (K,)."""
    pairs = zip(ours, theirs, strict=True)
    return np.array([np.linalg.norm(mine.astype(np.float64) - other) / np.linalg.norm(mine) for mine, other in pairs])


def main() -> None:
    runs = []
    for settings in RUNS:
        both = [followed(backend, **settings) for backend in ("pytorch", "tensorflow")]
        (ours, _, learner), (theirs, _, _) = both
        distance = distances(ours, theirs)
        low, high = 1 - learner.config.clip_range, 1 + learner.config.clip_range
        leaps = np.flatnonzero(distance[1:] > LEAP * distance[:-1]) + 1
        first = int(leaps[0]) if len(leaps) else None
        near, margin = range(0), None
        if first is not None:
            near = range(max(first - AROUND, 0), min(first + 2 * AROUND, len(distance)))
            margin = float(min(np.abs(ratios[first] - edge).min() for _, ratios, _ in both for edge in (low, high)))
        runs.append(
            settings
            | {
                "steps_per_iteration": len(distance) // ITERATIONS,
                "step": list(range(EVERY - 1, len(distance), EVERY)),
                "distance": rounded(distance[EVERY - 1 :: EVERY]),
                "first_leap": first,
                "margin": margin,
                "near_step": list(near),
                "near_distance": rounded(distance[list(near)]),
            }
        )
        print(settings, "first leap at", first, "ratio from the boundary", margin, "end", distance[-1], flush=True)
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
