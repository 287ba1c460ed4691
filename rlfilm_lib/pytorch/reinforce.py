"""REINFORCE with reward-to-go and a learned baseline (Williams 1992; Sutton & Barto 2018, section 13.4)."""

import torch

from rlfilm_lib.pytorch.learner import Learner, Params, log_prob_and_entropy, value
from rlfilm_lib.rl.batch import Batch, monte_carlo, standardize
from rlfilm_lib.rl.config import Config, ReinforceConfig
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.returns import explained_variance
from rlfilm_lib.rl.rollout import Rollout


def policy_gradient_loss(log_prob: torch.Tensor, advantage: torch.Tensor) -> torch.Tensor:
    """Minus the mean of log π(a|s) · A: its gradient is the policy gradient's estimate (Williams 1992, theorem 1).

    log_prob, advantage: (B,); the advantage is data, no gradient flows into it. Returns a scalar to minimise.

    >>> policy_gradient_loss(torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 0.5])).item()
    1.0
    """
    assert log_prob.shape == advantage.shape and log_prob.ndim == 1
    return -torch.mean(log_prob * advantage)


def value_loss(value: torch.Tensor, returns: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the critic: value, returns (B,) → scalar.

    >>> value_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])).item()
    2.5
    """
    assert value.shape == returns.shape and value.ndim == 1
    return torch.nn.functional.mse_loss(value, returns)


def actor_critic_loss(
    params: Params,
    config: Config,
    x: torch.Tensor,
    actions: torch.Tensor,
    advantages: torch.Tensor,
    returns: torch.Tensor,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What actor and critic minimise together: x (B, D), actions (B, …), advantages and returns (B,).

    Returns the scalar loss and its parts: policy_loss + value_coef · value_loss - entropy_coef · entropy.
    """
    log_prob, entropy = log_prob_and_entropy(params, x, actions, config.squash)
    policy_loss = policy_gradient_loss(log_prob, advantages)
    critic_loss = value_loss(value(params, x), returns)
    mean_entropy = torch.mean(entropy)
    loss = torch.add(policy_loss, critic_loss, alpha=config.value_coef)
    if config.entropy_coef:
        loss = loss - config.entropy_coef * mean_entropy
    return loss, {"policy_loss": policy_loss, "value_loss": critic_loss, "entropy": mean_entropy}


class Reinforce(Learner):
    """One gradient step per batch of whole episodes."""

    algorithm = "reinforce"
    config: ReinforceConfig

    def batch(self, rollout: Rollout) -> Batch:
        """What it learns from: rewards-to-go."""
        return monte_carlo(rollout, self.policy(), self.config.gamma, self.config.baseline)

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        batch = self.batch(rollout)
        arrays = (batch.inputs, batch.actions, standardize(batch.advantages), batch.returns)
        x, actions, advantages, returns = map(self.tensor, arrays)
        metrics = self.step(x, actions, advantages, returns, learning_rate)
        described = {name: tensor.item() for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    def step(
        self, x: torch.Tensor, actions: torch.Tensor, advantages: torch.Tensor, returns: torch.Tensor, rate: float
    ) -> dict[str, torch.Tensor]:
        """One step down the loss of a batch: x (B, D), actions (B, …), advantages and returns (B,)."""
        loss, metrics = actor_critic_loss(self.params(), self.config, x, actions, advantages, returns)
        metrics["gradient_norm"] = self.descend(loss, rate)
        return metrics
