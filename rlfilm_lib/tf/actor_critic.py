"""Synchronous advantage actor-critic (Mnih et al. 2016) with generalized advantages (Schulman et al. 2016).

The loss is REINFORCE's, and so is the step down. What is new is when and from what it learns: every few steps, in the
middle of episodes, from advantages that let the critic stand in for the rewards still to come.
"""

import tensorflow as tf

from rlfilm_lib.rl.batch import Batch, generalized
from rlfilm_lib.rl.config import ActorCriticConfig
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.tf.reinforce import Reinforce


class ActorCritic(Reinforce):
    """One gradient step per rollout of a few steps."""

    algorithm = "actor-critic"
    config: ActorCriticConfig  # type: ignore[assignment]

    # Its batches are all of one size.
    step = tf.function(Reinforce.step.python_function, autograph=False, jit_compile=True)

    def batch(self, rollout: Rollout) -> Batch:
        """What it learns from: generalized advantages."""
        return generalized(rollout, self.policy(), self.config.gamma, self.config.gae_lambda)
