"""What every PyTorch learner shares: parameters, networks, distributions, the Adam step."""

import numpy as np
import torch

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, HERMITE_NODES, HERMITE_WEIGHTS

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-5
LOG_2 = float(np.log(2))

Params = dict[str, torch.Tensor]


def mlp(params: Params, name: str, x: torch.Tensor) -> torch.Tensor:
    """The tanh network `name`, its last layer linear: x (B, in) → (B, out)."""
    layer = 0
    while f"{name}/{layer + 1}/kernel" in params:
        x = torch.tanh(torch.addmm(params[f"{name}/{layer}/bias"], x, params[f"{name}/{layer}/kernel"]))
        layer += 1
    return torch.addmm(params[f"{name}/{layer}/bias"], x, params[f"{name}/{layer}/kernel"])


def log_prob_and_entropy(
    params: Params, x: torch.Tensor, actions: torch.Tensor, squash: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of `actions` (B, A) or (B,) given inputs x (B, D), and the policy's entropy: (B,) each.

    With `squash` both are those of tanh(action): the Gaussian's, changed by the slope of tanh (Haarnoja et al. 2018,
    appendix C); its mean slope is computed by Gauss-Hermite quadrature.
    """
    head = mlp(params, "actor", x)
    if "log_std" not in params:
        log_probs = torch.log_softmax(head, dim=-1)
        log_prob = torch.gather(log_probs, -1, actions[:, None])[:, 0]
        entropy = -torch.sum(torch.exp(log_probs) * log_probs, dim=-1)
        return log_prob, entropy
    log_std = params["log_std"]
    z = (actions - head) * torch.exp(-log_std)
    log_volume = torch.sum(log_std + HALF_LOG_2PI)
    log_prob = -0.5 * torch.sum(z * z, dim=-1) - log_volume
    entropy = (log_volume + 0.5 * log_std.shape[0]).expand(log_prob.shape)
    if squash:
        log_prob = log_prob - torch.sum(log_tanh_slope(actions), dim=-1)
        for node, weight in zip(HERMITE_NODES, HERMITE_WEIGHTS, strict=True):
            slopes = log_tanh_slope(head + torch.exp(log_std) * float(node))
            entropy = entropy + float(weight) * torch.sum(slopes, dim=-1)
    return log_prob, entropy


def log_tanh_slope(u: torch.Tensor) -> torch.Tensor:
    """log(1 - tanh²(u)), safe for large |u|."""
    return 2 * (LOG_2 - u - torch.nn.functional.softplus(-2 * u))


def value(params: Params, x: torch.Tensor) -> torch.Tensor:
    """The critic's values (B,) for inputs x (B, D)."""
    return torch.squeeze(mlp(params, "critic", x), -1)


def clip_by_norm(gradient: torch.Tensor, max_norm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale a gradient (P,) by min(1, c / (‖g‖ + 1e-6)). Returns it and ‖g‖.

    >>> clipped, norm = clip_by_norm(torch.tensor([3.0, 4.0]), 1.0)
    >>> round(clipped[1].item(), 3), norm.item()
    (0.8, 5.0)
    """
    norm = torch.linalg.vector_norm(gradient)
    return gradient * torch.clamp(max_norm / (norm + 1e-6), max=1.0), norm


class Learner(learner.Learner):
    """Parameters as one PyTorch vector, and Adam."""

    backend = "pytorch"

    def create(self, theta: np.ndarray, device: str) -> None:
        self.device = choose_device(device)
        torch.set_num_threads(1)  # as in rl/train.py: the matrices are small
        self.theta = torch.tensor(theta, device=self.device)
        self.m, self.v, self.t = torch.zeros_like(self.theta), torch.zeros_like(self.theta), 0
        self.gradient = torch.zeros_like(self.theta)
        self._params = self._parts(self.theta)
        for param, gradient in zip(self._params.values(), self._parts(self.gradient).values(), strict=True):
            param.requires_grad_().grad = gradient  # backward() adds up in the one vector

    def _parts(self, vector: torch.Tensor) -> Params:
        parts = torch.split(vector, [int(np.prod(shape)) for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def params(self) -> Params:
        """The parts of θ by name, as the networks take them: views, that change with it."""
        return self._params

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A NumPy array on the learner's device."""
        return torch.as_tensor(array, device=self.device)

    def descend(self, loss: torch.Tensor, learning_rate: float) -> torch.Tensor:
        """One clipped Adam step down the gradient of a scalar loss (Kingma & Ba 2015). Returns the gradient's norm."""
        self.gradient.zero_()
        loss.backward()
        gradient, norm = clip_by_norm(self.gradient, self.config.max_grad_norm)
        self.t += 1
        self.m.lerp_(gradient, 1 - ADAM_BETA1)
        self.v.mul_(ADAM_BETA2).addcmul_(gradient, gradient, value=1 - ADAM_BETA2)
        scale = torch.sqrt(self.v / (1 - ADAM_BETA2**self.t)) + ADAM_EPSILON
        self.theta.addcdiv_(self.m, scale, value=-learning_rate / (1 - ADAM_BETA1**self.t))
        return norm

    def read(self, name: str) -> np.ndarray:
        return np.asarray(self.t) if name == "t" else getattr(self, name).cpu().numpy().copy()

    def write(self, name: str, array: np.ndarray) -> None:
        if name == "t":
            self.t = int(array)
        else:
            getattr(self, name).copy_(self.tensor(array))


def choose_device(device: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`. These networks are small: `auto` keeps them on the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not available to PyTorch here: use --device auto or cpu")
    return torch.device("cpu" if device == "auto" else device)
