"""Steps per second of our environments under random actions, resets included: a batch at a time, and one by gym.make.

python tests/bench/bench_envs.py rlfilm/CameraMove-v0    # one of them; `rlfilm bench envs` takes all
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import gymnasium as gym
import numpy as np

import rlfilm_lib.envs  # noqa: F401 (registers the environments)

NUM_ENVS = {
    "rlfilm/MovieScene-v0": 1024,
    "rlfilm/CameraMove-v0": 1024,
    "rlfilm/Lighting-v0": 1024,
    "rlfilm/Character-v0": 64,
    "rlfilm/Storyboard-v0": 1024,
    "rlfilm/FilmEdit-v0": 1024,
}
"""Environments of a batch, by id."""
NEEDS = {"rlfilm/Character-v0": "mujoco"}
"""Left out where this package is not installed."""


def batched_steps_per_second(env_id: str, num_envs: int, seconds: float = 3.0) -> float:
    """Environment steps per second of the batched environment on one core: best of five."""
    env = gym.make_vec(env_id, num_envs=num_envs)
    env.reset(seed=0)
    steps = env.unwrapped.episode_steps
    actions = _random_actions(env.single_action_space, steps, num_envs)
    return max(_rate(lambda: [env.step(action) for action in actions], steps * num_envs, seconds / 5) for _ in range(5))


def single_steps_per_second(env_id: str, seconds: float = 3.0) -> float:
    """Steps per second of the single environment, wrappers of gym.make and resets included: best of five."""
    env = gym.make(env_id)
    steps = env.unwrapped.batch.episode_steps
    actions = _random_actions(env.action_space, steps)

    def episode() -> None:
        env.reset(seed=0)
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return max(_rate(episode, steps, seconds / 5) for _ in range(5))


def _random_actions(space: gym.Space, *shape: int) -> np.ndarray:
    """So many actions: whole numbers, or numbers in [-1, 1]."""
    rng = np.random.default_rng(0)
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=shape)
    return rng.uniform(-1, 1, (*shape, *space.shape)).astype(np.float32)


def _rate(work: Callable[[], object], steps: int, seconds: float) -> float:
    work()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        done += steps
    return done / (time.perf_counter() - began)


def bench(env_ids: list[str] | None = None) -> dict[str, float]:
    """Both figures of each environment, in steps per second."""
    rows: dict[str, float] = {}
    for env_id in env_ids or NUM_ENVS:
        if env_id in NEEDS and not find_spec(NEEDS[env_id]):
            continue
        name, num_envs = env_id.removeprefix("rlfilm/"), NUM_ENVS[env_id]
        rows[f"{name} steps/s, {num_envs:,} environments"] = round(batched_steps_per_second(env_id, num_envs))
        rows[f"{name} steps/s, gym.make"] = round(single_steps_per_second(env_id))
    return rows


if __name__ == "__main__":
    print(json.dumps(bench(sys.argv[1:])))
