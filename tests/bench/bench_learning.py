"""The three algorithms on MovieScene-v0 in both frameworks: 300,000 steps, 5 seeds, beside random, untrained, expert.

Scores are normalised: 0 is the random policy, 1 the expert. With arguments it compares settings of one algorithm
instead, in TensorFlow; from this the environment's presets were chosen:

python tests/bench/bench_learning.py reinforce gamma=0.99,log_std_init=0 gamma=0.9,log_std_init=0 gamma=0.9
"""

import json
import sys
import time

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.statistics import bootstrap_interval

ENV_ID = "rlfilm/MovieScene-v0"
STEPS, SEEDS, EPISODES = 300_000, range(5), 256


def scores(algorithm: str, backend: str, steps: int = STEPS, **settings: object) -> tuple[list[float], float]:
    """The deterministic normalised score of each seed after `steps` of training (0: untrained), and its seconds."""
    began, found = time.perf_counter(), []
    for seed in SEEDS:
        env = rlfilm.make_vec(ENV_ID, num_envs=16)
        learner = rlfilm.learner(algorithm, env, backend=backend, seed=seed, **settings)
        rlfilm.train(learner, env, steps=steps, progress=False)
        found.append(rlfilm.evaluate(learner.policy(), ENV_ID, episodes=EPISODES, seed=1).normalised_score)
    return found, time.perf_counter() - began


def summary(found: list[float]) -> str:
    """Mean over the seeds with its 95 % bootstrap interval."""
    low, high = bootstrap_interval(np.array(found))
    return f"{np.mean(found):.3f} ({low:.3f} to {high:.3f})"


def bench() -> dict[str, object]:
    env = rlfilm.make_vec(ENV_ID, num_envs=1)
    rows: dict[str, object] = {}
    for name, policy in (("random", env.random_policy(0)), ("expert", env.expert_policy())):
        result = rlfilm.evaluate(policy, ENV_ID, episodes=EPISODES, seed=1)
        rows[f"{name} score"] = round(result.normalised_score, 3)
    for backend in rlfilm.backends():
        rows[f"untrained score, {backend}"] = summary(scores("ppo", backend, steps=0)[0])
        for algorithm in rlfilm.ALGORITHMS:
            trained, seconds = scores(algorithm, backend)
            rows[f"{algorithm} score, {backend}"] = summary(trained)
            rows[f"{algorithm} steps/s, {backend}"] = len(SEEDS) * STEPS / seconds
    return rows


if __name__ == "__main__":
    for settings in sys.argv[2:]:
        chosen = dict(item.split("=") for item in settings.split(","))
        print(sys.argv[1], settings, summary(scores(sys.argv[1], "tensorflow", **chosen)[0]), flush=True)
    if not sys.argv[1:]:
        print(json.dumps(bench(), indent=1))
