"""Proximal policy optimisation with the clipped surrogate (Schulman et al. 2017)."""

import torch

from rlfilm_lib.pytorch.learner import Learner, Params, log_prob_and_entropy, value
from rlfilm_lib.pytorch.reinforce import value_loss
from rlfilm_lib.rl.batch import generalized, minibatches, standardize
from rlfilm_lib.rl.config import PPOConfig
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.returns import explained_variance
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.rl.streams import Purpose, stream

METRICS = ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "gradient_norm")


def clipped_surrogate(
    log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor, clip_range: float
) -> torch.Tensor:
    """PPO's clipped surrogate loss, averaged over the batch (Schulman et al. 2017, eq. 7).

    The smaller of r·A and clip(r, 1 - ε, 1 + ε)·A is the smaller of r·A and A + ε|A|, for either sign of A.

    log_prob, old_log_prob, advantage: (B,); clip_range: ε > 0. Returns a scalar to minimise.

    >>> log_ratio = torch.log(torch.tensor([1.5, 0.5]))
    >>> round(clipped_surrogate(log_ratio, torch.zeros(2), torch.ones(2), 0.2).item(), 4)
    -0.85
    """
    assert log_prob.shape == old_log_prob.shape == advantage.shape and log_prob.ndim == 1
    ratio = torch.exp(log_prob - old_log_prob)
    return -torch.mean(torch.minimum(ratio * advantage, advantage + clip_range * torch.abs(advantage)))


def clipped_value_loss(
    value: torch.Tensor, old_value: torch.Tensor, returns: torch.Tensor, clip_value: float
) -> torch.Tensor:
    """The critic's squared error, at least that of a value moved by `clip_value` at most: (B,) each → scalar.

    From PPO's first implementation, not its paper; see Engstrom et al. 2020, section 3.

    >>> clipped_value_loss(torch.tensor([3.0]), torch.tensor([0.0]), torch.tensor([3.0]), 1.0).item()
    4.0
    """
    assert value.shape == old_value.shape == returns.shape and value.ndim == 1
    clipped = old_value + torch.clamp(value - old_value, -clip_value, clip_value)
    return torch.mean(torch.maximum((value - returns) ** 2, (clipped - returns) ** 2))


def approx_kl(log_prob: torch.Tensor, old_log_prob: torch.Tensor) -> torch.Tensor:
    """KL(old ‖ new) from samples of the old policy: the mean of r - 1 - log r, never negative (Schulman 2020, k3).

    log_prob, old_log_prob: (B,). Returns a scalar.

    >>> round(approx_kl(torch.tensor([0.0, -1.0]), torch.tensor([0.0, 0.0])).item(), 4)
    0.1839
    """
    log_ratio = log_prob - old_log_prob
    return torch.mean(torch.exp(log_ratio) - 1 - log_ratio)


def ppo_loss(
    params: Params,
    config: PPOConfig,
    x: torch.Tensor,
    actions: torch.Tensor,
    old_log_probs: torch.Tensor,
    advantages: torch.Tensor,
    returns: torch.Tensor,
    old_values: torch.Tensor,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of a minibatch, x (B, D), actions (B, …), the others (B,), and its parts."""
    log_prob, entropy = log_prob_and_entropy(params, x, actions, config.squash)
    policy_loss = clipped_surrogate(log_prob, old_log_probs, advantages, config.clip_range)
    if config.clip_value is None:
        critic_loss = value_loss(value(params, x), returns)
    else:
        critic_loss = clipped_value_loss(value(params, x), old_values, returns, config.clip_value)
    mean_entropy = torch.mean(entropy)
    loss = torch.add(policy_loss, critic_loss, alpha=config.value_coef)
    if config.entropy_coef:
        loss = loss - config.entropy_coef * mean_entropy
    new_log_probs = log_prob.detach()
    outside = torch.abs(torch.exp(new_log_probs - old_log_probs) - 1) > config.clip_range
    return loss, {
        "policy_loss": policy_loss.detach(),
        "value_loss": critic_loss.detach(),
        "entropy": mean_entropy.detach(),
        "approx_kl": approx_kl(new_log_probs, old_log_probs),
        "clip_fraction": torch.mean(outside, dtype=log_prob.dtype),
    }


class PPO(Learner):
    """Many gradient steps per rollout, kept close to the policy that collected it."""

    algorithm = "ppo"
    config: PPOConfig

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        config = self.config
        batch = generalized(rollout, self.policy(), config.gamma, config.gae_lambda)
        rng = stream(self.seed, self.iteration, Purpose.MINIBATCHES)
        order = minibatches(rng, len(batch.values), config.minibatch_size, config.epochs)
        arrays = (batch.inputs, batch.actions, batch.log_probs, batch.returns, batch.values)
        x, actions, log_probs, returns, values = map(self.tensor, arrays)
        rows, advantages = self.tensor(order), self.tensor(standardize(batch.advantages[order]))
        metrics = self.optimize(rows, advantages, x, actions, log_probs, returns, values, learning_rate)
        described = {name: tensor.item() for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    def optimize(
        self,
        order: torch.Tensor,
        advantages: torch.Tensor,
        x: torch.Tensor,
        actions: torch.Tensor,
        log_probs: torch.Tensor,
        returns: torch.Tensor,
        values: torch.Tensor,
        rate: float,
    ) -> dict[str, torch.Tensor]:
        """A step for each row of `order` (K, M), with advantages (K, M), until the KL passes the target.

        The rest is the whole batch: x (B, D), actions (B, …), the others (B,). Returns the mean of each metric over
        the steps taken.
        """
        target_kl, taken = self.config.target_kl, []
        for rows, advantage in zip(order, advantages, strict=True):
            minibatch = (x[rows], actions[rows], log_probs[rows], advantage, returns[rows], values[rows])
            loss, metrics = ppo_loss(self.params(), self.config, *minibatch)
            if target_kl is not None and metrics["approx_kl"] > target_kl:
                break
            norm = self.descend(loss, rate)
            taken.append([*metrics.values(), norm])
        means = [torch.stack(column).mean() for column in zip(*taken, strict=True)]
        return dict(zip(METRICS, means, strict=True))
