"""What every PyTorch learner shares: parameters, networks, distributions, the Adam step."""

import math

import numpy as np
import torch

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl import learner
from rlfilm_lib.rl.policy import HALF_LOG_2PI, Weights

ADAM_EPSILON = 1e-5


def mlp(params: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    """The tanh network `name`, its last layer linear: x (B, in) → (B, out)."""
    layer = 0
    while f"{name}/{layer + 1}/kernel" in params:
        x = torch.tanh(x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"])
        layer += 1
    return x @ params[f"{name}/{layer}/kernel"] + params[f"{name}/{layer}/bias"]


def log_prob_and_entropy(
    params: dict[str, torch.Tensor], x: torch.Tensor, actions: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of `actions` (B, A) or (B,) given inputs x (B, D), and the policy's entropy: (B,) each."""
    head = mlp(params, "actor", x)
    if "log_std" in params:
        log_std = params["log_std"]
        z = (actions - head) * torch.exp(-log_std)
        log_prob = -torch.sum(0.5 * z * z + log_std + HALF_LOG_2PI, dim=-1)
        entropy = torch.sum(log_std + 0.5 + HALF_LOG_2PI).expand(log_prob.shape)
        return log_prob, entropy
    log_probs = torch.log_softmax(head, dim=-1)
    log_prob = torch.gather(log_probs, -1, actions[:, None])[:, 0]
    entropy = -torch.sum(torch.exp(log_probs) * log_probs, dim=-1)
    return log_prob, entropy


def value(params: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The critic's values (B,) for inputs x (B, D)."""
    return mlp(params, "critic", x)[:, 0]


def clip_by_global_norm(gradients: list[torch.Tensor], max_norm: float) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Scale all gradients by min(1, c / (‖g‖ + 1e-6)), ‖g‖ their joint L2 norm. Returns them and ‖g‖.

    >>> clipped, norm = clip_by_global_norm([torch.tensor([3.0]), torch.tensor([4.0])], 1.0)
    >>> round(clipped[1].item(), 3), norm.item()
    (0.8, 5.0)
    """
    norm = torch.sqrt(torch.stack([torch.sum(gradient * gradient) for gradient in gradients]).sum())
    scale = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    return [gradient * scale for gradient in gradients], norm


class Learner(learner.Learner):
    """Parameters as PyTorch tensors, and Adam."""

    backend = "pytorch"

    def create(self, weights: Weights, device: str) -> None:
        self.device = choose_device(device)
        torch.set_num_threads(1)  # as in rl/train.py: the matrices are small
        self.params = {name: torch.tensor(w, device=self.device, requires_grad=True) for name, w in weights.items()}
        self.adam = torch.optim.Adam(self.params.values(), eps=ADAM_EPSILON, fused=True)
        for param in self.params.values():
            zeros = torch.zeros_like(param, requires_grad=False)
            step = torch.zeros((), device=self.device)
            self.adam.state[param] = {"step": step, "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A NumPy array on the learner's device."""
        return torch.as_tensor(array, device=self.device)

    def descend(self, loss: torch.Tensor, learning_rate: float) -> torch.Tensor:
        """One clipped Adam step down the gradient of a scalar loss; none where it is not finite. Returns its norm."""
        gradients = list(torch.autograd.grad(loss, list(self.params.values())))
        gradients, norm = clip_by_global_norm(gradients, self.config.max_grad_norm)
        if not math.isfinite(norm.item()):
            return norm
        for param, gradient in zip(self.params.values(), gradients, strict=True):
            param.grad = gradient
        self.adam.param_groups[0]["lr"] = learning_rate
        self.adam.step()
        return norm

    def tensors(self) -> Weights:
        arrays: Weights = {}
        for name, param in self.params.items():
            state = self.adam.state[param]
            arrays[name] = param.detach().cpu().numpy().copy()
            arrays[f"adam/m/{name}"] = state["exp_avg"].cpu().numpy().copy()
            arrays[f"adam/v/{name}"] = state["exp_avg_sq"].cpu().numpy().copy()
        arrays["adam/t"] = np.asarray(int(state["step"]), np.int64)
        return arrays

    @torch.no_grad()
    def set_tensors(self, tensors: Weights) -> None:
        for name, param in self.params.items():
            state = self.adam.state[param]
            param.copy_(self.tensor(tensors[name]))
            state["exp_avg"].copy_(self.tensor(tensors[f"adam/m/{name}"]))
            state["exp_avg_sq"].copy_(self.tensor(tensors[f"adam/v/{name}"]))
            state["step"].fill_(int(tensors["adam/t"]))


def choose_device(device: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`. These networks are small: `auto` keeps them on the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not available to PyTorch here: use --device auto or cpu")
    return torch.device("cpu" if device == "auto" else device)
