"""What every TensorFlow learner shares: networks, distributions, parameters."""

import numpy as np
import tensorflow as tf

from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, HERMITE_NODES, HERMITE_WEIGHTS
from rlfilm_lib.tf.parameters import Parameters, Params, as_written, choose_device

LOG_2 = float(np.log(2))


def mlp(params: Params, name: str, x: tf.Tensor) -> tf.Tensor:
    """The tanh network `name`, its last layer linear: x (B, in) → (B, out)."""
    layer = 0
    while f"{name}/{layer + 1}/kernel" in params:
        x = tf.tanh(x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"])
        layer += 1
    return x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"]


def log_prob_and_entropy(
    params: Params, x: tf.Tensor, actions: tf.Tensor, squash: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Log-probability of `actions` (B, A) or (B,) given inputs x (B, D), and the policy's entropy: (B,) each.

    With `squash` both are those of tanh(action): the Gaussian's, changed by the slope of tanh (Haarnoja et al. 2018,
    appendix C); its mean slope is computed by Gauss-Hermite quadrature.
    """
    head = mlp(params, "actor", x)
    if "log_std" not in params:
        log_probs = tf.nn.log_softmax(head, axis=-1)
        log_prob = tf.gather(log_probs, actions, axis=-1, batch_dims=1)
        entropy = -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)
        return log_prob, entropy
    log_std = params["log_std"]
    z = (actions - head) * tf.exp(-log_std)
    log_volume = tf.reduce_sum(log_std + HALF_LOG_2PI)
    log_prob = -0.5 * tf.reduce_sum(z * z, axis=-1) - log_volume
    entropy = tf.broadcast_to(log_volume + 0.5 * log_std.shape[0], tf.shape(log_prob))
    if squash:
        log_prob = log_prob - tf.reduce_sum(log_tanh_slope(actions), axis=-1)
        for node, weight in zip(HERMITE_NODES, HERMITE_WEIGHTS, strict=True):
            slopes = log_tanh_slope(head + tf.exp(log_std) * float(node))
            entropy = entropy + float(weight) * tf.reduce_sum(slopes, axis=-1)
    return log_prob, entropy


def log_tanh_slope(u: tf.Tensor) -> tf.Tensor:
    """log(1 - tanh²(u)), safe for large |u|."""
    return 2 * (LOG_2 - u - tf.nn.softplus(-2 * u))


def value(params: Params, x: tf.Tensor) -> tf.Tensor:
    """The critic's values (B,) for inputs x (B, D)."""
    return tf.squeeze(mlp(params, "critic", x), -1)


class Learner(learner.Learner):
    """A learner whose parameters are one TensorFlow variable, and that descends by Adam."""

    backend = "tensorflow"

    def create(self, theta: np.ndarray, device: str) -> None:
        self.device = choose_device(device)
        self.parameters = Parameters(theta, self.shapes, self.device)

    @as_written
    def params(self) -> Params:
        """The parts of θ by name, as the networks take them."""
        return self.parameters.params()

    def tensor(self, array: np.ndarray) -> tf.Tensor:
        """A NumPy array on the learner's device."""
        with tf.device(self.device):
            return tf.constant(array)

    @as_written
    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
        """One clipped Adam step down the gradient of a scalar loss. Returns the gradient's norm."""
        return self.parameters.descend(tape, loss, learning_rate, self.config.max_grad_norm)

    def read(self, name: str) -> np.ndarray:
        return self.parameters.read(name)

    def write(self, name: str, array: np.ndarray) -> None:
        self.parameters.write(name, array)
