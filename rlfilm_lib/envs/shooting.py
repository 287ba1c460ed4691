"""From a policy to a filmed shot: play one episode and keep what the camera saw and what each moment earned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.environment import make_vec

if TYPE_CHECKING:
    from rlfilm_lib.media.motion import Motion
    from rlfilm_lib.stage.take import Take


@dataclass(frozen=True)
class Shot:
    """One episode as film: the take, per step (T,) the reward and its terms, and what the figure's skeleton did."""

    take: "Take"
    rewards: np.ndarray
    terms: dict[str, np.ndarray]
    motion: "Motion | None" = None
    """None where the environment's figure has no skeleton."""


def play(
    policy: Callable[..., np.ndarray],
    env_id: str,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    **env_kwargs: Any,
) -> Shot:
    """Play one deterministic episode of an environment of ours; `options` go to its reset (the brief, for instance)."""
    env = make_vec(env_id, num_envs=1, **env_kwargs)
    if not isinstance(env, BatchEnv):
        raise UserError(f"environment '{env_id}' films nothing: shoot in one of ours, such as rlfilm/MovieScene-v0")
    observations, _ = env.reset(seed=seed, options=dict(options or {}))
    states, rewards, terms, over = [env.state()], [], [], False
    while not over:
        observations, reward, terminated, truncated, term = env.advance(policy(observations, deterministic=True))
        states.append(env.state())
        rewards.append(reward[0])
        terms.append(term[:, 0])
        over = bool(terminated[0] or truncated[0])
    return Shot(
        take=env.take(states),
        rewards=np.array(rewards),
        terms=dict(zip(env.weights, np.array(terms).T, strict=True)),
        motion=env.motion(states) if hasattr(env, "motion") else None,
    )
