"""Flow matching for clips, the framework-free half: settings, first weights, and the way from noise to a clip.

Time runs from noise to data, as in Lipman et al. 2023 ("Flow matching for generative modeling"): between noise
ε ~ N(0, I) and a clip x₁ lies the straight line

    x_t = (1 - t) ε + t x₁,    0 ≤ t ≤ 1,

and a network learns the velocity of what passes through x at t, v(x, t) = E[x₁ - ε | x_t = x], by least squares.
Following it from noise at t = 0, dx = v dt, ends at the data at t = 1 (`integrate`).

The same clouds of points can be followed with noise on the way. Since x = (1 - t) E[ε | x] + t E[x₁ | x] and
v = E[x₁ | x] - E[ε | x], the noise that was mixed in is E[ε | x] = x - t v; the cloud p_t is a Gaussian blur of scaled
data, so that its score is ∇ log p_t(x) = -E[ε | x] / (1 - t) = (t v - x) / (1 - t). Adding noise of any strength σ_t
and half σ_t² times the score,

    dx = (v + ½ σ_t² ∇ log p_t) dt + σ_t dw,

leaves every p_t as it was: in the Fokker-Planck equation ∂p = -∇·(v p) - ∇·(½ σ² p ∇ log p) + ½ σ² ∇²p the last two
terms cancel, because p ∇ log p = ∇p (Song et al. 2021, appendix D; Liu et al. 2025, "Flow-GRPO", section 4.2). Here

    σ_t = a √(2 (1 - t)),    so that    dx = (v + a² (t v - x)) dt + a √(2 (1 - t)) dw:

1 - t falls out, and nothing is infinite at either end. (Flow-GRPO, whose time runs the other way, has in this direction
σ_t = a √((1 - t) / t), which is infinite in noise and has to be replaced there.) A step of length h draws from a
Gaussian of mean `sde_mean` and standard deviation `sde_std`, so that its log-probability is exact: a policy, whose
action is the next x.
"""

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.policy import HALF_LOG_2PI, Weights
from rlfilm_lib.video.generator import Generator, GeneratorConfig, Size, memory, require

Velocity = Callable[[NDArray, NDArray], NDArray]
"""x (N, T, Z) and times (N,) → v (N, T, Z)."""
FREQUENCIES = np.geomspace(1, 100, 16)
"""The network sees a time t as the sines and cosines of these many radians times t."""


@dataclass(frozen=True)
class FlowConfig(GeneratorConfig):
    """A transformer over the frames that learns a velocity."""

    width: int = 96
    """Numbers per frame inside the network. Wider fits more; the cost grows with its square."""
    layers: int = 3
    """Blocks of attention and two dense layers. More follow finer motion; the cost grows with them."""
    heads: int = 4
    """Of attention; they share the width. More can look at more frames at once, each less finely."""
    anneal_steps: int = 0
    """Over so many steps the learning rate rises, in the first twentieth, and falls to 0 as half a cosine, which ends
    calmer; then the same again, if there is more training (Loshchilov & Hutter 2017); 0: it stays."""
    condition_dropout: float = 0.1
    """Share of the clips that are learned without their condition, so that guidance has something to start from."""
    sampling_steps: int = 20
    """Euler's steps from noise to clip. More follow the flow more closely; the time grows with them."""
    guidance: float = 1.5
    """How far sampling goes from the velocity without to that with the condition; 1: just there, as learned; above:
    beyond, which shows the condition more clearly and varies less (Ho & Salimans 2022)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "layers", "heads", "sampling_steps"):
            require(self, name, getattr(self, name) >= 1, "1 or more")
        require(self, "width", self.width % self.heads == 0, f"a multiple of heads={self.heads}")
        require(self, "anneal_steps", self.anneal_steps >= 0, "0 or more")
        require(self, "condition_dropout", 0 <= self.condition_dropout < 1, "a number from 0, below 1")
        require(self, "guidance", 0 <= self.guidance < math.inf, "a finite number, 0 or above")


def initialize(config: FlowConfig, size: Size, rng: np.random.Generator) -> Weights:
    """First weights of the velocity network, float32: the velocity is 0, and each block passes its input on.

    | name                        | shape             | what it makes                                                 |
    |-----------------------------|-------------------|---------------------------------------------------------------|
    | `latent`                    | Z → W             | a frame's latent, as the blocks take it                       |
    | `told`, `meant`             | C + 1 → 4 W → 4 W | what the condition means, once for a clip                     |
    | `frame`                     | 4 W → T · W       | what each frame has added; its bias is their places           |
    | `mixed`, `time`             | → W               | the vector of a clip: what is meant, and when                 |
    | `block/i/modulation`        | W → 6 W           | shift, scale and gate, of attention and of dense layers       |
    | `block/i/queries`, `output` | W → 3 W, W        | attention between all frames of a clip                        |
    | `block/i/dense`, `back`     | W → 4 W, 2 W → W  | dense layers; one half gates the other (Shazeer 2020, SwiGLU) |
    | `modulation`, `velocity`    | W → 2 W, Z        | the last layer                                                |

    The condition's extra input is 1 where it is known and 0, like all others, where it was dropped.
    """
    frames, latent, condition, width = *size, config.width
    weights: Weights = {}

    def dense(name: str, inputs: int, outputs: int, gain: float = 1.0) -> None:
        weights[f"{name}/kernel"] = gain / math.sqrt(inputs) * rng.standard_normal((inputs, outputs))
        weights[f"{name}/bias"] = np.zeros(outputs)

    dense("latent", latent, width)
    dense("told", condition + 1, 4 * width, 2.0)
    dense("meant", 4 * width, 4 * width, 2.0)
    dense("frame", 4 * width, frames * width)
    weights["frame/bias"] = 0.5 * rng.standard_normal(frames * width)
    dense("mixed", 4 * width, width)
    dense("time", 2 * len(FREQUENCIES), width)
    for block in range(config.layers):
        dense(f"block/{block}/modulation", width, 6 * width, 0.0)
        dense(f"block/{block}/queries", width, 3 * width)
        dense(f"block/{block}/output", width, width)
        dense(f"block/{block}/dense", width, 4 * width)
        dense(f"block/{block}/back", 2 * width, width)
    dense("modulation", width, 2 * width, 0.0)
    dense("velocity", width, latent, 0.0)
    return {name: array.astype(np.float32) for name, array in weights.items()}


def annealed(learning_rate: float, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, in cycles of so many: up along a line in the first twentieth, then
    down to 0 as half a cosine; cycles of 0: as it is.

    >>> [round(annealed(1.0, step, 200), 4) for step in (0, 9, 105, 199, 200)], annealed(1.0, 7, 0)
    ([0.1, 1.0, 0.5, 0.0001, 0.1], 1.0)
    """
    if steps == 0:
        return learning_rate
    step, rise = step % steps, steps / 20
    if step < rise:
        return learning_rate * min((step + 1) / rise, 1.0)
    return learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


class Points(NamedTuple):
    """Points on the lines from noise to clips, and what a network shall say there.

    x: (B, T, Z); times: (B,); known: (B,), 1, or 0 where the condition is dropped; velocity: (B, T, Z), x₁ - ε.
    """

    x: NDArray
    times: NDArray
    known: NDArray
    velocity: NDArray


def points(latents: NDArray, rng: np.random.Generator, condition_dropout: float) -> Points:
    """A point for each clip, latents (B, T, Z): one time in each B-th of [0, 1], which varies less than B free ones.

    >>> drawn = points(np.ones((4, 1, 2)), np.random.default_rng(0), 0.0)
    >>> (drawn.times * 4).astype(int).tolist()
    [0, 1, 2, 3]
    >>> bool(np.allclose(drawn.x + (1 - drawn.times[:, None, None]) * drawn.velocity, 1))  # straight to the clip
    True
    """
    count = len(latents)
    noise = rng.standard_normal(latents.shape)
    times = (np.arange(count) + rng.random(count)) / count
    known = (rng.random(count) >= condition_dropout).astype(float)
    t = times[:, None, None]
    return Points((1 - t) * noise + t * latents, times, known, latents - noise)


def integrate(velocity: Velocity, noise: NDArray, steps: int) -> NDArray:
    """Follow dx = v dt from noise (N, T, Z) at t = 0 to t = 1, in Euler's steps of equal length. Returns (N, T, Z).

    >>> to_the_point_3 = lambda x, t: (3 - x) / (1 - t)[:, None, None]  # the velocity where all data is one point
    >>> integrate(to_the_point_3, np.array([[[-1.0]], [[2.0]]]), steps=5).ravel().tolist()
    [3.0, 3.0]
    """
    x = noise
    for step in range(steps):
        x = x + velocity(x, np.full(len(x), step / steps, x.dtype)) / steps
    return x


def sde_mean(x: Any, velocity: Any, t: Any, step: float, noise_level: float) -> Any:
    """Mean of the next x after a step of length h from time t, for σ_t = a √(2 (1 - t)): x + h (v + a² (t v - x)).

    x, velocity: (N, T, Z), t: (N, 1, 1), arrays or tensors; step: h; noise_level: a. Returns (N, T, Z).

    >>> sde_mean(np.array([2.0]), np.array([1.0]), 0.5, step=0.1, noise_level=1.0).round(4).tolist()
    [1.95]
    """
    return x + step * (velocity + noise_level**2 * (t * velocity - x))


def sde_std(t: NDArray, step: float, noise_level: float) -> NDArray:
    """Standard deviation of that step, σ_t √h = a √(2 h (1 - t)): t (N,), t + h ≤ 1 → (N,).

    >>> sde_std(np.array([0.0, 0.5]), step=0.5, noise_level=1.0).round(4).tolist()
    [1.0, 0.7071]
    """
    return noise_level * np.sqrt(2 * step * (1 - t))


def log_prob(x: NDArray, mean: NDArray, std: NDArray) -> NDArray:
    """Log-density of x (N, T, Z) under independent Gaussians: mean (N, T, Z), std (N,) → (N,).

    >>> log_prob(np.zeros((1, 1, 2)), np.ones((1, 1, 2)), np.ones(1)).round(4).tolist()
    [-2.8379]
    """
    z = (x - mean) / std[:, None, None]
    dimensions = x.shape[1] * x.shape[2]
    return -0.5 * (z * z).sum(axis=(1, 2)) - dimensions * (np.log(std) + HALF_LOG_2PI)


def kl(mean: NDArray, other: NDArray, std: NDArray) -> NDArray:
    """KL between Gaussians of one standard deviation, ‖μ - μ'‖² / 2 std²: means (N, T, Z), std (N,) → (N,).

    >>> kl(np.zeros((1, 1, 2)), np.ones((1, 1, 2)), np.array([2.0])).tolist()
    [0.25]
    """
    return ((mean - other) ** 2).sum(axis=(1, 2)) / (2 * std**2)


class Path(NamedTuple):
    """Ways from noise to clips in S steps with noise.

    | field       | shape           | meaning                                     |
    |-------------|-----------------|---------------------------------------------|
    | `x`         | (S + 1, N, T, Z) | where each was; the last are the clips     |
    | `times`     | (S, N)          | at which each step was begun                |
    | `means`     | (S, N, T, Z)    | of the Gaussian that the step drew from     |
    | `stds`      | (S, N)          | its standard deviation                      |
    | `log_probs` | (S, N)          | of the step                                 |
    """

    x: NDArray
    times: NDArray
    means: NDArray
    stds: NDArray
    log_probs: NDArray


def wander(velocity: Velocity, noise: NDArray, steps: int, noise_level: float, rng: np.random.Generator) -> Path:
    """Follow dx = (v + a² (t v - x)) dt + a √(2 (1 - t)) dw from noise (N, T, Z), in Euler's steps of equal length."""
    x, step = noise, 1 / steps
    path: list[tuple[NDArray, ...]] = []
    for number in range(steps):
        t = np.full(len(x), number / steps, x.dtype)
        mean = sde_mean(x, velocity(x, t), t[:, None, None], step, noise_level)
        std = sde_std(t, step, noise_level)
        x = mean + std[:, None, None] * rng.standard_normal(x.shape).astype(x.dtype)
        path.append((x, t, mean, std, log_prob(x, mean, std)))
    xs, *others = (np.stack(column) for column in zip(*path, strict=True))
    return Path(np.concatenate([noise[None], xs]), *others)


class Flow(Generator):
    """Generates by following the velocity that its network has learned.

    `pytorch/flow.py` and `tf/flow.py` add the network, and the steps of its weights.
    """

    model = "flow"
    config_class = FlowConfig
    config: FlowConfig

    def initialize(self, rng: np.random.Generator) -> dict[str, Weights]:
        return {"flow": initialize(self.config, self.size, rng)}

    @abc.abstractmethod
    def descend(self, *tensors: Any) -> tuple[Any, Any]:
        """One step on a minibatch of `Points`, their conditions (B, C), at a learning rate (). Returns the loss and the
        gradient's norm."""

    @abc.abstractmethod
    def evaluate(self, x: Any, times: Any, conditions: Any, guidance: float, averaged: bool) -> Any:
        """The velocity between tensors, by the averaged weights or the latest."""

    @abc.abstractmethod
    def ascend(self, *tensors_and_config: Any) -> dict[str, Any]:
        """One step of a fine-tuning on a minibatch of `rlfilm_lib.video.fine_tune.Transitions`."""

    def learn(self, latents: NDArray, conditions: NDArray, rng: np.random.Generator) -> Metrics:
        drawn = points(latents, rng, self.config.condition_dropout)
        learning_rate = annealed(self.config.learning_rate, self.steps, self.config.anneal_steps)
        loss, norm = self.descend(*map(self.tensor, (*drawn, conditions, np.asarray(learning_rate))))
        return {"loss": float(loss), "gradient_norm": float(norm)}

    def velocity(self, conditions: NDArray, guidance: float, averaged: bool = True) -> Velocity:
        """The velocity for conditions (N, C), as a function of x (N, T, Z) and times (N,), by its averaged weights or
        the latest."""
        told = self.tensor(conditions)
        return lambda x, t: self.array(self.evaluate(self.tensor(x), self.tensor(t), told, guidance, averaged))

    def noise(self, count: int, rng: np.random.Generator) -> NDArray:
        """Where clips begin: (N, T, Z) from a standard normal distribution."""
        return rng.standard_normal((count, self.size.frames, self.size.latent)).astype(self.config.precision)

    def sample(
        self, conditions: NDArray, rng: np.random.Generator, steps: int | None = None, guidance: float | None = None
    ) -> NDArray:
        """Generated latents (N, T, Z) for conditions (N, C); the same for the same `rng`.

        steps, guidance: other than configured. UserError where the conditions are of another size.
        """
        self.require_fit(conditions)
        guidance = self.config.guidance if guidance is None else guidance
        with memory("clips at a time", len(conditions)):
            velocity = self.velocity(conditions, guidance)
            x = integrate(velocity, self.noise(len(conditions), rng), steps or self.config.sampling_steps)
        return x.astype(np.float32)
