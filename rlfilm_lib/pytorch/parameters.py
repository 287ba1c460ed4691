"""The weights of a network as one PyTorch vector, and Adam's steps on it."""

import numpy as np
import torch

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.learner import ADAM_BETAS, ADAM_EPSILON
from rlfilm_lib.rl.policy import Shapes

Params = dict[str, torch.Tensor]


def clip_by_norm(gradient: torch.Tensor, max_norm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale a gradient (P,) by min(1, c / (‖g‖ + 1e-6)). Returns it and ‖g‖.

    >>> clipped, norm = clip_by_norm(torch.tensor([3.0, 4.0]), 1.0)
    >>> round(clipped[1].item(), 3), norm.item()
    (0.8, 5.0)
    """
    norm = torch.linalg.vector_norm(gradient)
    return gradient * torch.clamp(max_norm / (norm + 1e-6), max=1.0), norm


class Parameters:
    """θ (P,), all weights of a network, with Adam's moments m and v, its number of steps t, and an average of θ.

    ema_decay: of the exponential moving average `ema`, min(ema_decay, (1 + t) / (10 + t)) after step t, so that it
    soon forgets the first weights; None: there is no average.
    """

    def __init__(
        self,
        theta: np.ndarray,
        shapes: Shapes,
        device: torch.device,
        betas: tuple[float, float] = ADAM_BETAS,
        ema_decay: float | None = None,
    ) -> None:
        self.shapes, self.device, self.betas, self.ema_decay = shapes, device, betas, ema_decay
        self.theta = torch.tensor(theta, device=device)
        self.m, self.v, self.t = torch.zeros_like(self.theta), torch.zeros_like(self.theta), 0
        self.gradient = torch.zeros_like(self.theta)
        self._params = self._parts(self.theta)
        for param, gradient in zip(self._params.values(), self._parts(self.gradient).values(), strict=True):
            param.requires_grad_().grad = gradient  # backward() adds up in the one vector
        if ema_decay is not None:
            self.ema = self.theta.clone()

    def _parts(self, vector: torch.Tensor) -> Params:
        parts = torch.split(vector, [int(np.prod(shape)) for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def params(self) -> Params:
        """The parts of θ by name, as the networks take them: views, that change with it."""
        return self._params

    def averaged(self) -> Params:
        """The parts of the average by name; no gradient flows into them."""
        return self._parts(self.ema)

    def descend(self, loss: torch.Tensor, learning_rate: float, max_norm: float) -> torch.Tensor:
        """One clipped Adam step down the gradient of a scalar loss (Kingma & Ba 2015). Returns the gradient's norm."""
        self.gradient.zero_()
        loss.backward()
        gradient, norm = clip_by_norm(self.gradient, max_norm)
        beta1, beta2 = self.betas
        self.t += 1
        self.m.lerp_(gradient, 1 - beta1)
        self.v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        scale = torch.sqrt(self.v / (1 - beta2**self.t)) + ADAM_EPSILON
        self.theta.addcdiv_(self.m, scale, value=-learning_rate / (1 - beta1**self.t))
        if self.ema_decay is not None:
            self.ema.lerp_(self.theta, 1 - min(self.ema_decay, (1 + self.t) / (10 + self.t)))
        return norm

    def read(self, name: str) -> np.ndarray:
        """A copy of `theta`, `m`, `v` or `ema` (P,), or of `t`."""
        return np.asarray(self.t) if name == "t" else getattr(self, name).cpu().numpy().copy()

    def write(self, name: str, array: np.ndarray) -> None:
        """Take on what `read` returned, from either framework."""
        if name == "t":
            self.t = int(array)
        else:
            getattr(self, name).copy_(torch.as_tensor(array, device=self.device))


def choose_device(device: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`. These networks are small: `auto` keeps them on the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not available to PyTorch here: use --device auto or cpu")
    return torch.device("cpu" if device == "auto" else device)
