"""Stable-Baselines3 as its users run it: `make_vec_env`, MlpPolicy, its own settings by its own names."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

Policy = Callable[..., np.ndarray]

ALGORITHMS = {"ppo": PPO, "actor-critic": A2C}
NAMES = {
    "num_steps": "n_steps",
    "minibatch_size": "batch_size",
    "epochs": "n_epochs",
    "entropy_coef": "ent_coef",
    "value_coef": "vf_coef",
}
"""Our setting → theirs, where the name differs."""


def train(
    algorithm: str,
    env_id: str,
    num_envs: int,
    steps: int,
    seed: int,
    on_iteration: Callable[[int, Callable[[], Policy]], object],
    normalize: bool = False,
    policy_kwargs: Mapping[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Train for `steps`; after each iteration calls on_iteration(steps so far, a function that gives the policy).

    settings: by our names or by theirs; a schedule is written "lin_0.001" and an activation "ReLU", as in their zoo.
    A2C takes Adam and standardized advantages, as ours does, unless told otherwise.
    """
    env = make_vec_env(env_id, n_envs=num_envs, seed=seed)
    if normalize:
        env = VecNormalize(env, gamma=settings.get("gamma", 0.99))
    network = dict(policy_kwargs or {})
    if "activation_fn" in network:
        network["activation_fn"] = getattr(torch.nn, network["activation_fn"])
    settings = {NAMES.get(name, name): _schedule(value) for name, value in settings.items()}
    if algorithm == "actor-critic":
        settings = {"use_rms_prop": False, "normalize_advantage": True, **settings}
    model = ALGORITHMS[algorithm]("MlpPolicy", env, seed=seed, device="cpu", policy_kwargs=network, **settings)

    def policy(observations: np.ndarray, deterministic: bool = True) -> np.ndarray:
        seen = env.normalize_obs(observations) if normalize else observations
        return model.predict(seen, deterministic=deterministic)[0]

    class AfterEachUpdate(BaseCallback):
        def _on_rollout_start(self) -> None:
            if self.num_timesteps:
                on_iteration(self.num_timesteps, lambda: policy)

        def _on_step(self) -> bool:
            return True

    model.learn(steps, callback=AfterEachUpdate())
    on_iteration(model.num_timesteps, lambda: policy)


def _schedule(value: Any) -> Any:
    """ "lin_0.001" as a function of the share of the run that is left; anything else as it is."""
    if not str(value).startswith("lin_"):
        return value
    first = float(value.removeprefix("lin_"))
    return lambda remaining: remaining * first
