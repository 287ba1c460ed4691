"""Collecting experience: the one place that knows about autoreset."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

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
    | elapsed           | (N,)       | steps that the episode of each environment had before the first row             |
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
    elapsed: np.ndarray
    episode_returns: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(E,) undiscounted return of every episode that ended."""
    episode_lengths: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(E,) its length in steps."""

    @property
    def steps(self) -> int:
        """Environment steps taken, the waiting ones included."""
        return self.rewards.size

    @property
    def ended(self) -> np.ndarray:
        """(T, N) the episode ended here, either way."""
        return self.terminated | self.truncated

    def values(self, policy: Policy) -> np.ndarray:
        """(T, N) the critic's values of the observations."""
        return policy.value(self.inputs.reshape(self.rewards.size, -1)).reshape(self.rewards.shape)

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
    observations, _ = env.reset(seed=environment_seed(seed, iteration))
    elapsed = np.zeros(env.num_envs, int)
    active, recorded = np.ones(env.num_envs, bool), []
    for steps in _play(env, policy, observations, stream(seed, iteration, Purpose.ACTIONS), elapsed):
        recorded.append(active)
        active = active & ~steps[-1].ended
        if not active.any():
            break
        require_end(len(steps))
    valid = np.stack(recorded)
    rollout = _rollout(steps, policy, valid, elapsed)
    returns = (rollout.rewards * valid).sum(axis=0, dtype=np.float64)
    return replace(rollout, episode_returns=returns, episode_lengths=valid.sum(axis=0))


class Collector:
    """Plays `num_steps` steps at a time in each environment; episodes run on from one rollout to the next.

    With num_steps None it plays whole episodes, each time from a fresh reset (see `collect_episodes`).

    state: what `state()` returned, to go on from there where the environment can be restored, as ours can; any other
    environment begins anew.
    """

    def __init__(
        self,
        env: gym.vector.VectorEnv,
        seed: int,
        num_steps: int | None = None,
        state: dict[str, np.ndarray] | None = None,
    ) -> None:
        check_environment(env)
        self.env, self.seed, self.num_steps = env, seed, num_steps
        self.observations: np.ndarray | None = None
        self.returns, self.lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, int)
        """Return and steps so far of the episodes being played, (N,) each."""
        if state and self.exact:
            scene = {name.removeprefix("env/"): array for name, array in state.items() if name.startswith("env/")}
            self.observations = env.restore(scene)  # type: ignore[attr-defined]
            self.returns, self.lengths = state["returns"], state["lengths"]

    @property
    def exact(self) -> bool:
        """Whether a collector made from `state()` goes on as this one would, number by number."""
        return self.num_steps is None or hasattr(self.env, "restore")

    def state(self) -> dict[str, np.ndarray]:
        """All that a collector of the same environment needs to go on exactly; {} where nothing helps or is needed."""
        if self.observations is None or not self.exact:
            return {}
        scene = {f"env/{name}": array for name, array in self.env.state().items()}  # type: ignore[attr-defined]
        return scene | {"returns": self.returns, "lengths": self.lengths}

    def collect(self, policy: Policy, iteration: int) -> Rollout:
        """The rollout of one iteration, sampled from the policy with the streams of (seed, iteration).

        Raises UserError where an observation or reward is not finite, or an episode does not end.
        """
        if self.num_steps is None:
            return collect_episodes(self.env, policy, self.seed, iteration)
        if self.observations is None:
            self.observations, _ = self.env.reset(seed=environment_seed(self.seed, iteration))
        rng, elapsed = stream(self.seed, iteration, Purpose.ACTIONS), self.lengths
        for steps in _play(self.env, policy, self.observations, rng, elapsed):
            if len(steps) == self.num_steps:
                break
        self.observations = steps[-1].following
        valid = np.ones((self.num_steps, self.env.num_envs), bool)
        rollout = _rollout(steps, policy, valid, elapsed)
        returns, lengths = self._count(rollout.rewards, rollout.ended)
        require_end(self.lengths.max())
        return replace(rollout, episode_returns=returns, episode_lengths=lengths)

    def _count(self, rewards: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns and lengths (E,) of the episodes that ended in these rows (T, N); what goes on is counted on."""
        returns, lengths, start = [], [], 0
        for end in [*np.flatnonzero(ended.any(axis=1)), len(rewards) - 1]:
            self.returns = self.returns + rewards[start : end + 1].sum(axis=0, dtype=np.float64)
            self.lengths = self.lengths + (end + 1 - start)
            over = ended[end] & (self.lengths > 0)
            returns.append(self.returns[over])
            lengths.append(self.lengths[over])
            self.returns, self.lengths = np.where(over, 0, self.returns), np.where(over, 0, self.lengths)
            start = end + 1
        return np.concatenate(returns), np.concatenate(lengths)


class _Step(NamedTuple):
    """One step of N environments, and what the environment showed after it."""

    observations: np.ndarray
    inputs: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    following: np.ndarray
    """(N, …) where the next step starts: after an end, the first observation of the next episode."""
    final: np.ndarray | None
    """(N,) objects: the last observation of each episode that ended, if any did."""

    @property
    def ended(self) -> np.ndarray:
        """(N,) the episode ended here, either way."""
        return self.terminated | self.truncated


def _play(
    env: gym.vector.VectorEnv, policy: Policy, observations: np.ndarray, rng: np.random.Generator, elapsed: np.ndarray
) -> Iterator[list[_Step]]:
    """Step on and on, sampling from the policy; yields all steps so far, after each.

    An action that is not finite is a UserError and never reaches the environment.
    """
    steps: list[_Step] = []
    while True:
        encoded = policy.encode(observations).copy()
        inputs = policy.inputs(observations)
        actions = policy.sample(inputs, rng)
        if not np.isfinite(actions).all():
            require_finite("observation", encoded, _step_of_episode(steps, elapsed))
            require_finite("action", actions, _step_of_episode(steps, elapsed))
        observations, rewards, terminated, truncated, info = env.step(policy.to_env(actions))
        final = info.get("final_obs")
        steps.append(_Step(encoded, inputs, actions, rewards, terminated, truncated, observations, final))
        yield steps


def _step_of_episode(steps: list[_Step], elapsed: np.ndarray) -> np.ndarray:
    """(N,) steps that each running episode has had after `steps`, and `elapsed` before them."""
    for step in steps:
        elapsed = np.where(step.ended, 0, elapsed + 1)
    return elapsed


def _rollout(steps: list[_Step], policy: Policy, valid: np.ndarray, elapsed: np.ndarray) -> Rollout:
    """The steps side by side, without the episodes. A trajectory is cut where truncated, and after the last row."""
    columns = itertools.islice(zip(*steps, strict=True), 6)
    observations, inputs, actions, rewards, terminated, truncated = map(np.array, columns)
    ended = terminated | truncated
    cut = truncated & ~terminated
    cut[-1] |= ~ended[-1]
    cut_at = np.argwhere(cut & valid)
    followed = [(steps[t].final if truncated[t, n] else steps[t].following)[n] for t, n in cut_at]  # type: ignore[index]
    cut_inputs = policy.inputs(np.array(followed)) if followed else inputs[:0, 0]
    rewards = rewards.astype(inputs.dtype)
    log_probs = policy.log_prob(inputs.reshape(rewards.size, -1), actions.reshape(rewards.size, *actions.shape[2:]))
    log_probs = log_probs.reshape(rewards.shape)
    for name, values in (("observation", observations), ("reward", rewards), ("action", log_probs)):
        for t in np.flatnonzero(~np.isfinite(values).reshape(len(steps), -1).all(axis=1))[:1]:
            require_finite(name, values[t], _step_of_episode(steps[:t], elapsed) + (name == "reward"))
    require_finite("observation", cut_inputs, len(steps))
    return Rollout(
        observations=observations,
        inputs=inputs,
        actions=actions,
        log_probs=log_probs,
        rewards=rewards,
        terminated=terminated,
        truncated=truncated,
        valid=valid,
        cut_at=cut_at,
        cut_inputs=cut_inputs,
        elapsed=elapsed,
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
