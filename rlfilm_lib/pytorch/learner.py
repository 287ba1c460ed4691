"""What every PyTorch learner shares: networks, distributions, parameters."""

import numpy as np
import torch

from rlfilm_lib.pytorch.parameters import Parameters, Params, choose_device
from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, HERMITE_NODES, HERMITE_WEIGHTS

LOG_2 = float(np.log(2))


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


class Learner(learner.Learner):
    """A learner whose parameters are one PyTorch vector, and that descends by Adam."""

    backend = "pytorch"

    def create(self, theta: np.ndarray, device: str) -> None:
        self.device = choose_device(device)
        torch.set_num_threads(1)  # as in rl/train.py: the matrices are small
        self.parameters = Parameters(theta, self.shapes, self.device)

    def params(self) -> Params:
        """The parts of θ by name, as the networks take them."""
        return self.parameters.params()

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A NumPy array on the learner's device."""
        return torch.as_tensor(array, device=self.device)

    def descend(self, loss: torch.Tensor, learning_rate: float) -> torch.Tensor:
        """One clipped Adam step down the gradient of a scalar loss. Returns the gradient's norm."""
        return self.parameters.descend(loss, learning_rate, self.config.max_grad_norm)

    def read(self, name: str) -> np.ndarray:
        return self.parameters.read(name)

    def write(self, name: str, array: np.ndarray) -> None:
        self.parameters.write(name, array)
