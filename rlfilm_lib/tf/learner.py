"""What every TensorFlow learner shares: parameters, networks, distributions, the Adam step."""

import numpy as np
import tensorflow as tf

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, HERMITE_NODES, HERMITE_WEIGHTS

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-5
LOG_2 = float(np.log(2))

Params = dict[str, tf.Tensor]
as_written = tf.autograph.experimental.do_not_convert
"""For functions without loops or branches over tensors: AutoGraph need not rewrite them, which takes half a second."""


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


def clip_by_norm(gradient: tf.Tensor, max_norm: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Scale a gradient (P,) by min(1, c / (‖g‖ + 1e-6)). Returns it and ‖g‖.

    >>> clipped, norm = clip_by_norm(tf.constant([3.0, 4.0]), 1.0)
    >>> round(float(clipped[1]), 3), float(norm)
    (0.8, 5.0)
    """
    norm = tf.norm(gradient)
    return gradient * tf.minimum(max_norm / (norm + 1e-6), 1.0), norm


class Learner(learner.Learner):
    """Parameters as one TensorFlow variable, and Adam."""

    backend = "tensorflow"

    def create(self, theta: np.ndarray, device: str) -> None:
        self.device = choose_device(device)
        with tf.device(self.device):
            self.theta = tf.Variable(theta)
            self.m = tf.Variable(np.zeros_like(theta))
            self.v = tf.Variable(np.zeros_like(theta))
            self.t = tf.Variable(np.zeros((), np.float64))

    @as_written
    def params(self) -> Params:
        """The parts of θ by name, as the networks take them."""
        parts = tf.split(self.theta, [int(np.prod(shape)) for shape in self.shapes.values()])
        return {name: tf.reshape(part, shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def tensor(self, array: np.ndarray) -> tf.Tensor:
        """A NumPy array on the learner's device."""
        with tf.device(self.device):
            return tf.constant(array)

    @as_written
    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
        """One clipped Adam step down the gradient of a scalar loss (Kingma & Ba 2015). Returns the gradient's norm."""
        gradient = tape.gradient(loss, self.theta)
        gradient, norm = clip_by_norm(gradient, self.config.max_grad_norm)
        t = self.t.assign_add(1)
        m = self.m.assign(self.m + (1 - ADAM_BETA1) * (gradient - self.m))
        v = self.v.assign(ADAM_BETA2 * self.v + (1 - ADAM_BETA2) * gradient * gradient)
        scale = tf.sqrt(v / tf.cast(1 - ADAM_BETA2**t, v.dtype)) + ADAM_EPSILON
        self.theta.assign_sub(learning_rate / tf.cast(1 - ADAM_BETA1**t, m.dtype) * m / scale)
        return norm

    def read(self, name: str) -> np.ndarray:
        return np.asarray(int(self.t)) if name == "t" else getattr(self, name).value().numpy().copy()

    def write(self, name: str, array: np.ndarray) -> None:
        if name == "t":
            self.t.assign(float(array))
        else:
            getattr(self, name).assign(array)


def choose_device(device: str) -> str:
    """The device for `auto`, `cpu` or `cuda`. These networks are small: `auto` keeps them on the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if device == "cuda" and not tf.config.list_physical_devices("GPU"):
        raise UserError("device 'cuda' is not available to TensorFlow here: use --device auto or cpu")
    return "GPU:0" if device == "cuda" else "CPU:0"
