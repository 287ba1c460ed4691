"""Steps per second of MovieScene-v0 under random actions, resets included: 1,024 at a time, and one by gym.make."""

import json
import time

import gymnasium as gym
import numpy as np

import rlfilm_lib.envs  # noqa: F401 (registers the environments)

ID = "rlfilm/MovieScene-v0"


def batched_steps_per_second(seconds: float = 3.0, num_envs: int = 1024) -> float:
    """Environment steps per second of the batched environment on one core: best of five."""
    env = gym.make_vec(ID, num_envs=num_envs)
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (48, num_envs, 9)).astype(np.float32)
    return max(_rate(lambda: [env.step(action) for action in actions], 48 * num_envs, seconds / 5) for _ in range(5))


def single_steps_per_second(seconds: float = 3.0) -> float:
    """Steps per second of the single environment, wrappers of gym.make and resets included: best of five."""
    env = gym.make(ID)
    actions = np.random.default_rng(0).uniform(-1, 1, (48, 9)).astype(np.float32)

    def episode() -> None:
        env.reset(seed=0)
        for action in actions:
            env.step(action)

    return max(_rate(episode, 48, seconds / 5) for _ in range(5))


def _rate(work, steps: int, seconds: float) -> float:
    work()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        done += steps
    return done / (time.perf_counter() - began)


def bench() -> dict[str, float]:
    """Both figures, in steps per second."""
    return {
        "MovieScene-v0 steps/s, 1,024 environments": round(batched_steps_per_second()),
        "MovieScene-v0 steps/s, gym.make": round(single_steps_per_second()),
    }


if __name__ == "__main__":
    print(json.dumps(bench()))
