"""Proximal policy optimisation with the clipped surrogate (Schulman et al. 2017)."""

import tensorflow as tf

from rlfilm_lib.rl.batch import generalized, minibatches, standardize
from rlfilm_lib.rl.config import PPOConfig
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.returns import explained_variance
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.rl.streams import Purpose, stream
from rlfilm_lib.tf.learner import Learner, Params, as_written, log_prob_and_entropy, value
from rlfilm_lib.tf.reinforce import value_loss

METRICS = ("policy_loss", "value_loss", "entropy", "gradient_norm", "approx_kl", "clip_fraction")


def clipped_surrogate(
    log_prob: tf.Tensor, old_log_prob: tf.Tensor, advantage: tf.Tensor, clip_range: float
) -> tf.Tensor:
    """PPO's clipped surrogate loss, averaged over the batch (Schulman et al. 2017, eq. 7).

    The smaller of r·A and clip(r, 1 - ε, 1 + ε)·A is the smaller of r·A and A + ε|A|, for either sign of A.

    log_prob, old_log_prob, advantage: (B,); clip_range: ε > 0. Returns a scalar to minimise.

    >>> log_ratio = tf.math.log(tf.constant([1.5, 0.5]))
    >>> round(float(clipped_surrogate(log_ratio, tf.zeros(2), tf.ones(2), 0.2)), 4)
    -0.85
    """
    assert log_prob.shape == old_log_prob.shape == advantage.shape and log_prob.shape.rank == 1
    ratio = tf.exp(log_prob - old_log_prob)
    return -tf.reduce_mean(tf.minimum(ratio * advantage, advantage + clip_range * tf.abs(advantage)))


def clipped_value_loss(value: tf.Tensor, old_value: tf.Tensor, returns: tf.Tensor, clip_value: float) -> tf.Tensor:
    """The critic's squared error, at least that of a value moved by `clip_value` at most: (B,) each → scalar.

    From PPO's first implementation, not its paper; see Engstrom et al. 2020, section 3.

    >>> float(clipped_value_loss(tf.constant([3.0]), tf.constant([0.0]), tf.constant([3.0]), 1.0))
    4.0
    """
    assert value.shape == old_value.shape == returns.shape and value.shape.rank == 1
    clipped = old_value + tf.clip_by_value(value - old_value, -clip_value, clip_value)
    return tf.reduce_mean(tf.maximum((value - returns) ** 2, (clipped - returns) ** 2))


def approx_kl(log_prob: tf.Tensor, old_log_prob: tf.Tensor) -> tf.Tensor:
    """KL(old ‖ new) from samples of the old policy: the mean of r - 1 - log r, never negative (Schulman 2020, k3).

    log_prob, old_log_prob: (B,). Returns a scalar.

    >>> round(float(approx_kl(tf.constant([0.0, -1.0]), tf.constant([0.0, 0.0]))), 4)
    0.1839
    """
    log_ratio = log_prob - old_log_prob
    return tf.reduce_mean(tf.exp(log_ratio) - 1 - log_ratio)


def clip_fraction(log_prob: tf.Tensor, old_log_prob: tf.Tensor, clip_range: float) -> tf.Tensor:
    """Share of the samples whose ratio lies outside 1 ± ε: log_prob, old_log_prob (B,) → scalar.

    >>> float(clip_fraction(tf.constant([0.0, -1.0]), tf.constant([0.0, 0.0]), 0.2))
    0.5
    """
    outside = tf.abs(tf.exp(log_prob - old_log_prob) - 1) > clip_range
    return tf.reduce_mean(tf.cast(outside, log_prob.dtype))


@as_written
def ppo_loss(
    params: Params,
    config: PPOConfig,
    x: tf.Tensor,
    actions: tf.Tensor,
    old_log_probs: tf.Tensor,
    advantages: tf.Tensor,
    returns: tf.Tensor,
    old_values: tf.Tensor,
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
    """The loss of a minibatch, x (B, D), actions (B, …), the others (B,).

    Returns the scalar loss, its parts (of the policy, of the critic, the entropy) and the new log-probs (B,).
    """
    log_prob, entropy = log_prob_and_entropy(params, x, actions, config.squash)
    policy_loss = clipped_surrogate(log_prob, old_log_probs, advantages, config.clip_range)
    if config.clip_value is None:
        critic_loss = value_loss(value(params, x), returns)
    else:
        critic_loss = clipped_value_loss(value(params, x), old_values, returns, config.clip_value)
    mean_entropy = tf.reduce_mean(entropy)
    loss = policy_loss + config.value_coef * critic_loss
    if config.entropy_coef:
        loss = loss - config.entropy_coef * mean_entropy
    return loss, (policy_loss, critic_loss, mean_entropy), log_prob


class PPO(Learner):
    """Many gradient steps per rollout, kept close to the policy that collected it."""

    algorithm = "ppo"
    config: PPOConfig

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        config = self.config
        batch = generalized(rollout, self.policy(), config.gamma, config.gae_lambda)
        rng = stream(self.seed, self.iteration, Purpose.MINIBATCHES)
        dealt = minibatches(batch, rng, config.minibatch_size, config.epochs)
        dealt = dealt._replace(advantages=standardize(dealt.advantages))
        rate = tf.constant(learning_rate, config.precision)
        metrics = self.optimize(*map(self.tensor, dealt), rate=rate)
        described = {name: float(tensor) for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    @tf.function(jit_compile=True)
    def optimize(
        self,
        x: tf.Tensor,
        actions: tf.Tensor,
        log_probs: tf.Tensor,
        advantages: tf.Tensor,
        returns: tf.Tensor,
        values: tf.Tensor,
        *,
        rate: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """A step for each of K minibatches, until the KL passes the target.

        x: (K, M, D); actions: (K, M, …); the others: (K, M). Returns the mean of each metric over the steps taken.
        """
        target_kl, steps, totals = self.config.target_kl, tf.zeros((), rate.dtype), tf.zeros(len(METRICS), rate.dtype)
        for i in tf.range(len(x)):
            minibatch = [column[i] for column in (x, actions, log_probs, advantages, returns, values)]
            with tf.GradientTape() as tape:
                loss, parts, log_prob = ppo_loss(self.params(), self.config, *minibatch)
            kl = approx_kl(log_prob, minibatch[2])
            if target_kl is not None and kl > target_kl:
                break
            taken = [*parts, self.descend(tape, loss, rate)]
            taken += [kl, clip_fraction(log_prob, minibatch[2], self.config.clip_range)]
            steps, totals = steps + 1, totals + tf.stack(taken)
        return dict(zip(METRICS, tf.unstack(totals / steps), strict=True))
