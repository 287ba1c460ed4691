"""A conditional GAN over clips, and its generator as a policy (Miyato & Koyama 2018; Mescheder et al. 2018)."""

import math

import torch

from rlfilm_lib.pytorch.flow import linear, log_prob, silu
from rlfilm_lib.pytorch.generator import Generator
from rlfilm_lib.pytorch.parameters import Params
from rlfilm_lib.video import gan
from rlfilm_lib.video.gan import LAYERS, PARTS, GANConfig


def beside(params: Params, name: str, x: torch.Tensor, mixed: bool) -> torch.Tensor:
    """x (…, W) and what two dense layers make of it, added."""
    return x + linear(params, f"{name}/back", silu(linear(params, f"{name}/dense", x, mixed)), mixed)


def clips(params: Params, config: GANConfig, conditions: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """The generator's G(z, c), (B, T, Z), for conditions (B, C) and z (B, N); `video.gan.initialize` has its layers."""
    mixed = config.mixed_precision
    h = silu(linear(params, "told", torch.cat([z, conditions], dim=1), mixed))
    for layer in range(LAYERS):
        h = beside(params, f"clip/{layer}", h, mixed)
    x = linear(params, "frames", h, mixed).reshape(len(z), -1, config.frame_width)
    return linear(params, "latent", silu(beside(params, "frame", x, mixed)), mixed)


@torch.no_grad()
def nearest(
    params: Params, config: GANConfig, real: torch.Tensor, conditions: torch.Tensor, z: torch.Tensor
) -> torch.Tensor:
    """Of candidates z (M, B, N) those whose clips are nearest to the real ones (B, T, Z) of the conditions (B, C)."""
    if len(z) == 1:
        return z[0]
    made = clips(params, config, conditions.repeat(len(z), 1), z.flatten(0, 1))
    errors = torch.mean((made.reshape(len(z), *real.shape) - real) ** 2, dim=(2, 3))
    return z[torch.argmin(errors, dim=0), torch.arange(len(real), device=z.device)]


def parts(
    params: Params, config: GANConfig, x: torch.Tensor, conditions: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the discriminator's two parts make of clips x (B, T, Z) and conditions (B, C).

    Scores of the clips alone (2, B), the clips' features φ (2, B, D), and the conditions' (2, B, D): D(x, c) is the
    score and the product of the two features.
    """
    mixed = config.mixed_precision
    e = silu(linear(params, "told/1", silu(linear(params, "told/0", conditions, mixed)), mixed))
    frames = silu(linear(params, "spatial/1", silu(linear(params, "spatial/0", x, mixed)), mixed))
    differences = torch.cat([torch.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]], dim=1)
    steps = silu(linear(params, "temporal/0", torch.cat([x, differences], dim=2), mixed))
    whole = silu(linear(params, "temporal/1", steps.reshape(len(x), -1), mixed))
    seen = [torch.mean(frames, dim=1), silu(linear(params, "temporal/2", whole, mixed))]
    alone = [linear(params, f"{part}/score", phi, mixed)[:, 0] for part, phi in zip(PARTS, seen, strict=True)]
    asked = [linear(params, f"{part}/told", e, mixed) for part in PARTS]
    return torch.stack(alone), torch.stack(seen), torch.stack(asked) / math.sqrt(config.discriminator_width)


def scores(params: Params, config: GANConfig, x: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
    """D(x, c) of both parts, (2, B), for clips x (B, T, Z) and conditions (B, C)."""
    alone, seen, asked = parts(params, config, x, conditions)
    return alone + torch.sum(seen * asked, dim=2)


def climb(
    generator: Params,
    discriminator: Params,
    config: GANConfig,
    conditions: torch.Tensor,
    z: torch.Tensor,
    noise: torch.Tensor,
    gradient: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A loss whose slope is the estimate of -∇J, the scores J (K, B), and G(z, c) (B, T, Z).

    conditions: (B, C); z: (B, N); noise: ε (K, B, T, Z); gradient: pathwise or score-function.
    """
    count, mean = len(noise), clips(generator, config, conditions, z)
    around, told = mean + config.policy_std * noise, conditions.repeat(count, 1)
    actions = around.flatten(0, 1)
    if gradient == "pathwise":
        rewards = torch.mean(scores(discriminator, config, actions, told), dim=0)
        return -torch.mean(rewards), rewards.reshape(noise.shape[:2]), mean
    actions = actions.detach()
    rewards = torch.mean(scores(discriminator, config, actions, told), dim=0).reshape(noise.shape[:2])
    advantages = (rewards - torch.mean(rewards, dim=0)) * (count / (count - 1))
    std = torch.full_like(actions[:, 0, 0], config.policy_std)
    log_probs = log_prob(actions, mean.repeat(count, 1, 1), std)
    return -torch.mean(log_probs * advantages.flatten()), rewards, mean


class GAN(gan.GAN, Generator):
    """The GAN with PyTorch networks."""

    def imitate(
        self, real: torch.Tensor, conditions: torch.Tensor, z: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """One step of the generator down the squared error of its best: real (B, T, Z), conditions (B, C), z (M, B, N).

        Returns metrics, and the best clips G(z, c) (B, T, Z).
        """
        parameters, config = self.networks["generator"], self.config
        params = parameters.params()
        made = clips(params, config, conditions, nearest(params, config, real, conditions, z))
        error = torch.mean((made - real) ** 2)
        norm = parameters.descend(error, config.supervised_learning_rate, config.max_grad_norm)
        return {"error": error.detach(), "gradient_norm": norm}, made

    def discriminate(
        self, real: torch.Tensor, conditions: torch.Tensor, z: torch.Tensor, noise: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """One step down the hinge loss and its penalty: real (B, T, Z), conditions (B, C), z (B, N), ε (B, T, Z).

        Returns metrics, and the clips G(z, c) (B, T, Z) around which the fakes lie.
        """
        parameters, config = self.networks["discriminator"], self.config
        params, real = parameters.params(), real.detach().requires_grad_()
        with torch.no_grad():
            made = clips(self.networks["generator"].params(), config, conditions, z)
        fake = scores(params, config, made + config.policy_std * noise, conditions)
        alone, seen, asked = parts(params, config, real, conditions)
        matched = alone + torch.sum(seen * asked, dim=2)
        called_fake = torch.mean(torch.relu(1 + fake))
        if self.size.condition:
            pairs = torch.relu(1 + alone[:, :, None] + seen @ asked.transpose(1, 2))
            others = 1 - torch.eye(len(real), dtype=real.dtype, device=real.device)
            called_fake = 0.5 * (called_fake + torch.mean(torch.sum(pairs * others, dim=2)) / (len(real) - 1))
        loss = torch.mean(torch.relu(1 - matched)) + called_fake
        (slopes,) = torch.autograd.grad(torch.sum(torch.mean(matched, dim=0)), real, create_graph=True)
        penalty = config.r1 / 2 * torch.mean(torch.sum(slopes * slopes, dim=(1, 2)))
        parameters.descend(loss + penalty, config.discriminator_learning_rate, config.max_grad_norm)
        metrics = {
            "discriminator_loss": loss.detach(),
            "slope_penalty": penalty.detach(),
            "real_score": torch.mean(matched).detach(),
            "fake_score": torch.mean(fake).detach(),
        }
        return metrics, made

    def generate(
        self, real: torch.Tensor, conditions: torch.Tensor, z: torch.Tensor, noise: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """One step of the generator up J: real (B, T, Z), conditions (B, C), z (M, B, N), ε (K, B, T, Z).

        Returns metrics, and the clips G(z, c) (B, T, Z) of the first z.
        """
        parameters, config = self.networks["generator"], self.config
        judge = {name: param.detach() for name, param in self.networks["discriminator"].params().items()}
        params = parameters.params()
        loss, rewards, made = climb(params, judge, config, conditions, z[0], noise, config.gradient)
        near = nearest(params, config, real, conditions, z)
        best = made if len(z) == 1 else clips(params, config, conditions, near)
        error = torch.mean((best - real) ** 2)
        norm = parameters.descend(loss + config.pull * error, config.learning_rate, config.max_grad_norm)
        return {"reward": torch.mean(rewards).detach(), "error": error.detach(), "gradient_norm": norm}, made

    def slope(self, conditions: torch.Tensor, z: torch.Tensor, noise: torch.Tensor, gradient: str) -> torch.Tensor:
        """An estimate of ∇J (P,), without a step: conditions (B, C), z (B, N), ε (K, B, T, Z)."""
        params = self.networks["generator"].params()
        judge = {name: param.detach() for name, param in self.networks["discriminator"].params().items()}
        loss, _, _ = climb(params, judge, self.config, conditions, z, noise, gradient)
        return -torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(params.values()))])

    @torch.no_grad()
    def evaluate(self, conditions: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """G(z, c) (N, T, Z) by the averaged weights, for conditions (N, C) and z (N, noise)."""
        return clips(self.networks["generator"].averaged(), self.config, conditions, z)
