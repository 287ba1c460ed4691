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

METRICS = ("policy_loss", "value_loss", "entropy", "gradient_norm", "approx_kl", "clip_fraction")


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


def clip_fraction(log_prob: torch.Tensor, old_log_prob: torch.Tensor, clip_range: float) -> torch.Tensor:
    """Share of the samples whose ratio lies outside 1 ± ε: log_prob, old_log_prob (B,) → scalar.

    >>> clip_fraction(torch.tensor([0.0, -1.0]), torch.tensor([0.0, 0.0]), 0.2).item()
    0.5
    """
    outside = torch.abs(torch.exp(log_prob - old_log_prob) - 1) > clip_range
    return torch.mean(outside, dtype=log_prob.dtype)


def ppo_loss(
    params: Params,
    config: PPOConfig,
    x: torch.Tensor,
    actions: torch.Tensor,
    old_log_probs: torch.Tensor,
    advantages: torch.Tensor,
    returns: torch.Tensor,
    old_values: torch.Tensor,
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor]:
    """The loss of a minibatch, x (B, D), actions (B, …), the others (B,).

    Returns the scalar loss, its parts (of the policy, of the critic, the entropy) and the new log-probs (B,).
    """
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
    return loss, (policy_loss, critic_loss, mean_entropy), log_prob


class PPO(Learner):
    """Many gradient steps per rollout, kept close to the policy that collected it."""

    algorithm = "ppo"
    config: PPOConfig

    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        config = self.config
        batch = generalized(rollout, self.policy(), config.gamma, config.gae_lambda)
        rng = stream(self.seed, self.iteration, Purpose.MINIBATCHES)
        dealt = minibatches(batch, rng, config.minibatch_size, config.epochs)
        dealt = dealt._replace(advantages=standardize(dealt.advantages))
        metrics = self.optimize(*map(self.tensor, dealt), rate=learning_rate)
        described = {name: tensor.item() for name, tensor in metrics.items()}
        return described | {"explained_variance": explained_variance(batch.values, batch.returns)}

    def optimize(
        self,
        x: torch.Tensor,
        actions: torch.Tensor,
        log_probs: torch.Tensor,
        advantages: torch.Tensor,
        returns: torch.Tensor,
        values: torch.Tensor,
        *,
        rate: float,
    ) -> dict[str, torch.Tensor]:
        """A step for each of K minibatches, until the KL passes the target.

        x: (K, M, D); actions: (K, M, …); the others: (K, M). Returns the mean of each metric over the steps taken.
        """
        target_kl, taken, new_log_probs = self.config.target_kl, [], []
        for minibatch in zip(x, actions, log_probs, advantages, returns, values, strict=True):
            loss, parts, log_prob = ppo_loss(self.params(), self.config, *minibatch)
            if target_kl is not None and approx_kl(log_prob, minibatch[2]) > target_kl:
                break
            taken.append([*parts, self.descend(loss, rate)])
            new_log_probs.append(log_prob)
        with torch.no_grad():
            means = [torch.stack(column).mean() for column in zip(*taken, strict=True)]
            new, old = torch.stack(new_log_probs), log_probs[: len(taken)]
            means += [approx_kl(new, old), clip_fraction(new, old, self.config.clip_range)]
        return dict(zip(METRICS, means, strict=True))
