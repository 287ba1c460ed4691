"""A supervised start: the policy under which the shown actions are most likely, before any reward is seen."""

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

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
