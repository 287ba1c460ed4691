"""Reinforcement learning for film: policy gradients that place cameras, set lights and move characters.

The factories below are the whole way in. Importing the package imports neither PyTorch nor TensorFlow.
"""

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, Any

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.checkpoint import load_policy as load
from rlfilm_lib.rl.config import configure
from rlfilm_lib.rl.environment import identity, make_vec
from rlfilm_lib.rl.evaluate import evaluate
from rlfilm_lib.rl.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    import gymnasium as gym

    from rlfilm_lib.rl.learner import Learner
    from rlfilm_lib.stage.take import Take

__version__ = "0.1.0"
__all__ = ["UserError", "backends", "choose_backend", "evaluate", "learner", "load", "make_vec", "shoot", "train"]

BACKENDS = {"pytorch": ("torch", "rlfilm_lib.pytorch"), "tensorflow": ("tensorflow", "rlfilm_lib.tf")}
"""The name a user gives → the package it needs, and our twin."""
ALGORITHMS = {
    "reinforce": ("reinforce", "Reinforce"),
    "actor-critic": ("actor_critic", "ActorCritic"),
    "ppo": ("ppo", "PPO"),
}
"""The name a user gives → module and class, the same in both twins."""


def backends() -> list[str]:
    """The frameworks installed here, PyTorch first."""
    return [name for name, (package, _) in BACKENDS.items() if importlib.util.find_spec(package)]


def choose_backend(name: str | None = None) -> str:
    """`name`, else the environment variable RLFILM_BACKEND, else the first installed; UserError if it is not there."""
    name = name or os.environ.get("RLFILM_BACKEND") or next(iter(backends()), "pytorch")
    if name not in BACKENDS:
        raise unknown("backend", name, BACKENDS)
    if name not in backends():
        extra = BACKENDS[name][0]
        raise UserError(f"backend '{name}' is not installed: pip install \"rlfilm[{extra}]\"")
    return name


def learner(
    algorithm: str,
    env: "gym.vector.VectorEnv",
    backend: str | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> "Learner":
    """A learner for `env` (as `make_vec` makes it).

    algorithm: "reinforce", "actor-critic" or "ppo"; backend: "pytorch" or "tensorflow";
    settings: see `rlfilm_lib.rl.config`; defaults are those of the algorithm and the environment.
    UserError for an unknown name, a value out of range, or spaces that are not flat.

    >>> learner("poo", make_vec("CartPole-v1", num_envs=2))
    Traceback (most recent call last):
    rlfilm_lib.errors.UserError: unknown algorithm 'poo'; did you mean 'ppo'? (one of: ...)
    """
    env_id, env_kwargs = identity(env)
    config = configure(algorithm, env_id, **{"num_envs": env.num_envs, **settings})
    module, name = ALGORITHMS[algorithm]
    twin = importlib.import_module(f"{BACKENDS[choose_backend(backend)][1]}.{module}")
    return getattr(twin, name)(
        env.single_observation_space, env.single_action_space, config, seed, device, env_id, env_kwargs
    )


def shoot(
    policy: Any, env_id: str, seed: int = 0, options: "Mapping[str, Any] | None" = None, **env_kwargs: Any
) -> "Take":
    """Play one episode as a `Take`, ready to render; `options` go to the environment's reset (a brief)."""
    from rlfilm_lib.envs.shooting import play

    return play(policy, env_id, seed, options, **env_kwargs).take
