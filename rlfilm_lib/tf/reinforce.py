"""REINFORCE with reward-to-go and a learned baseline (Williams 1992; Sutton & Barto 2018, section 13.4)."""

import tensorflow as tf

from rlfilm_lib.rl.batch import Batch, monte_carlo, standardize
from rlfilm_lib.rl.config import Config, ReinforceConfig
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.returns import explained_variance
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.tf.learner import Learner, Params, log_prob_and_entropy, value


def policy_gradient_loss(log_prob: tf.Tensor, advantage: tf.Tensor) -> tf.Tensor:
    """Minus the mean of log π(a|s) · A: its gradient is the policy gradient's estimate (Williams 1992, theorem 1).

    log_prob, advantage: (B,); the advantage is data, no gradient flows into it. Returns a scalar to minimise.

    >>> float(policy_gradient_loss(tf.constant([-1.0, -2.0]), tf.constant([1.0, 0.5])))
    1.0
    """
    assert log_prob.shape.is_compatible_with(advantage.shape) and log_prob.shape.rank == 1
    return -tf.reduce_mean(log_prob * advantage)


def value_loss(value: tf.Tensor, returns: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the critic: value, returns (B,) → scalar.

    >>> float(value_loss(tf.constant([1.0, 2.0]), tf.constant([0.0, 4.0])))
    2.5
    """
    assert value.shape.is_compatible_with(returns.shape) and value.shape.rank == 1
    return tf.reduce_mean((value - returns) ** 2)


def actor_critic_loss(
    params: Params,
    config: Config,
    x: tf.Tensor,
    actions: tf.Tensor,
    advantages: tf.Tensor,
    returns: tf.Tensor,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """What actor and critic minimise together: x (B, D), actions (B, …), advantages and returns (B,).

    Returns the scalar loss and its parts: policy_loss + value_coef · value_loss - entropy_coef · entropy.
    """
    log_prob, entropy = log_prob_and_entropy(params, x, actions, config.squash)
    policy_loss = policy_gradient_loss(log_prob, advantages)
    critic_loss = value_loss(value(params, x), returns)
    mean_entropy = tf.reduce_mean(entropy)
    loss = policy_loss + config.value_coef * critic_loss
    if config.entropy_coef:
        loss = loss - config.entropy_coef * mean_entropy
    return loss, {"policy_loss": policy_loss, "value_loss": critic_loss, "entropy": mean_entropy}


class Reinforce(Learner):
    """One gradient step per batch of whole episodes."""

    algorithm = "reinforce"
    config: ReinforceConfig

    def batch(self, rollout: Rollout) -> Batch:
        """What it learns from: rewards-to-go."""
        return monte_carlo(rollout, self.policy(), self.config.gamma, self.config.baseline)

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        batch = self.batch(rollout)
        arrays = (batch.inputs, batch.actions, standardize(batch.advantages), batch.returns)
        x, actions, advantages, returns = map(self.tensor, arrays)
        metrics = self.step(x, actions, advantages, returns, tf.constant(learning_rate, self.config.precision))
        described = {name: float(tensor) for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    @tf.function(autograph=False, reduce_retracing=True)  # batches of whole episodes are of ever other sizes
    def step(
        self, x: tf.Tensor, actions: tf.Tensor, advantages: tf.Tensor, returns: tf.Tensor, rate: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """One step down the loss of a batch: x (B, D), actions (B, …), advantages and returns (B,)."""
        with tf.GradientTape() as tape:
            loss, metrics = actor_critic_loss(self.params(), self.config, x, actions, advantages, returns)
        metrics["gradient_norm"] = self.descend(tape, loss, rate)
        return metrics
