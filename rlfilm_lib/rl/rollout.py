"""Collecting experience: the one place that knows about autoreset."""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.streams import Purpose, environment_seed, stream

ENDLESS = 100_000
"""Steps after which an episode counts as endless."""


@dataclass(frozen=True)
class Rollout:
    """T steps of N environments, one row per step.

    | field             | shape      | meaning                                                                        |
    |-------------------|------------|--------------------------------------------------------------------------------|
    | observations      | (T, N, D)  | as the environment gave them, encoded                                          |
    | inputs            | (T, N, D)  | the same, normalised with the statistics of the acting policy                  |
    | actions           | (T, N, …)  | as the policy drew them, before any clipping                                   |
    | log_probs         | (T, N)     | of those actions, under the policy that drew them                              |
    | rewards           | (T, N)     | of the step taken from the observation in the same row                         |
    | terminated        | (T, N)     | the episode ended here for good                                                |
    | truncated         | (T, N)     | the episode was only cut here                                                  |
    | valid             | (T, N)     | False for steps taken while waiting for other environments; learn nothing there |
    | cut_at            | (K, 2)     | (t, n) of the steps after which a trajectory was cut without terminating       |
    | cut_inputs        | (K, D)     | the normalised observation that followed each, to bootstrap from               |
    """

    observations: np.ndarray
    inputs: np.ndarray
    actions: np.ndarray
    log_probs: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray
    cut_at: np.ndarray
    cut_inputs: np.ndarray
    episode_returns: np.ndarray
    """(E,) undiscounted return of every episode that ended."""
    episode_lengths: np.ndarray
    """(E,) its length in steps."""

    @property
    def steps(self) -> int:
        """Environment steps taken, the waiting ones included."""
        return self.rewards.size

    @property
    def ended(self) -> np.ndarray:
        """(T, N) the episode ended here, either way."""
        return self.terminated | self.truncated

    def bootstrap(self, policy: Policy) -> np.ndarray:
        """(T, N) the critic's value of what followed each cut, 0 elsewhere."""
        values = np.zeros_like(self.rewards)
        if len(self.cut_at):
            values[tuple(self.cut_at.T)] = policy.value(self.cut_inputs)
        return values


def check_environment(env: gym.vector.VectorEnv) -> None:
    """Refuse an environment whose autoreset would slip a reset step into the data."""
    if not isinstance(env, gym.vector.VectorEnv):
        raise UserError(
            f"environment {env} is not a vector environment: make it with rlfilm_lib.make_vec(id, num_envs)"
        )
    mode = env.metadata.get("autoreset_mode")
    if mode != gym.vector.AutoresetMode.SAME_STEP:
        name = getattr(mode, "name", mode)
        raise UserError(f"autoreset mode {name} is not supported: make the environment with rlfilm_lib.make_vec(id)")


def collect_episodes(env: gym.vector.VectorEnv, policy: Policy, seed: int, iteration: int) -> Rollout:
    """Play one whole episode in each environment, from a fresh reset, sampling from the policy.

    Environments that finish early go on, unrecorded, until the last one has finished: keeping their extra episodes
    would favour the short ones. Every draw comes from the streams of (seed, iteration).
    Raises UserError where an observation or reward is not finite, or an episode does not end.
    """
    check_environment(env)
    rng = stream(seed, iteration, Purpose.ACTIONS)
    observations, _ = env.reset(seed=environment_seed(seed, iteration))
    active = np.ones(env.num_envs, bool)
    rows: list[tuple[np.ndarray, ...]] = []
    cut_at: list[tuple[int, int]] = []
    cut_observations: list[np.ndarray] = []
    while active.any():
        encoded = policy.encode(observations).copy()
        require_finite("observation", encoded, len(rows))
        inputs = policy.inputs(observations)
        actions, log_probs = policy.sample(inputs, rng)
        require_finite("action", log_probs, len(rows))
        observations, rewards, terminated, truncated, info = env.step(policy.to_env(actions))
        require_finite("reward", rewards, len(rows) + 1)
        for n in np.flatnonzero(active & truncated & ~terminated):
            cut_at.append((len(rows), int(n)))
            cut_observations.append(info["final_obs"][n])
        rows.append((encoded, inputs, actions, log_probs, rewards, terminated, truncated, active))
        active = active & ~(terminated | truncated)
        require_end(len(rows))
    encoded, inputs, actions, log_probs, rewards, terminated, truncated, valid = map(np.stack, zip(*rows, strict=True))
    require_finite("observation", np.asarray(cut_observations, np.float64), len(rows))
    return Rollout(
        observations=encoded,
        inputs=inputs,
        actions=actions,
        log_probs=log_probs,
        rewards=rewards.astype(inputs.dtype),
        terminated=terminated,
        truncated=truncated,
        valid=valid,
        cut_at=np.array(cut_at, int).reshape(-1, 2),
        cut_inputs=policy.inputs(np.array(cut_observations)) if cut_observations else inputs[:0, 0],
        episode_returns=(rewards * valid).sum(axis=0),
        episode_lengths=valid.sum(axis=0),
    )


def require_finite(name: str, values: np.ndarray, step: int | np.ndarray) -> None:
    """UserError when any of values (N, …) is NaN or infinite, saying in which environment and at which step.

    step: how many steps the episode has, of all environments or of each (N,).
    """
    if not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
        worst = values[bad].ravel()[~np.isfinite(values[bad].ravel())][0]
        remedy = (
            "the policy has diverged, train again with a lower learning_rate"
            if name == "action"
            else "mend the environment, it must return finite numbers"
        )
        raise UserError(
            f"{name} is {worst} in environment {bad} at step {np.broadcast_to(step, len(values))[bad]} "
            f"of the episode: {remedy}"
        )


def require_end(length: int) -> None:
    """UserError where an episode of `length` steps counts as endless."""
    if length >= ENDLESS:
        raise UserError(f"no end of episode within {ENDLESS} steps: give the environment a time limit")
