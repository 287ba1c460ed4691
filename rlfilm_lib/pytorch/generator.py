"""What the generators share in PyTorch: where their weights are held."""

import numpy as np
import torch
from numpy.typing import NDArray

from rlfilm_lib.pytorch.parameters import Parameters, choose_device
from rlfilm_lib.video import generator


class Generator(generator.Generator):
    """A generator whose networks are PyTorch vectors; the first has an average."""

    backend = "pytorch"
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

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array.astype(self.config.precision, copy=False), device=self.device)

    def array(self, tensor: torch.Tensor) -> NDArray:
        return tensor.detach().cpu().numpy()
