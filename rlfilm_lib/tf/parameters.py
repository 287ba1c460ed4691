"""The weights of a network as one TensorFlow variable, and Adam's steps on it."""

import numpy as np
import tensorflow as tf

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.learner import ADAM_BETAS, ADAM_EPSILON
from rlfilm_lib.rl.policy import Shapes

Params = dict[str, tf.Tensor]
as_written = tf.autograph.experimental.do_not_convert
"""For functions without loops or branches over tensors: AutoGraph need not rewrite them, which takes half a second."""


def clip_by_norm(gradient: tf.Tensor, max_norm: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Scale a gradient (P,) by min(1, c / (‖g‖ + 1e-6)). Returns it and ‖g‖.

    >>> clipped, norm = clip_by_norm(tf.constant([3.0, 4.0]), 1.0)
    >>> round(float(clipped[1]), 3), float(norm)
    (0.8, 5.0)
    """
    norm = tf.norm(gradient)
    return gradient * tf.minimum(max_norm / (norm + 1e-6), 1.0), norm


class Parameters:
    """θ (P,), all weights of a network, with Adam's moments m and v, its number of steps t, and an average of θ.

    ema_decay: of the exponential moving average `ema`, min(ema_decay, (1 + t) / (10 + t)) after step t, so that it
    soon forgets the first weights; None: there is no average.
    """

    def __init__(
        self,
        theta: np.ndarray,
        shapes: Shapes,
        device: str,
        betas: tuple[float, float] = ADAM_BETAS,
        ema_decay: float | None = None,
    ) -> None:
        self.shapes, self.device, self.betas, self.ema_decay = shapes, device, betas, ema_decay
        with tf.device(device):
            self.theta = tf.Variable(theta)
            self.m = tf.Variable(np.zeros_like(theta))
            self.v = tf.Variable(np.zeros_like(theta))
            self.t = tf.Variable(np.zeros((), np.float64))
            if ema_decay is not None:
                self.ema = tf.Variable(theta)

    @as_written
    def _parts(self, vector: tf.Tensor) -> Params:
        parts = tf.split(vector, [int(np.prod(shape)) for shape in self.shapes.values()])
        return {name: tf.reshape(part, shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    @as_written
    def params(self) -> Params:
        """The parts of θ by name, as the networks take them."""
        return self._parts(self.theta)

    @as_written
    def averaged(self) -> Params:
        """The parts of the average by name; no gradient flows into them."""
        return self._parts(tf.stop_gradient(self.ema))

    @as_written
    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, learning_rate: tf.Tensor, max_norm: float) -> tf.Tensor:
        """One clipped Adam step down the gradient of a scalar loss (Kingma & Ba 2015). Returns the gradient's norm."""
        gradient = tape.gradient(loss, self.theta)
        gradient, norm = clip_by_norm(gradient, max_norm)
        beta1, beta2 = self.betas
        t = self.t.assign_add(1)
        m = self.m.assign(self.m + (1 - beta1) * (gradient - self.m))
        v = self.v.assign(beta2 * self.v + (1 - beta2) * gradient * gradient)
        scale = tf.sqrt(v / tf.cast(1 - beta2**t, v.dtype)) + ADAM_EPSILON
        theta = self.theta.assign_sub(learning_rate / tf.cast(1 - beta1**t, m.dtype) * m / scale)
        if self.ema_decay is not None:
            decay = tf.cast(tf.minimum(tf.constant(self.ema_decay, t.dtype), (1 + t) / (10 + t)), theta.dtype)
            self.ema.assign(self.ema + (1 - decay) * (theta - self.ema))
        return norm

    def read(self, name: str) -> np.ndarray:
        """A copy of `theta`, `m`, `v` or `ema` (P,), or of `t`."""
        return np.asarray(int(self.t)) if name == "t" else getattr(self, name).value().numpy().copy()

    def write(self, name: str, array: np.ndarray) -> None:
        """Take on what `read` returned, from either framework."""
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
