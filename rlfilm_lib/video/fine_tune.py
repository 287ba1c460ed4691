"""A flow fine-tuned by policy gradient on its denoising process (Liu et al. 2025; Black et al. 2024).

The way from noise to a clip is a Markov decision process: the state is (x_t, t, condition), the action the next x,
drawn from a Gaussian around where the flow would go, and only the finished clip is rewarded. There is no critic: G
clips are made for each condition, and a clip's advantage is its reward, standardised within its group (Shao et al.
2024). Every step of the way shares it. The weights follow PPO's clipped objective, and a pull towards the reference
model:

    loss = - E min(r A, clip(r, 1 - ε, 1 + ε) A) + β E KL(p_θ(next x | x) ‖ p_reference(next x | x)),

where r is the exact ratio of the step's new and old densities, and the KL of two Gaussians of one deviation is
‖μ - μ_reference‖² / 2 std².
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.batch import minibatches, standardize
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.streams import Purpose, stream
from rlfilm_lib.rl.train import History
from rlfilm_lib.video import flow
from rlfilm_lib.video.generator import memory, repeat, require

Reward = Callable[[NDArray, NDArray], NDArray]
"""Finished latents (N, T, Z) and their conditions (N, C) → rewards (N,)."""
DrawConditions = Callable[[np.random.Generator, int], NDArray]
"""A random stream and K → conditions (K, C)."""


@dataclass(frozen=True)
class FineTuneConfig:
    """Settings of a fine-tuning."""

    learning_rate: float = 1e-4
    """Adam's step size. Higher gains reward faster, and leaves the data sooner."""
    groups: int = 16
    """Conditions per iteration. More: a better average, and a longer iteration."""
    group_size: int = 8
    """Clips per condition, which are compared with each other. More tell better which of them are good."""
    denoising_steps: int = 10
    """Steps from noise to clip while learning; sampling afterwards may take more. Fewer are faster and cruder."""
    noise_level: float = 0.7
    """a of σ_t = a √(2 (1 - t)). More noise explores wider; too much spoils the clips that are rewarded."""
    guidance: float = 1.0
    """As in sampling; other than 1 it doubles the time."""
    clip_range: float = 0.2
    """How far the ratio of new to old density may move an advantage's pull. Smaller is safer and slower."""
    kl_coef: float = 0.0
    """β, the pull towards the reference model. Higher stays closer to the data and gains less reward."""
    minibatch_size: int = 128
    """Steps of the process per step of the weights. Smaller: more and noisier ones."""
    epochs: int = 1
    """Passes over each iteration's clips. More learn more from them, until clip_fraction grows."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are scaled down to it. Lower is safer and slower; inf switches it off."""

    def __post_init__(self) -> None:
        for name in ("groups", "denoising_steps", "minibatch_size", "epochs"):
            require(self, name, getattr(self, name) >= 1, "1 or more")
        require(self, "group_size", self.group_size >= 2, "2 or more, to compare")
        for name in ("learning_rate", "noise_level", "clip_range"):
            require(self, name, 0 < getattr(self, name) < math.inf, "a finite number above 0")
        for name in ("guidance", "kl_coef"):
            require(self, name, 0 <= getattr(self, name) < math.inf, "a finite number, 0 or above")
        require(self, "max_grad_norm", self.max_grad_norm > 0, "a number above 0, or inf")


class Transitions(NamedTuple):
    """Steps of the denoising process, as the weights learn from them.

    | field        | shape     | meaning                                                           |
    |--------------|-----------|-------------------------------------------------------------------|
    | `x`          | (B, T, Z) | where the step began                                              |
    | `times`      | (B,)      | and when                                                          |
    | `conditions` | (B, C)    | what the clip shall show                                          |
    | `after`      | (B, T, Z) | where it led: the action                                          |
    | `references` | (B, T, Z) | the mean of the step that the reference model would have taken    |
    | `stds`       | (B,)      | the standard deviation, that of either                            |
    | `log_probs`  | (B,)      | of the action, under the weights that drew it                     |
    | `advantages` | (B,)      | how much better the finished clip is than others of its condition |
    """

    x: NDArray
    times: NDArray
    conditions: NDArray
    after: NDArray
    references: NDArray
    stds: NDArray
    log_probs: NDArray
    advantages: NDArray


def wander(
    model: flow.Flow, conditions: NDArray, config: FineTuneConfig, noise: NDArray, rng: np.random.Generator
) -> flow.Path:
    """The denoising process of a model's latest weights, from noise (N, T, Z)."""
    velocity = model.velocity(conditions, config.guidance, averaged=False)
    return flow.wander(velocity, noise, config.denoising_steps, config.noise_level, rng)


def reference_means(reference: flow.Flow, path: flow.Path, conditions: NDArray, config: FineTuneConfig) -> NDArray:
    """Where the reference model's steps would have led on average from each x of a path: (S, N, T, Z)."""
    velocity = reference.velocity(conditions, config.guidance)
    return np.stack(
        [
            flow.sde_mean(x, velocity(x, t), t[:, None, None], 1 / config.denoising_steps, config.noise_level)
            for x, t in zip(path.x[:-1], path.times, strict=True)
        ]
    )


def path_kl(path: flow.Path, references: NDArray) -> NDArray:
    """KL (N,) of the process to that of the reference, summed over the steps of each way: an estimate without bias."""
    return np.sum([flow.kl(*step) for step in zip(path.means, references, path.stds, strict=True)], axis=0)


def fine_tune(
    model: flow.Flow,
    reference: flow.Flow,
    reward: Reward,
    draw: DrawConditions,
    config: FineTuneConfig,
    iterations: int,
    out: str | Path | None = None,
    progress: bool = True,
    history: History | None = None,
    on_step: Callable[[dict[str, float]], object] | None = None,
) -> History:
    """Raise the reward of what a model generates, until `model.steps`, its iterations, reach `iterations`.

    reference: the model as it was, whose averaged weights the KL is measured from. The rest as in
    `rlfilm_lib.video.generator.repeat`. UserError where rewards are not finite, or not one for each clip.
    """

    def update() -> Metrics:
        metrics = improve(model, reference, reward, draw, config)
        model.steps += 1
        return metrics

    return repeat(model, update, iterations, out, progress, history, on_step)


def improve(
    model: flow.Flow, reference: flow.Flow, reward: Reward, draw: DrawConditions, config: FineTuneConfig
) -> Metrics:
    """One iteration: clips for K conditions, G each; their rewards and advantages; the steps of the weights.

    Returns the mean reward, the KL to the reference per clip, and what the steps of the weights reported, averaged.
    """
    dealing, beginning, acting = (
        stream(model.seed, model.steps, purpose) for purpose in (Purpose.MINIBATCHES, Purpose.NOISE, Purpose.ACTIONS)
    )
    conditions = np.repeat(draw(dealing, config.groups), config.group_size, axis=0).astype(model.config.precision)
    model.require_fit(conditions)
    clips = len(conditions)
    with memory("groups", config.groups):
        path = wander(model, conditions, config, model.noise(clips, beginning), acting)
        references = reference_means(reference, path, conditions, config)
    rewards = np.asarray(reward(path.x[-1], conditions), float)
    if rewards.shape != (clips,) or not np.isfinite(rewards).all():
        raise UserError(f"the reward gave {rewards.shape} of {rewards.ravel()[:1]} …: give {(clips,)} finite numbers")
    advantages = standardize(rewards.reshape(config.groups, config.group_size)).ravel()
    steps = config.denoising_steps
    columns: tuple[NDArray, ...] = (
        path.x[:-1],
        path.times,
        np.stack([conditions] * steps),
        path.x[1:],
        references,
        path.stds,
        path.log_probs,
    )
    columns += (np.stack([advantages] * steps),)
    batch = Transitions(*(column.reshape(steps * clips, *column.shape[2:]) for column in columns))
    reports = []
    with memory("minibatch_size", config.minibatch_size):
        for minibatch in zip(*minibatches(batch, dealing, config.minibatch_size, config.epochs), strict=True):
            report = model.ascend(*map(model.tensor, minibatch), config)
            reports.append({name: float(tensor) for name, tensor in report.items()})
    means = {name: float(np.mean([report[name] for report in reports])) for name in reports[0]}
    return {"reward": float(rewards.mean()), "kl": float(path_kl(path, references).mean())} | means


def best_of(
    model: flow.Flow, conditions: NDArray, reward: Reward, number: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """The best of so many clips for each condition (N, C), by the reward: latents (N, T, Z) and rewards (N,).

    Its KL to the model is at most log n - (n - 1) / n (Beirami et al. 2024): what it costs is samples, not training.
    """
    repeated = np.repeat(conditions, number, axis=0)
    latents = model.sample(repeated, rng)
    rewards = np.asarray(reward(latents, repeated)).reshape(-1, number)
    best = rewards.argmax(axis=1)
    rows = np.arange(len(conditions))
    return latents.reshape(len(conditions), number, *latents.shape[1:])[rows, best], rewards[rows, best]
