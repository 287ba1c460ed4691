"""A supervised start: the policy under which the shown actions are most likely, before any reward is seen."""

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.rl import reference
from rlfilm_lib.rl.learner import ADAM_BETAS, ADAM_EPSILON
from rlfilm_lib.rl.policy import Policy, initialize
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
    m = {name: np.zeros_like(array) for name, array in weights.items()}
    v = {name: np.zeros_like(array) for name, array in weights.items()}
    beta1, beta2 = ADAM_BETAS
    for step in range(1, steps + 1):
        rows = order.integers(len(observations), size=minibatch_size)
        ones, zeros = np.ones(minibatch_size), np.zeros(minibatch_size)
        _, slopes = reference.reinforce(weights, observations[rows], actions[rows], ones, zeros, 0.0, 0.0)
        rate = learning_rate * (1 - (step - 1) / steps)
        for name, slope in slopes.items():
            m[name] += (1 - beta1) * (slope - m[name])
            v[name] += (1 - beta2) * (slope * slope - v[name])
            scaled = np.sqrt(v[name] / (1 - beta2**step)) + ADAM_EPSILON
            weights[name] -= rate / (1 - beta1**step) * m[name] / scaled
    return Policy(weights, observation_space, action_space)
