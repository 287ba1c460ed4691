"""A reward learned from preferences between pairs of cuts (Bradley & Terry 1952; Christiano et al. 2017)."""

from collections.abc import Sequence

import tensorflow as tf

from rlfilm_lib.rl import preference
from rlfilm_lib.rl.policy import Weights
from rlfilm_lib.rl.preference import Pairs, RewardModel
from rlfilm_lib.tf.learner import Params, mlp


def preference_loss(first: tf.Tensor, second: tf.Tensor, preferred: tf.Tensor) -> tf.Tensor:
    """Mean of -log P of what the viewer said, where P(the first is preferred) = σ(r₁ - r₂).

    first, second: (P,) rewards of the two cuts; preferred: (P,), 1 for the first, 0 for the second. Returns a scalar.

    >>> round(float(preference_loss(tf.constant([1.0]), tf.constant([0.0]), tf.constant([1.0]))), 4)
    0.3133
    """
    assert first.shape == second.shape == preferred.shape and first.shape.rank == 1
    margin = first - second
    return tf.reduce_mean(tf.nn.softplus(margin) - preferred * margin)


def reward(params: Params, x: tf.Tensor) -> tf.Tensor:
    """The network's rewards (N,) of standardised features x (N, F)."""
    return tf.squeeze(mlp(params, "reward", x), -1)


def decay_loss(params: Params) -> tf.Tensor:
    """½ Σ kernel², which keeps the network from learning few pairs by heart: a scalar."""
    squares = [tf.reduce_sum(param * param) for name, param in params.items() if name.endswith("kernel")]
    return 0.5 * tf.reduce_sum(tf.stack(squares))


def loss_and_gradient(weights: Weights, pairs: Pairs, decay: float) -> tuple[float, Weights]:
    """The loss on standardised pairs, and its gradient under the weights' names."""
    params = {name: tf.constant(array) for name, array in weights.items()}
    first, second, preferred = (tf.constant(array) for array in pairs)
    loss, gradient = _differentiated(params, first, second, preferred, tf.constant(decay, preferred.dtype))
    return float(loss), {name: slope.numpy() for name, slope in gradient.items()}


@tf.function(autograph=False, reduce_retracing=True)  # pairs come in ever other numbers
def _differentiated(
    params: Params, first: tf.Tensor, second: tf.Tensor, preferred: tf.Tensor, decay: tf.Tensor
) -> tuple[tf.Tensor, Params]:
    with tf.GradientTape() as tape:
        tape.watch(params)
        loss = preference_loss(reward(params, first), reward(params, second), preferred) + decay * decay_loss(params)
    return loss, tape.gradient(loss, params)


def fit(
    pairs: Pairs,
    hidden_sizes: Sequence[int] = preference.HIDDEN_SIZES,
    seed: int = 0,
    steps: int = preference.STEPS,
    learning_rate: float = preference.LEARNING_RATE,
    decay: float = preference.DECAY,
) -> RewardModel:
    """The reward model that a viewer's choices teach, see `rlfilm_lib.rl.preference.descend`."""
    return preference.descend(pairs, loss_and_gradient, hidden_sizes, seed, steps, learning_rate, decay)
