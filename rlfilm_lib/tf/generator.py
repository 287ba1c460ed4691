"""What the generators share in TensorFlow: where their weights are held."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from rlfilm_lib.tf.parameters import Parameters, choose_device
from rlfilm_lib.video import generator


class Generator(generator.Generator):
    """A generator whose networks are TensorFlow variables; the first has an average."""

    backend = "tensorflow"
    networks: dict[str, Parameters]

    def create(self, thetas: dict[str, NDArray], device: str) -> None:
        self.device = choose_device(device)
        first = next(iter(thetas))
        self.networks = {
            name: Parameters(
                theta, self.shapes[name], self.device, self.betas, self.config.ema_decay if name == first else None
            )
            for name, theta in thetas.items()
        }

    def tensor(self, array: np.ndarray) -> tf.Tensor:
        with tf.device(self.device):
            return tf.constant(array.astype(self.config.precision, copy=False))

    def array(self, tensor: tf.Tensor) -> NDArray:
        return tensor.numpy()
