"""A reward learned from preferences between pairs of cuts (Bradley & Terry 1952; Christiano et al. 2017)."""

from collections.abc import Sequence

import torch

from rlfilm_lib.pytorch.learner import Params, mlp
from rlfilm_lib.rl import preference
from rlfilm_lib.rl.policy import Weights
from rlfilm_lib.rl.preference import Pairs, RewardModel


def preference_loss(first: torch.Tensor, second: torch.Tensor, preferred: torch.Tensor) -> torch.Tensor:
    """Mean of -log P of what the viewer said, where P(the first is preferred) = σ(r₁ - r₂).

    first, second: (P,) rewards of the two cuts; preferred: (P,), 1 for the first, 0 for the second. Returns a scalar.

    >>> round(preference_loss(torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([1.0])).item(), 4)
    0.3133
    """
    assert first.shape == second.shape == preferred.shape and first.ndim == 1
    margin = first - second
    return torch.mean(torch.nn.functional.softplus(margin) - preferred * margin)


def reward(params: Params, x: torch.Tensor) -> torch.Tensor:
    """The network's rewards (N,) of standardised features x (N, F)."""
    return torch.squeeze(mlp(params, "reward", x), -1)


def decay_loss(params: Params) -> torch.Tensor:
    """½ Σ kernel², which keeps the network from learning few pairs by heart: a scalar."""
    squares = [torch.sum(param * param) for name, param in params.items() if name.endswith("kernel")]
    return 0.5 * torch.sum(torch.stack(squares))


def loss_and_gradient(weights: Weights, pairs: Pairs, decay: float) -> tuple[float, Weights]:
    """The loss on standardised pairs, and its gradient under the weights' names."""
    params = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    first, second, preferred = (torch.as_tensor(array) for array in pairs)
    loss = preference_loss(reward(params, first), reward(params, second), preferred) + decay * decay_loss(params)
    gradient = torch.autograd.grad(loss, list(params.values()))
    return loss.item(), {name: slope.numpy() for name, slope in zip(params, gradient, strict=True)}


def fit(
    pairs: Pairs,
    hidden_sizes: Sequence[int] = preference.HIDDEN_SIZES,
    seed: int = 0,
    steps: int = preference.STEPS,
    learning_rate: float = preference.LEARNING_RATE,
    decay: float = preference.DECAY,
) -> RewardModel:
    """The reward model that a viewer's choices teach, see `rlfilm_lib.rl.preference.descend`."""
    return preference.descend(pairs, loss_and_gradient, hidden_sizes, seed, steps, learning_rate, decay)
