"""What a random policy and the expert earn in an environment, measured: the scale on which scores are normalised.

python -m rlfilm_lib.envs.yardsticks rlfilm/MovieScene-v0

prints, per `controls`, what the environment stores in `metadata["yardsticks"]`.
"""

import sys
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.errors import UserError, unknown

EPISODES = 4096
SEED = 1_000_000
"""Of the first measured episode; a long way from the seeds that people train and evaluate with."""


def episode_returns(env: BatchEnv, policy: Callable[..., NDArray], seed: int) -> NDArray[np.float64]:
    """Return (N,) of the first episode of each environment of the batch, seeded seed + i."""
    observations, _ = env.reset(seed=seed)
    returns, playing = np.zeros(env.num_envs), np.ones(env.num_envs, bool)
    while playing.any():
        observations, rewards, terminated, truncated, _ = env.step(policy(observations))
        returns += rewards * playing
        playing &= ~(terminated | truncated)
    return returns


def measure(env_id: str, episodes: int = EPISODES, seed: int = SEED, **env_kwargs: Any) -> dict[str, float]:
    """Mean return of the random policy and of the expert over the same episodes: {"random": ..., "expert": ...}."""
    env = gym.make_vec(env_id, num_envs=episodes, **env_kwargs)
    if not isinstance(env, BatchEnv):
        raise UserError(f"environment '{env_id}' has no yardsticks: give one of ours, such as rlfilm/MovieScene-v0")
    policies = {"random": env.random_policy(seed), "expert": env.expert_policy()}
    return {name: float(episode_returns(env, policy, seed).mean()) for name, policy in policies.items()}


def main(arguments: list[str]) -> None:
    """Print the yardsticks of the environments named."""
    for env_id in arguments:
        if env_id not in gym.registry:
            raise unknown("environment", env_id, [name for name in gym.registry if name.startswith("rlfilm/")])
        for controls in gym.make_vec(env_id, num_envs=1).metadata["yardsticks"]:
            measured = {name: round(value, 2) for name, value in measure(env_id, controls=controls).items()}
            print(f"{env_id} {controls}: {measured}")


if __name__ == "__main__":
    main(sys.argv[1:])
