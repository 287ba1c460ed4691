"""From a rollout to what a loss takes: flat arrays, computed once for both frameworks."""

from typing import Any, NamedTuple, TypeVar

import numpy as np

from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.returns import gae, reward_to_go
from rlfilm_lib.rl.rollout import Rollout

AnyBatch = TypeVar("AnyBatch", bound=tuple[Any, ...])


class Batch(NamedTuple):
    """The valid steps of a rollout, flattened, with what the critic made of them.

    | field      | shape  | meaning                                                        |
    |------------|--------|----------------------------------------------------------------|
    | inputs     | (B, D) | normalised observations                                        |
    | actions    | (B, …) | as the policy drew them                                        |
    | log_probs  | (B,)   | of those actions, under the policy that drew them              |
    | advantages | (B,)   | how much better the action was than the critic expected        |
    | returns    | (B,)   | what the critic should have said                               |
    | values     | (B,)   | what it said                                                   |
    """

    inputs: np.ndarray
    actions: np.ndarray
    log_probs: np.ndarray
    advantages: np.ndarray
    returns: np.ndarray
    values: np.ndarray


def monte_carlo(rollout: Rollout, policy: Policy, gamma: float, baseline: bool) -> Batch:
    """REINFORCE's batch: rewards-to-go as returns; as advantages the same, less the critic's values if `baseline`."""
    returns = reward_to_go(rollout.rewards, rollout.ended, gamma, rollout.bootstrap(policy))
    values = rollout.values(policy)
    return _flat(rollout, returns - values if baseline else returns, returns, values)


def generalized(rollout: Rollout, policy: Policy, gamma: float, gae_lambda: float) -> Batch:
    """Actor-Critic's and PPO's batch: generalized advantages, and with the values added the λ-returns."""
    values = rollout.values(policy)
    advantages = gae(rollout.rewards, values, rollout.ended, gamma, gae_lambda, rollout.bootstrap(policy))
    return _flat(rollout, advantages, advantages + values, values)


def _flat(rollout: Rollout, advantages: np.ndarray, returns: np.ndarray, values: np.ndarray) -> Batch:
    columns = (rollout.inputs, rollout.actions, rollout.log_probs, advantages, returns, values)
    return Batch(*(column[rollout.valid] for column in columns))


def standardize(advantages: np.ndarray) -> np.ndarray:
    """Mean 0 and (population) standard deviation 1 along the last axis, with 1e-8 against division by zero.

    >>> standardize(np.array([[1.0, 3.0], [10.0, 30.0]])).round(4)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    centred = advantages - advantages.mean(axis=-1, keepdims=True)
    return centred / (advantages.std(axis=-1, keepdims=True) + 1e-8)


def minibatches(batch: AnyBatch, rng: np.random.Generator, minibatch_size: int, epochs: int) -> AnyBatch:
    """The steps of a batch in the order of learning: K minibatches of M steps, so that every field is (K, M, …).

    batch: a named tuple of arrays (B, …).

    Each epoch is shuffled anew and deals B // M minibatches; steps that do not fill one are left out of that epoch. A
    minibatch_size above the batch's is the batch's.

    >>> batch = Batch(*([np.arange(7)] * 6))
    >>> dealt = minibatches(batch, np.random.default_rng(0), minibatch_size=3, epochs=2)
    >>> dealt.inputs.shape, len(set(dealt.inputs[:2].ravel().tolist()))
    ((4, 3), 6)
    """
    size = len(batch[0])
    minibatch_size = min(minibatch_size, size)
    used = size - size % minibatch_size
    order = np.stack([rng.permutation(size)[:used] for _ in range(epochs)]).reshape(-1, minibatch_size)
    return type(batch)(*(column[order] for column in batch))
