"""From a rollout to what a loss takes: flat arrays, computed once for both frameworks."""

from dataclasses import dataclass

import numpy as np

from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.returns import reward_to_go
from rlfilm_lib.rl.rollout import Rollout


@dataclass(frozen=True)
class Batch:
    """The valid steps of a rollout, flattened: inputs (B, D), actions (B, …), advantages, returns and values (B,)."""

    inputs: np.ndarray
    actions: np.ndarray
    advantages: np.ndarray
    returns: np.ndarray
    values: np.ndarray


def monte_carlo(rollout: Rollout, policy: Policy, gamma: float, baseline: bool) -> Batch:
    """REINFORCE's batch: rewards-to-go as returns; as advantages the same, less the critic's values if `baseline`."""
    returns = reward_to_go(rollout.rewards, rollout.ended, gamma, rollout.bootstrap(policy))[rollout.valid]
    inputs = rollout.inputs[rollout.valid]
    values = policy.value(inputs)
    return Batch(inputs, rollout.actions[rollout.valid], returns - values if baseline else returns, returns, values)


def standardize(advantages: np.ndarray) -> np.ndarray:
    """Mean 0 and (population) standard deviation 1, with 1e-8 against division by zero: (B,) → (B,).

    >>> standardize(np.array([1.0, 3.0])).round(4)
    array([-1.,  1.])
    """
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)
