"""A supervised start: the policy under which the shown actions are most likely; and a pull that holds an agent near it
when it goes on to learn from rewards."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.learner import adam
from rlfilm_lib.rl.policy import Policy, Weights, initialize
from rlfilm_lib.rl.streams import Purpose, stream


def fit(
    observations: NDArray,
    actions: NDArray,
    observation_space: gym.Space,
    action_space: gym.Space,
    hidden_sizes: tuple[int, ...] = (64, 64),
    steps: int = 1000,
    minibatch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Policy:
    """Maximum likelihood by Adam (Kingma & Ba 2015), its rate falling to 0: what was shown is imitated step by step
    (behavioural cloning, Pomerleau 1989).

    observations: (B, D); actions: (B, A), or (B,) of a Discrete. -log π(a | s) averaged over a minibatch is the loss of
    REINFORCE with every advantage 1, and its gradient is taken from there. `log_std` is fitted too. The critic learns
    nothing: it keeps its first weights.

    >>> seen = np.random.default_rng(0).uniform(-1, 1, (512, 2)).astype(np.float32)
    >>> spaces = (gym.spaces.Box(-9, 9, (size,), np.float32) for size in (2, 1))
    >>> policy = fit(seen, seen[:, :1] - seen[:, 1:], *spaces, hidden_sizes=(8,), steps=300, learning_rate=1e-2)
    >>> round(float(policy(np.array([[0.4, -0.4]], np.float32))[0, 0]), 1)
    0.8
    """
    weights = initialize(stream(seed, 0, Purpose.WEIGHTS), observation_space, action_space, hidden_sizes)
    order = stream(seed, 0, Purpose.MINIBATCHES)
    ones, zeros = np.ones(minibatch_size), np.zeros(minibatch_size)

    def gradient() -> Weights:
        rows = order.integers(len(observations), size=minibatch_size)
        return reference.reinforce(weights, observations[rows], actions[rows], ones, zeros, 0.0, 0.0)[1]

    adam(weights, gradient, steps, learning_rate)
    return Policy(weights, observation_space, action_space)


class Pulled(gym.vector.VectorWrapper):
    """An environment that also pays for staying near a policy: from each reward it takes away

        pull · |a - μ₀(s)|² / (2 A σ²),

    μ₀(s) being that policy's most likely action, A the number of action dimensions. Of two Gaussians of deviation σ it
    is on average `pull` times their Kullback-Leibler divergence per dimension, plus a constant: the penalty with which
    language models are tuned (Ziegler et al. 2019, eq. 2), as a part of the reward, so that learners stay as they are.

    pull: 0 or more; deviation: σ, above 0. The reward's terms in `info` are those of the environment.

    >>> env = gym.make_vec("Pendulum-v1", num_envs=2)
    >>> spaces = env.single_observation_space, env.single_action_space
    >>> policy = Policy(initialize(np.random.default_rng(0), *spaces), *spaces)
    >>> rewards = []
    >>> for pull in (0.0, 1.0):
    ...     pulled = Pulled(env, policy, pull, deviation=0.5)
    ...     observations, _ = pulled.reset(seed=0)
    ...     rewards.append(pulled.step(policy(observations) + np.float32(0.5))[1])
    >>> (rewards[0] - rewards[1]).round(4)
    array([0.5, 0.5])
    """

    def __init__(self, env: gym.vector.VectorEnv, policy: Policy, pull: float, deviation: float) -> None:
        if not 0 <= pull < np.inf or not 0 < deviation < np.inf:
            raise UserError(f"pull={pull} with deviation={deviation} is out of range: give 0 or more, and more than 0")
        super().__init__(env)
        self.start, self.pull, self.deviation = policy, pull, deviation
        self._observations: NDArray | None = None

    def reset(self, **options: Any) -> tuple[NDArray, dict[str, Any]]:  # type: ignore[override]
        self._observations, info = self.env.reset(**options)
        return self._observations.copy(), info

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:  # type: ignore[override]
        assert self._observations is not None, "call reset() before step()"
        away = ((actions - self.start(self._observations)) / self.deviation) ** 2
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        self._observations = observations.copy()
        return observations, rewards - self.pull * away.mean(axis=1) / 2, terminated, truncated, info
