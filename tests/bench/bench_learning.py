"""REINFORCE on MovieScene-v0 in both frameworks: 400,000 steps, 5 seeds, beside random, untrained and expert.

Scores are normalised: 0 is the random policy, 1 the expert. With arguments it compares settings instead, in PyTorch;
from this the environment's preset was chosen:

python tests/bench/bench_learning.py gamma=0.99,log_std_init=0 gamma=0.9,log_std_init=0 gamma=0.9,log_std_init=-1
"""

import json
import sys
import time

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.statistics import bootstrap_interval

ENV_ID = "rlfilm/MovieScene-v0"
STEPS, SEEDS, EPISODES = 400_000, range(5), 256


def scores(backend: str, steps: int = STEPS, **settings: object) -> tuple[list[float], float]:
    """The deterministic normalised score of each seed after `steps` of training (0: untrained), and its seconds."""
    began, found = time.perf_counter(), []
    for seed in SEEDS:
        env = rlfilm.make_vec(ENV_ID, num_envs=16)
        learner = rlfilm.learner("reinforce", env, backend=backend, seed=seed, **settings)
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
        rows[f"untrained score, {backend}"] = summary(scores(backend, steps=0)[0])
        trained, seconds = scores(backend)
        rows[f"trained score, {backend}"] = summary(trained)
        rows[f"steps/s, {backend}"] = len(SEEDS) * STEPS / seconds
    return rows


if __name__ == "__main__":
    for settings in sys.argv[1:]:
        chosen = dict(item.split("=") for item in settings.split(","))
        print(settings, summary(scores("pytorch", **chosen)[0]))
    if not sys.argv[1:]:
        print(json.dumps(bench(), indent=1))
