"""A conditional GAN over clips, the framework-free half: settings, first weights, losses, and what a step draws.

A generator G makes a clip from noise z and a condition c. A discriminator D scores how real a clip is and how well it
shows its condition, as a clip's features times those of the condition (Miyato & Koyama 2018). It has two parts, whose
scores are learned apart: a spatial one sees single frames, a temporal one all frames and their differences, in order.
Each minimises the hinge loss (Lim & Ye 2017) with a penalty on its slope at real clips (Mescheder et al. 2018),

    L(D) = E max(0, 1 - D(x, c)) + ½ E max(0, 1 + D(G(z, c), c)) + ½ E max(0, 1 + D(x, c')) + γ/2 E ‖∇ₓ D(x, c)‖²,

where x with the condition c' of another clip is a fake too (Reed et al. 2016): all pairs of a minibatch are, as the
scores of all pairs are one product of matrices. The generator climbs

    J(G) = E D(G(z, c) + σ ε, c),    ε ~ N(0, I),

where σ = 0 in a plain GAN. With σ > 0 the generator is a policy, a Gaussian of fixed deviation around G(z, c) whose
action is the whole clip and whose reward is D; real clips are then blurred by the same noise, so that D compares like
with like (Sønderby et al. 2017). Of the one slope ∇J there are two estimates without bias, `gradient`:

    pathwise          E ∇ D(G(z, c) + σ ε, c)                          through D: the GAN
    score-function    E (D(x, c) - b) ∇ log N(x; G(z, c), σ²)          D is only asked for scores: REINFORCE

In the second, K clips are drawn around each G(z, c), and a clip's baseline b is the mean score of the others (Kool et
al. 2019). All else is the same. Either may begin with a supervised start, least squares towards the real clips, and may
be held near them afterwards (Isola et al. 2017) by λ times the same error. It is that of the best of M `candidates`,

    E min_m ‖G(z_m, c) - x‖² / TZ.

With M = 1 it is least for the mean of all clips of a condition, whatever the noise: the generator learns to ignore it.
With more, each clip pulls the noise that comes nearest already, and others are left to other clips (Li & Malik 2018).
"""

import abc
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import unknown
from rlfilm_lib.rl.learner import Metrics
from rlfilm_lib.rl.policy import Weights
from rlfilm_lib.video.generator import Generator, GeneratorConfig, Size, memory, require

GRADIENTS = ("pathwise", "score-function")
PARTS = ("spatial", "temporal")
LAYERS = 2
"""Pairs of dense layers on a whole clip in the generator."""
STILL = 0.1
"""A frame that differs from the one before by less than this share of the usual step in real clips is frozen."""


@dataclass(frozen=True)
class GANConfig(GeneratorConfig):
    """Two networks of dense layers."""

    learning_rate: float = 3e-4
    """Adam's step size, of the generator. Lower it where the scores swing or the spread goes to zero."""
    discriminator_learning_rate: float = 1e-3
    """The discriminator's. Higher follows the generator more closely; too high leaves it nothing to climb."""
    max_grad_norm: float = math.inf
    """Gradients longer than this are scaled down to it. Lower is safer and slower; inf switches it off."""
    ema_decay: float = 0.998
    """Of the average of the weights over the steps, which is what generates. Nearer 1: smoother, and later."""
    noise: int = 16
    """Numbers of z. Fewer than what varies in clips of one condition cannot cover them."""
    width: int = 256
    """Numbers that stand for a whole clip in the generator. Wider fits more; the cost grows with its square."""
    frame_width: int = 64
    """Numbers per frame in the generator."""
    discriminator_width: int = 128
    """Numbers in the layers of the discriminator."""
    r1: float = 10.0
    """γ, the penalty on the discriminator's slope. Higher: smoother scores, and a generator slower to become sharp."""
    supervised_steps: int = 0
    """First steps, of the generator alone, by least squares. More: sooner what was asked for, and less varied."""
    supervised_learning_rate: float = 2e-3
    """The generator's in these steps. Higher learns faster until the error jumps."""
    pull: float = 0.0
    """λ, how strongly it is held near real clips afterwards. Higher: nearer to what was asked for, and blurred."""
    candidates: int = 1
    """M, noises tried for each clip in both; the nearest learns. More: more varied, and more time; 1: the mean."""
    gradient: str = "pathwise"
    """How the generator learns from the scores: pathwise or score-function."""
    policy_std: float = 0.0
    """σ, the deviation of the policy around the generator, and the blur of real clips; latents have deviation 1."""
    group_size: int = 1
    """K, clips drawn around each output of the generator. More: a calmer gradient, and more time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("noise", "width", "frame_width", "discriminator_width", "candidates", "group_size"):
            require(self, name, getattr(self, name) >= 1, "1 or more")
        require(self, "supervised_steps", self.supervised_steps >= 0, "0 or more")
        require(self, "minibatch_size", self.minibatch_size >= 2, "2 or more, as a clip is compared with others")
        for name in ("discriminator_learning_rate", "supervised_learning_rate", "r1", "pull", "policy_std"):
            require(self, name, 0 <= getattr(self, name) < math.inf, "a finite number, 0 or above")
        if self.gradient not in GRADIENTS:
            raise unknown("gradient", self.gradient, GRADIENTS)
        if self.gradient == "score-function":
            require(self, "policy_std", self.policy_std > 0, "a number above 0: a policy has to try something")
            require(self, "group_size", self.group_size >= 2, "2 or more, to compare")


def initialize(config: GANConfig, size: Size, rng: np.random.Generator) -> dict[str, Weights]:
    """First weights of both networks, float32. N is the length of z, W of a clip, V of a frame, D the discriminator's.

    | generator             | shape         | what it makes                                                   |
    |-----------------------|---------------|-----------------------------------------------------------------|
    | `told`                | N + C → W     | what shall be shown                                             |
    | `clip/i/dense`, `back`| W → W → W     | two layers beside it, added to it                               |
    | `frames`              | W → T · V     | each frame                                                      |
    | `frame/dense`, `back` | V → 2 V → V   | two layers on each frame, added to it                           |
    | `latent`              | V → Z         | its latent                                                      |

    | discriminator         | shape         | what it makes                                                   |
    |-----------------------|---------------|-----------------------------------------------------------------|
    | `told/0`, `told/1`    | C → D → D     | e, of the condition                                             |
    | `spatial/0`, `1`      | Z → D → D     | of each frame; their mean is the spatial part's feature φ       |
    | `temporal/0`          | 2 Z → D/2     | of each frame and its difference to the one before              |
    | `temporal/1`, `2`     | T · D/2 → 2 D → D | of them all, in order: the temporal part's feature φ        |
    | `…/score`, `…/told`   | D → 1, D      | of each part: D(x, c) = score(φ) + φ · told(e) / √D             |
    """
    frames, latent, condition = size
    networks: dict[str, Weights] = {"generator": {}, "discriminator": {}}

    def dense(name: str, inputs: int, outputs: int, gain: float = 1.0) -> None:
        weights = networks[network]
        kernel = gain / math.sqrt(max(inputs, 1)) * rng.standard_normal((inputs, outputs))
        weights[f"{name}/kernel"], weights[f"{name}/bias"] = kernel.astype(np.float32), np.zeros(outputs, np.float32)

    network, width, inner = "generator", config.width, config.frame_width
    dense("told", config.noise + condition, width)
    for layer in range(LAYERS):
        dense(f"clip/{layer}/dense", width, width)
        dense(f"clip/{layer}/back", width, width, 0.5)
    dense("frames", width, frames * inner)
    dense("frame/dense", inner, 2 * inner)
    dense("frame/back", 2 * inner, inner, 0.5)
    dense("latent", inner, latent)

    network, width = "discriminator", config.discriminator_width
    dense("told/0", condition, width)
    dense("told/1", width, width)
    dense("spatial/0", latent, width)
    dense("spatial/1", width, width)
    dense("temporal/0", 2 * latent, width // 2)
    dense("temporal/1", frames * (width // 2), 2 * width)
    dense("temporal/2", 2 * width, width)
    for part in PARTS:
        dense(f"{part}/score", width, 1)
        dense(f"{part}/told", width, width)
    return networks


# The losses, in NumPy and float64: what both frameworks are tested against


def hinge(real: NDArray, fake: NDArray, mismatched: NDArray | None = None) -> float:
    """The discriminator's loss without its penalty, from scores of real clips (2, B), of fake ones (2, B), and of real
    clips (2, B, B) with the conditions of all, [part, clip, condition], of which the diagonal is left out.

    >>> hinge(np.array([[2.0, 0.5]]), np.array([[-3.0, 0.0]])), hinge(*np.zeros((2, 2, 2)), np.ones((2, 2, 2)))
    (0.75, 2.5)
    """
    real, fake = np.asarray(real, float), np.asarray(fake, float)
    made = np.maximum(0, 1 + fake).mean()
    if mismatched is not None:
        others = ~np.eye(mismatched.shape[-1], dtype=bool)
        made = 0.5 * made + 0.5 * np.maximum(0, 1 + mismatched[:, others]).mean()
    return float(np.maximum(0, 1 - real).mean() + made)


def slope_penalty(slopes: NDArray, r1: float) -> float:
    """γ/2 E ‖∇ₓ D‖² (Mescheder et al. 2018, eq. 9): slopes (B, T, Z) of the mean of the parts' scores.

    >>> slope_penalty(np.ones((5, 2, 3)), r1=0.5)
    1.5
    """
    return float(r1 / 2 * (slopes.astype(float) ** 2).sum(axis=(1, 2)).mean())


def best_of(made: NDArray, real: NDArray) -> float:
    """The mean squared error of real clips (B, T, Z) against the nearest of made ones (M, B, T, Z), each its own.

    >>> made = np.array([[[[0.0]], [[0.0]]], [[[2.0]], [[1.0]]]])
    >>> best_of(made, np.ones((2, 1, 1))), best_of(made[:1], np.ones((2, 1, 1)))
    (0.5, 1.0)
    """
    return float(((made - real).astype(float) ** 2).mean(axis=(2, 3)).min(axis=0).mean())


def leave_one_out(rewards: NDArray) -> NDArray:
    """Advantages (K, B): how much better each reward (K, B) is than the mean of the K - 1 others of its column.

    >>> leave_one_out(np.array([[1.0], [2.0], [6.0]])).ravel().tolist()
    [-3.0, -1.5, 4.5]
    """
    count = len(rewards)
    return (rewards - rewards.mean(axis=0)) * (count / (count - 1))


def policy_gradient(rewards: NDArray, noise: NDArray, policy_std: float) -> NDArray:
    """The score-function estimate of ∂J/∂G(z, c), (B, T, Z): rewards (K, B) of G(z, c) + σ ε, noise ε (K, B, T, Z).

    With a = `leave_one_out(rewards)` and ∇ log N(x; μ, σ²) = ε / σ it is the mean of a ε / σ over the K, over B.

    >>> policy_gradient(np.array([[1.0], [3.0]]), np.array([[[[0.5]]], [[[-1.0]]]]), policy_std=0.5).ravel().tolist()
    [-3.0]
    """
    weighted = leave_one_out(rewards)[..., None, None] * noise / policy_std
    return weighted.mean(axis=0) / rewards.shape[1]


# What is watched in a training


def spread(made: NDArray, again: NDArray) -> float:
    """Share of the variance of made clips (N, T, Z) that their noise makes: `again` has the same conditions.

    0: a condition gives always the same clip, the noise is ignored (mode collapse); 1: the conditions are.

    >>> clips = np.array([[[0.0]], [[4.0]]])
    >>> spread(clips, clips), spread(clips, clips + 2)
    (0.0, 0.4)
    """
    within = ((made - again) ** 2).mean() / 2
    total = np.concatenate([made, again]).var(axis=0).mean()
    return float(within / max(total, 1e-12))


def frozen(made: NDArray, real: NDArray) -> float:
    """Share of frames of made clips (N, T, Z) that hardly differ from the one before: by less than a tenth of the mean
    step in real clips.

    >>> real = np.arange(4.0).reshape(1, 4, 1)
    >>> frozen(np.array([0, 0, 0.05, 2]).reshape(1, 4, 1), real), frozen(real, real)
    (0.6666666666666666, 0.0)
    """
    if real.shape[1] < 2:
        return 0.0
    made, real = (np.sqrt((np.diff(clips, axis=1) ** 2).sum(axis=-1)) for clips in (made, real))
    return float((made < STILL * real.mean()).mean())


class GAN(Generator):
    """Generates by a network that learned to please a discriminator.

    `pytorch/gan.py` and `tf/gan.py` add the networks, and the steps of their weights.
    """

    model = "gan"
    config_class = GANConfig
    config: GANConfig
    betas = (0.5, 0.99)
    """Of Adam: less momentum than elsewhere, as what is climbed moves (Radford et al. 2016)."""

    def initialize(self, rng: np.random.Generator) -> dict[str, Weights]:
        return initialize(self.config, self.size, rng)

    @abc.abstractmethod
    def imitate(self, real: Any, conditions: Any, z: Any) -> tuple[dict[str, Any], Any]:
        """One step of the generator by least squares. Returns metrics and the nearest G(z, c)."""

    @abc.abstractmethod
    def discriminate(self, real: Any, conditions: Any, z: Any, noise: Any) -> tuple[dict[str, Any], Any]:
        """One step of the discriminator. Returns metrics and the clips that it called fake."""

    @abc.abstractmethod
    def generate(self, real: Any, conditions: Any, z: Any, noise: Any) -> tuple[dict[str, Any], Any]:
        """One step of the generator up J. Returns metrics and G(z, c)."""

    @abc.abstractmethod
    def slope(self, conditions: Any, z: Any, noise: Any, gradient: str) -> Any:
        """An estimate of ∇J (P,) by one of `GRADIENTS`, without a step."""

    @abc.abstractmethod
    def evaluate(self, conditions: Any, z: Any) -> Any:
        """G(z, c) by the averaged weights."""

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
        """Tensors of noise for so many conditions: z (M, B, N), and ε (K, B, T, Z) of the clips around a G(z, c)."""
        config, size = self.config, self.size
        z = rng.standard_normal((config.candidates, count, config.noise))
        return self.tensor(z), self.tensor(rng.standard_normal((config.group_size, count, size.frames, size.latent)))

    def learn(self, latents: NDArray, conditions: NDArray, rng: np.random.Generator) -> Metrics:
        real, told, (z, noise) = self.tensor(latents), self.tensor(conditions), self.draw(len(latents), rng)
        if self.steps < self.config.supervised_steps:
            moved, made = self.imitate(real, told, z)
            report = {name: float(value) for name, value in moved.items()}
            return report | {"frozen": frozen(self.array(made), latents)}
        blurred = self.tensor(latents + self.config.policy_std * rng.standard_normal(latents.shape))
        judged, first = self.discriminate(blurred, told, z[0], noise[0])
        moved, second = self.generate(real, told, *self.draw(len(latents), rng))
        made, again = self.array(first), self.array(second)
        report = {name: float(value) for name, value in (judged | moved).items()}
        return report | {"spread": spread(made, again), "frozen": frozen(made, latents)}

    def sample(self, conditions: NDArray, rng: np.random.Generator) -> NDArray:
        """Generated latents (N, T, Z) for conditions (N, C); the same for the same `rng`.

        UserError where the conditions are of another size.
        """
        self.require_fit(conditions)
        z = rng.standard_normal((len(conditions), self.config.noise))
        with memory("clips at a time", len(conditions)):
            return self.array(self.evaluate(self.tensor(conditions), self.tensor(z))).astype(np.float32)
