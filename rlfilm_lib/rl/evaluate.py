"""How good a policy is: returns on environments of its own, with an interval, on the environment's yardstick."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.environment import make_vec, yardsticks
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.rollout import require_end, require_finite
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.rl.streams import Purpose, environment_seed

MAX_ENVS = 64


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted returns of whole episodes."""

    return_mean: float
    return_sd: float
    """Standard deviation over episodes (n - 1)."""
    ci95: tuple[float, float]
    """95 % bootstrap interval of the mean."""
    episodes: int
    normalised_score: float | None
    """(R - random) / (expert - random), None where the environment has no yardsticks."""
    returns: np.ndarray
    """(E,) the return of each episode."""

    def summary(self) -> dict[str, Any]:
        """The figures without the single returns, as JSON can hold them."""
        return {name: value for name, value in asdict(self).items() if name != "returns"}


def evaluate(
    policy: Callable[..., np.ndarray],
    env_id: str,
    episodes: int = 20,
    seed: int = 0,
    sampled: bool = False,
    **env_kwargs: Any,
) -> Evaluation:
    """Play `episodes` whole episodes in fresh environments; each environment plays the same number.

    policy: `policy(observations, deterministic=...)`, (N, …) in and out. Deterministic unless `sampled`.
    Where `env_kwargs` are not given, those the policy was trained with are used.
    UserError where an observation or reward is not finite, or an episode does not end.
    """
    if episodes < 1:
        raise UserError(f"episodes={episodes} is out of range: give 1 or more")
    if isinstance(policy, Policy):
        env_kwargs = {**(policy.env_kwargs if policy.env_id == env_id else {}), **env_kwargs}
        policy = policy.seeded(seed)
    num_envs = max(n for n in range(1, min(episodes, MAX_ENVS) + 1) if episodes % n == 0)
    env = make_vec(env_id, num_envs=num_envs, **env_kwargs)
    try:
        if isinstance(policy, Policy):
            require_same_spaces(policy, env, env_id)
        returns = _play(policy, env, episodes // num_envs, seed, deterministic=not sampled)
        scale = yardsticks(env)
    finally:
        env.close()
    mean = float(returns.mean())
    low, high = bootstrap_interval(returns, seed=seed)
    return Evaluation(
        return_mean=mean,
        return_sd=float(returns.std(ddof=1)) if episodes > 1 else 0.0,
        ci95=(float(low), float(high)),
        episodes=episodes,
        normalised_score=(mean - scale["random"]) / (scale["expert"] - scale["random"]) if scale else None,
        returns=returns,
    )


def _play(
    policy: Callable[..., np.ndarray], env: gym.vector.VectorEnv, episodes_each: int, seed: int, deterministic: bool
) -> np.ndarray:
    """Returns of the first `episodes_each` episodes of every environment, (N · episodes_each,)."""
    observations, _ = env.reset(seed=environment_seed(seed, 0, Purpose.EVALUATION))
    finished: list[list[float]] = [[] for _ in range(env.num_envs)]
    running, lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, int)
    while min(map(len, finished)) < episodes_each:
        require_finite("observation", observations, lengths)
        observations, rewards, terminated, truncated, _ = env.step(policy(observations, deterministic=deterministic))
        lengths += 1
        require_finite("reward", rewards, lengths)
        require_end(lengths.max())
        running += rewards
        for n in np.flatnonzero(terminated | truncated):
            finished[n].append(float(running[n]))
            running[n], lengths[n] = 0.0, 0
    return np.array([episodes[:episodes_each] for episodes in finished]).ravel()


def require_same_spaces(policy: Policy, env: gym.vector.VectorEnv, env_id: str) -> None:
    """UserError unless the environment's observations and actions are those that the policy was made for."""
    for role, ours, theirs in (
        ("observations", policy.observation_space, env.single_observation_space),
        ("actions", policy.action_space, env.single_action_space),
    ):
        size, other_size = (getattr(space, "n", space.shape) for space in (ours, theirs))
        if size != other_size or type(ours) is not type(theirs):
            raise UserError(
                f"the policy's {role}, {type(ours).__name__} {size}, do not fit {env_id}, "
                f"{type(theirs).__name__} {other_size}: use its own environment"
            )
