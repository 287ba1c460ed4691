"""Preferences, the framework-free half: pairs of cuts, a viewer, the learned reward in NumPy, and its descent.

A reward learned from preferences (Christiano et al. 2017, "Deep reinforcement learning from human preferences"): a
viewer sees two cuts and says which is better. In the model of Bradley & Terry (1952) each cut has a worth r, and the
first of two is preferred with probability σ(r₁ - r₂). `pytorch/preference.py` and `tf/preference.py` fit a network
that tells r from what a cut is like, its features; here stands what both share.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.learner import Learner, adam
from rlfilm_lib.rl.policy import Policy, Weights, flatten, mlp, orthogonal
from rlfilm_lib.rl.streams import Purpose, stream

HIDDEN_SIZES = (16,)
STEPS, LEARNING_RATE, DECAY = 300, 0.02, 0.03
"""Of a fit: Adam's steps over all pairs at once, its rate, and the weight of ½‖kernels‖² in the loss."""


class Pairs(NamedTuple):
    """P pairs of cuts and what a viewer said.

    | field     | shape  | meaning                                            |
    |-----------|--------|----------------------------------------------------|
    | first     | (P, F) | features of one cut                                |
    | second    | (P, F) | of the other                                       |
    | preferred | (P,)   | 1 for the first, 0 for the second, ½ for neither   |
    """

    first: NDArray
    second: NDArray
    preferred: NDArray


Gradient = Callable[[Weights, Pairs, float], tuple[float, Weights]]
"""A framework's part: the loss of weights on standardised pairs, with so much decay, and its gradient."""


@dataclass(frozen=True)
class Viewer:
    """A simulated viewer, whose taste is known: says which of two cuts it likes, and errs where they are close."""

    taste: Callable[[NDArray], NDArray]
    """From features (N, F) to how much it likes each cut (N,); a difference of 1 is seen in 73 % of cases."""

    def prefers(self, first: NDArray, second: NDArray, rng: np.random.Generator) -> NDArray:
        """1.0 where it chooses the first, 0.0 where the second: features (P, F) each → (P,), by Bradley & Terry.

        >>> viewer = Viewer(lambda features: 100 * features[:, 0])
        >>> viewer.prefers(np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]]), np.random.default_rng(0)).tolist()
        [1.0, 0.0]
        """
        return (rng.random(len(first)) < sigmoid(self.taste(first) - self.taste(second))).astype(float)

    def compare(self, cuts: NDArray, pairs: int, seed: int = 0) -> Pairs:
        """What it says about so many pairs of the cuts, features (N, F), drawn at random; no cut meets itself."""
        if len(cuts) < 2:
            raise UserError(f"{len(cuts)} cut is no pair: give 2 or more")
        rng = np.random.default_rng(seed)
        one = rng.integers(len(cuts), size=pairs)
        other = (one + rng.integers(1, len(cuts), size=pairs)) % len(cuts)
        return Pairs(cuts[one], cuts[other], self.prefers(cuts[one], cuts[other], rng))


def sigmoid(x: NDArray) -> NDArray:
    """1 / (1 + exp(-x)), safe for large |x|."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x)))


@dataclass(frozen=True)
class RewardModel:
    """A learned reward: it tells, with NumPy alone, how much the viewer would like a cut with these features."""

    weights: Weights
    """`reward/0/kernel`, `reward/0/bias`, …: a tanh network on standardised features."""
    mean: NDArray
    """(F,) of the features, over the pairs it learned from."""
    scale: NDArray
    """(F,) their standard deviation."""

    def __call__(self, cuts: NDArray) -> NDArray:
        """Features (N, F) → rewards (N,). Only differences mean something: a constant would not change a choice."""
        return mlp(self.weights, "reward", self.standardized(cuts))[:, 0]

    def standardized(self, cuts: NDArray) -> NDArray:
        """What the network sees of features (N, F)."""
        return ((cuts - self.mean) / self.scale).astype(self.weights["reward/0/kernel"].dtype)

    def accuracy(self, pairs: Pairs) -> float:
        """Share of the pairs, of those with a preference, whose preferred cut it gives the higher reward."""
        decided = pairs.preferred != 0.5
        first_wins = self(pairs.first) > self(pairs.second)
        return float((first_wins == (pairs.preferred > 0.5))[decided].mean())


def initialize(features: int, hidden_sizes: Sequence[int] = HIDDEN_SIZES, seed: int = 0) -> Weights:
    """First weights of a reward network: orthogonal, gain √2 in hidden layers and 1 at the head; float32."""
    rng, sizes = stream(seed, 0, Purpose.WEIGHTS), [features, *hidden_sizes, 1]
    weights: Weights = {}
    for layer, (rows, columns) in enumerate(itertools.pairwise(sizes)):
        gain = np.sqrt(2) if layer < len(hidden_sizes) else 1.0
        weights[f"reward/{layer}/kernel"] = orthogonal(rng, rows, columns, gain).astype(np.float32)
        weights[f"reward/{layer}/bias"] = np.zeros(columns, np.float32)
    return weights


def descend(
    pairs: Pairs,
    gradient: Gradient,
    hidden_sizes: Sequence[int] = HIDDEN_SIZES,
    seed: int = 0,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    decay: float = DECAY,
) -> RewardModel:
    """A reward model fitted to the pairs by Adam (Kingma & Ba 2015), its rate falling to 0.

    With the decay the few pairs are not learned by heart. UserError where there is no pair with a preference.
    """
    if not (pairs.preferred != 0.5).any():
        raise UserError(f"{len(pairs.preferred)} pairs without a preference teach nothing: choose one cut of some pair")
    seen = np.concatenate([pairs.first, pairs.second])
    scale = seen.std(axis=0)
    weights = initialize(seen.shape[1], hidden_sizes, seed)
    model = RewardModel(weights, seen.mean(axis=0), np.where(scale > 1e-6, scale, 1.0))
    preferred = pairs.preferred.astype(np.float32)
    standardized = Pairs(model.standardized(pairs.first), model.standardized(pairs.second), preferred)
    adam(weights, lambda: gradient(weights, standardized, decay)[1], steps, learning_rate)
    return model


def start_from(learner: Learner, policy: Policy) -> None:
    """Let a new learner begin with the weights, actor and critic, of a policy for the same spaces.

    UserError where its network is another, or its observations are normalised in another way.
    """
    if {name: array.shape for name, array in policy.weights.items()} != learner.shapes:
        raise UserError(f"the policy of {policy.env_id} has another network: give hidden_sizes as it was trained with")
    if (policy.obs_mean is not None) or learner.config.normalize_observations:  # type: ignore[attr-defined]
        raise UserError(
            "the policy or the learner normalises observations: train both with normalize_observations=false"
        )
    theta = flatten({name: policy.weights[name] for name in learner.shapes})
    learner.write("theta", theta.astype(learner.read("theta").dtype))
