"""Synchronous advantage actor-critic (Mnih et al. 2016) with generalized advantages (Schulman et al. 2016).

The loss is REINFORCE's. What is new is when and from what it learns: every few steps, in the middle of episodes, from
advantages that let the critic stand in for the rewards still to come.
"""

import tensorflow as tf

from rlfilm_lib.rl.batch import generalized, standardize
from rlfilm_lib.rl.config import ActorCriticConfig
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.returns import explained_variance
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.tf.learner import Learner
from rlfilm_lib.tf.reinforce import actor_critic_loss


class ActorCritic(Learner):
    """One gradient step per rollout of a few steps."""

    algorithm = "actor-critic"
    config: ActorCriticConfig

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        batch = generalized(rollout, self.policy(), self.config.gamma, self.config.gae_lambda)
        arrays = (batch.inputs, batch.actions, standardize(batch.advantages), batch.returns)
        x, actions, advantages, returns = map(self.tensor, arrays)
        metrics = self.step(x, actions, advantages, returns, tf.constant(learning_rate, self.config.precision))
        described = {name: float(tensor) for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    @tf.function(jit_compile=True)
    def step(
        self, x: tf.Tensor, actions: tf.Tensor, advantages: tf.Tensor, returns: tf.Tensor, rate: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """One step down the loss of a batch: x (B, D), actions (B, …), advantages and returns (B,)."""
        with tf.GradientTape() as tape:
            loss, metrics = actor_critic_loss(self.params(), self.config, x, actions, advantages, returns)
        metrics["gradient_norm"] = self.descend(tape, loss, rate)
        return metrics
