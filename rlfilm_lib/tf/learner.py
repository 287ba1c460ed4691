"""What every TensorFlow learner shares: parameters, networks, distributions, the Adam step."""

import numpy as np
import tensorflow as tf

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, Weights

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-5


def mlp(params: dict[str, tf.Tensor], name: str, x: tf.Tensor) -> tf.Tensor:
    """The tanh network `name`, its last layer linear: x (B, in) → (B, out)."""
    layer = 0
    while f"{name}/{layer + 1}/kernel" in params:
        x = tf.tanh(x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"])
        layer += 1
    return x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"]


def log_prob_and_entropy(params: dict[str, tf.Tensor], x: tf.Tensor, actions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Log-probability of `actions` (B, A) or (B,) given inputs x (B, D), and the policy's entropy: (B,) each."""
    head = mlp(params, "actor", x)
    if "log_std" in params:
        log_std = params["log_std"]
        z = (actions - head) * tf.exp(-log_std)
        log_prob = -tf.reduce_sum(0.5 * z * z + log_std + HALF_LOG_2PI, axis=-1)
        entropy = tf.broadcast_to(tf.reduce_sum(log_std + 0.5 + HALF_LOG_2PI), tf.shape(log_prob))
        return log_prob, entropy
    log_probs = tf.nn.log_softmax(head, axis=-1)
    log_prob = tf.gather(log_probs, actions, axis=-1, batch_dims=1)
    entropy = -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)
    return log_prob, entropy


def value(params: dict[str, tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """The critic's values (B,) for inputs x (B, D)."""
    return mlp(params, "critic", x)[:, 0]


def clip_by_global_norm(gradients: list[tf.Tensor], max_norm: float) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Scale all gradients by min(1, c / (‖g‖ + 1e-6)), ‖g‖ their joint L2 norm. Returns them and ‖g‖.

    >>> clipped, norm = clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 1.0)
    >>> round(float(clipped[1][0]), 3), float(norm)
    (0.8, 5.0)
    """
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(gradient * gradient) for gradient in gradients]))
    scale = tf.minimum(max_norm / (norm + 1e-6), 1.0)
    return [gradient * scale for gradient in gradients], norm


class Learner(learner.Learner):
    """Parameters as TensorFlow variables, and Adam."""

    backend = "tensorflow"

    def create(self, weights: Weights, device: str) -> None:
        self.device = choose_device(device)
        with tf.device(self.device):
            self.params = {name: tf.Variable(w) for name, w in weights.items()}
            self.adam_m = {name: tf.Variable(np.zeros_like(w)) for name, w in weights.items()}
            self.adam_v = {name: tf.Variable(np.zeros_like(w)) for name, w in weights.items()}
            self.adam_t = tf.Variable(np.zeros((), self.config.precision))

    def tensor(self, array: np.ndarray) -> tf.Tensor:
        """A NumPy array on the learner's device."""
        with tf.device(self.device):
            return tf.constant(array)

    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
        """One clipped Adam step down the gradient of a scalar loss; none where it is not finite. Returns its norm."""
        gradients = tape.gradient(loss, list(self.params.values()))
        gradients, norm = clip_by_global_norm(gradients, self.config.max_grad_norm)
        finite = tf.math.is_finite(norm)
        t = self.adam_t.assign_add(tf.cast(finite, norm.dtype))
        for (name, param), gradient in zip(self.params.items(), gradients, strict=True):
            m = ADAM_BETA1 * self.adam_m[name] + (1 - ADAM_BETA1) * gradient
            v = ADAM_BETA2 * self.adam_v[name] + (1 - ADAM_BETA2) * gradient * gradient
            step = m / (1 - ADAM_BETA1**t) / (tf.sqrt(v / (1 - ADAM_BETA2**t)) + ADAM_EPSILON)
            self.adam_m[name].assign(tf.where(finite, m, self.adam_m[name]))
            self.adam_v[name].assign(tf.where(finite, v, self.adam_v[name]))
            param.assign(tf.where(finite, param - learning_rate * step, param))
        return norm

    def tensors(self) -> Weights:
        arrays: Weights = {}
        for name, param in self.params.items():
            arrays[name] = param.numpy()
            arrays[f"adam/m/{name}"] = self.adam_m[name].numpy()
            arrays[f"adam/v/{name}"] = self.adam_v[name].numpy()
        arrays["adam/t"] = np.asarray(int(self.adam_t), np.int64)
        return arrays

    def set_tensors(self, tensors: Weights) -> None:
        for name, param in self.params.items():
            param.assign(tensors[name])
            self.adam_m[name].assign(tensors[f"adam/m/{name}"])
            self.adam_v[name].assign(tensors[f"adam/v/{name}"])
        self.adam_t.assign(float(tensors["adam/t"]))


def choose_device(device: str) -> str:
    """The device for `auto`, `cpu` or `cuda`. These networks are small: `auto` keeps them on the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if device == "cuda" and not tf.config.list_physical_devices("GPU"):
        raise UserError("device 'cuda' is not available to TensorFlow here: use --device auto or cpu")
    return "GPU:0" if device == "cuda" else "CPU:0"
