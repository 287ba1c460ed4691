"""A flow over clips: a transformer that learns a velocity (Lipman et al. 2023; Peebles & Xie 2023)."""

import torch

from rlfilm_lib.pytorch.generator import Generator
from rlfilm_lib.pytorch.parameters import Params
from rlfilm_lib.pytorch.ppo import approx_kl, clip_fraction, clipped_surrogate
from rlfilm_lib.rl.policy import HALF_LOG_2PI
from rlfilm_lib.video import flow
from rlfilm_lib.video.fine_tune import FineTuneConfig
from rlfilm_lib.video.flow import FREQUENCIES, FlowConfig, sde_mean

silu = torch.nn.functional.silu


def linear(params: Params, name: str, x: torch.Tensor, mixed: bool) -> torch.Tensor:
    """x (…, in) → (…, out); `mixed`: multiplied in bfloat16."""
    kernel, bias = params[f"{name}/kernel"], params[f"{name}/bias"]
    if mixed:
        return (x.to(torch.bfloat16) @ kernel.to(torch.bfloat16)).to(x.dtype) + bias
    return x @ kernel + bias


def modulated(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Layer norm whose gain and shift depend on the clip: x (B, T, W); shift, scale (B, W)."""
    x = torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-6)
    return x * (1 + scale[:, None]) + shift[:, None]


def attention(queries_keys_values: torch.Tensor, heads: int) -> torch.Tensor:
    """Every frame looks at every frame (Vaswani et al. 2017): (B, T, 3 W) → (B, T, W)."""
    batch, frames, width = queries_keys_values.shape
    parts = queries_keys_values.reshape(batch, frames, 3, heads, width // (3 * heads))
    queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, W / heads)
    seen = torch.nn.functional.scaled_dot_product_attention(queries, keys, values)
    return seen.transpose(1, 2).reshape(batch, frames, width // 3)


def velocity(
    params: Params, config: FlowConfig, x: torch.Tensor, t: torch.Tensor, conditions: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """The network's v (B, T, Z) at x (B, T, Z) and times t (B,), for conditions (B, C); known (B,): 0 drops them.

    `rlfilm_lib.video.flow.initialize` lists the layers.
    """
    mixed = config.mixed_precision
    told = torch.cat([conditions, torch.ones_like(known)[:, None]], dim=1) * known[:, None]
    radians = t[:, None] * torch.as_tensor(FREQUENCIES, dtype=t.dtype, device=t.device)
    waves = torch.cat([torch.sin(radians), torch.cos(radians)], dim=1)
    meant = silu(linear(params, "meant", silu(linear(params, "told", told, mixed)), mixed))
    e = silu(linear(params, "mixed", meant, mixed) + linear(params, "time", waves, mixed))
    places = linear(params, "frame", meant, mixed).reshape(-1, x.shape[1], config.width)
    h = linear(params, "latent", x, mixed) + places
    for block in range(config.layers):
        parts = torch.chunk(linear(params, f"block/{block}/modulation", e, mixed), 6, dim=1)
        seen = linear(params, f"block/{block}/queries", modulated(h, parts[0], parts[1]), mixed)
        seen = linear(params, f"block/{block}/output", attention(seen, config.heads), mixed)
        h = h + parts[2][:, None] * seen
        made = linear(params, f"block/{block}/dense", modulated(h, parts[3], parts[4]), mixed)
        gate, made = torch.chunk(made, 2, dim=2)
        h = h + parts[5][:, None] * linear(params, f"block/{block}/back", silu(gate) * made, mixed)
    shift, scale = torch.chunk(linear(params, "modulation", e, mixed), 2, dim=1)
    return linear(params, "velocity", modulated(h, shift, scale), mixed)


def guided(
    params: Params, config: FlowConfig, x: torch.Tensor, t: torch.Tensor, conditions: torch.Tensor, guidance: float
) -> torch.Tensor:
    """v without the condition, and `guidance` times the way from there to v with it: (B, T, Z)."""
    with_condition = velocity(params, config, x, t, conditions, torch.ones_like(t))
    if guidance == 1:
        return with_condition
    without = velocity(params, config, x, t, conditions, torch.zeros_like(t))
    return without + guidance * (with_condition - without)


def log_prob(x: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Log-density of x (M, T, Z) under independent Gaussians: mean (M, T, Z), std (M,) → (M,).

    >>> round(log_prob(torch.zeros(1, 1, 2), torch.ones(1, 1, 2), torch.ones(1)).item(), 4)
    -2.8379
    """
    assert x.shape == mean.shape and std.shape == x.shape[:1]
    z = (x - mean) / std[:, None, None]
    return -0.5 * torch.sum(z * z, dim=(1, 2)) - x.shape[1] * x.shape[2] * (torch.log(std) + HALF_LOG_2PI)


def kl(mean: torch.Tensor, other: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """KL between Gaussians of one standard deviation, ‖μ - μ'‖² / 2 std²: means (M, T, Z), std (M,) → (M,).

    >>> kl(torch.zeros(1, 1, 2), torch.ones(1, 1, 2), torch.tensor([2.0])).item()
    0.25
    """
    assert mean.shape == other.shape and std.shape == mean.shape[:1]
    return torch.sum((mean - other) ** 2, dim=(1, 2)) / (2 * std * std)


class Flow(flow.Flow, Generator):
    """The flow with a PyTorch network."""

    def descend(
        self,
        x: torch.Tensor,
        times: torch.Tensor,
        known: torch.Tensor,
        target: torch.Tensor,
        conditions: torch.Tensor,
        learning_rate: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step down the mean squared error of the velocity, see `rlfilm_lib.video.flow.Points`."""
        parameters, config = self.networks["flow"], self.config
        error = velocity(parameters.params(), config, x, times, conditions, known) - target
        loss = torch.mean(error * error)
        return loss.detach(), parameters.descend(loss, learning_rate.item(), config.max_grad_norm)

    @torch.no_grad()
    def evaluate(
        self, x: torch.Tensor, times: torch.Tensor, conditions: torch.Tensor, guidance: float, averaged: bool
    ) -> torch.Tensor:
        """The velocity (N, T, Z) by the averaged weights or by the latest."""
        parameters = self.networks["flow"]
        params = parameters.averaged() if averaged else parameters.params()
        return guided(params, self.config, x, times, conditions, guidance)

    def ascend(
        self,
        x: torch.Tensor,
        times: torch.Tensor,
        conditions: torch.Tensor,
        after: torch.Tensor,
        references: torch.Tensor,
        stds: torch.Tensor,
        log_probs: torch.Tensor,
        advantages: torch.Tensor,
        config: FineTuneConfig,
    ) -> dict[str, torch.Tensor]:
        """One step up the clipped objective on steps of the denoising process, see `Transitions`."""
        parameters = self.networks["flow"]
        v = guided(parameters.params(), self.config, x, times, conditions, config.guidance)
        mean = sde_mean(x, v, times[:, None, None], 1 / config.denoising_steps, config.noise_level)
        new_log_probs = log_prob(after, mean, stds)
        policy_loss = clipped_surrogate(new_log_probs, log_probs, advantages, config.clip_range)
        mean_kl = torch.mean(kl(mean, references, stds))
        loss = policy_loss + config.kl_coef * mean_kl
        norm = parameters.descend(loss, config.learning_rate, config.max_grad_norm)
        return {
            "policy_loss": policy_loss.detach(),
            "approx_kl": approx_kl(new_log_probs, log_probs).detach(),
            "clip_fraction": clip_fraction(new_log_probs, log_probs, config.clip_range),
            "gradient_norm": norm,
        }
