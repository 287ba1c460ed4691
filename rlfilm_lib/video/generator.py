"""What every generator of clips shares, whatever its model and framework: settings, files, the training loop.

A generator learns from latents (N, T, Z), clips of T frames of Z numbers of about unit variance each, and from
conditions (N, C), what each clip shall show. `video/gan.py` and `video/flow.py` hold the framework-free half of a
model, `pytorch/` and `tf/` its networks and its step.
"""

import abc
import contextlib
import csv
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.checkpoint import make_folder, read_tensors, write_csv, write_tensors
from rlfilm_lib.rl.learner import ADAM_BETAS, VECTORS, Metrics
from rlfilm_lib.rl.policy import Shapes, Weights, flatten, unflatten
from rlfilm_lib.rl.streams import Purpose, stream
from rlfilm_lib.rl.train import CHECKPOINT_EVERY_S, History, interruptible

Draw = Callable[[np.random.Generator, int], tuple[NDArray, NDArray]]
"""Where a training takes its minibatches from: a random stream and B → latents (B, T, Z), conditions (B, C)."""
GENERATING, TRAINING = "generator.safetensors", "training.safetensors"
"""The files of a folder: what generates, and what continues."""


class Size(NamedTuple):
    """Of what a generator makes and is told."""

    frames: int
    """T, of a clip."""
    latent: int
    """Z, numbers that describe a frame."""
    condition: int
    """C, numbers that say what a clip shall show; 0 where there is nothing to say."""


@dataclass(frozen=True)
class GeneratorConfig:
    """What every generator has."""

    learning_rate: float = 1e-3
    """Adam's step size. Higher learns faster until the loss jumps or stops to be finite."""
    minibatch_size: int = 64
    """Clips per step. More: calmer steps, and more memory and time for each."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are scaled down to it. Lower is safer and slower; inf switches it off."""
    ema_decay: float = 0.999
    """Of the average of the weights over the steps, which is what generates. Nearer 1: smoother, and later."""
    precision: str = "float32"
    """Type of the weights: float32, or float64 for comparing the frameworks beyond rounding."""
    mixed_precision: bool = False
    """Multiply matrices in bfloat16. On a GPU faster and in less memory; on a CPU slower."""

    def __post_init__(self) -> None:
        require(self, "learning_rate", 0 < self.learning_rate < math.inf, "a finite number above 0")
        require(self, "minibatch_size", self.minibatch_size >= 1, "1 or more")
        require(self, "max_grad_norm", self.max_grad_norm > 0, "a number above 0, or inf")
        require(self, "ema_decay", 0 <= self.ema_decay < 1, "a number from 0, below 1")
        if self.precision not in ("float32", "float64"):
            raise unknown("precision", self.precision, ["float32", "float64"])


def require(config: object, name: str, holds: bool, words: str) -> None:
    """UserError unless the setting's value is one of those that the words describe."""
    if not holds:
        raise UserError(f"{name}={getattr(config, name)} is out of range: give {words}")


class Generator(abc.ABC):
    """Networks that learn to generate clips: each a vector of weights θ with an Adam of its own.

    The first of them generates, with the average of its weights (Polyak & Juditsky 1992; Karras et al. 2018). A model
    adds its networks' first weights, its step and its sampling; `pytorch/generator.py` and `tf/generator.py` add
    what holds the weights.
    """

    model: ClassVar[str]
    backend: ClassVar[str]
    config_class: ClassVar[type[GeneratorConfig]]
    betas: ClassVar[tuple[float, float]] = ADAM_BETAS
    networks: dict[str, Any]
    """`Parameters` of the framework, by the networks' names."""

    def __init__(self, config: GeneratorConfig, size: Size, seed: int = 0, device: str = "auto") -> None:
        self.config, self.size, self.seed = config, size, seed
        self.steps = 0
        """Minibatches learned from."""
        first_weights = self.initialize(stream(seed, 0, Purpose.WEIGHTS))
        self.shapes: dict[str, Shapes] = {
            network: {name: array.shape for name, array in weights.items()}
            for network, weights in first_weights.items()
        }
        thetas = {name: flatten(weights).astype(config.precision) for name, weights in first_weights.items()}
        self.create(thetas, device)

    @abc.abstractmethod
    def initialize(self, rng: np.random.Generator) -> dict[str, Weights]:
        """The first weights of each network; the first network generates."""

    @abc.abstractmethod
    def create(self, thetas: dict[str, NDArray], device: str) -> None:
        """Make the framework's parameters from the networks' weights θ (P,)."""

    @abc.abstractmethod
    def tensor(self, array: NDArray) -> Any:
        """A NumPy array on the generator's device, in the type of its weights."""

    @abc.abstractmethod
    def array(self, tensor: Any) -> NDArray:
        """A tensor as a NumPy array."""

    @abc.abstractmethod
    def learn(self, latents: NDArray, conditions: NDArray, rng: np.random.Generator) -> Metrics:
        """One step on a minibatch, latents (B, T, Z) and conditions (B, C), in the type of the weights.

        All its random numbers come from `rng`. A metric that is not finite ends the training.
        """

    @abc.abstractmethod
    def sample(self, conditions: NDArray, rng: np.random.Generator) -> NDArray:
        """Generated latents (N, T, Z) float32 for conditions (N, C), the same for the same `rng`."""

    def require_fit(self, conditions: NDArray) -> None:
        """UserError unless the conditions are (N, C) of this generator's C."""
        if conditions.ndim != 2 or conditions.shape[1] != self.size.condition:
            raise UserError(
                f"conditions {conditions.shape} are not what this {self.model} was made for: "
                f"give (N, {self.size.condition})"
            )

    def update(self, draw: Draw) -> Metrics:
        """One step on a minibatch drawn from the run's own random stream, and count it."""
        config, size = self.config, self.size
        latents, conditions = draw(stream(self.seed, self.steps, Purpose.MINIBATCHES), config.minibatch_size)
        expected = (config.minibatch_size, size.frames, size.latent), (config.minibatch_size, size.condition)
        if (latents.shape, conditions.shape) != expected:
            raise UserError(
                f"latents {latents.shape} and conditions {conditions.shape} are not what this {self.model} was made "
                f"for: give {expected[0]} and {expected[1]}"
            )
        with memory("minibatch_size", config.minibatch_size):
            metrics = self.learn(
                latents.astype(config.precision, copy=False),
                conditions.astype(config.precision, copy=False),
                stream(self.seed, self.steps, Purpose.NOISE),
            )
        self.steps += 1
        return metrics

    def tensors(self) -> Weights:
        """Copies of weights, averages and Adam's moments, unrounded: `<network>/…`, `ema/<network>/…`, `adam/m/…`."""
        arrays: Weights = {}
        for network, parameters in self.networks.items():
            for vector, prefix in self._vectors(network).items():
                parts = unflatten(parameters.read(vector), self.shapes[network])
                arrays |= {f"{prefix}{network}/{name}": part for name, part in parts.items()}
            arrays[f"adam/t/{network}"] = parameters.read("t")
        return arrays

    def set_tensors(self, tensors: Weights) -> None:
        """Take on what `tensors` returned, from either framework."""
        for network, parameters in self.networks.items():
            for vector, prefix in self._vectors(network).items():
                names = [f"{prefix}{network}/{name}" for name in self.shapes[network]]
                parameters.write(vector, flatten({name: tensors[name] for name in names}))
            parameters.write("t", tensors[f"adam/t/{network}"])

    def weights(self) -> Weights:
        """float32 copies of what generates: the averaged weights of the first network."""
        network, parameters = next(iter(self.networks.items()))
        parts = unflatten(parameters.read("ema").astype(np.float32), self.shapes[network])
        return {f"{network}/{name}": part for name, part in parts.items()}

    def set_weights(self, weights: Weights) -> None:
        """Generate, and go on learning, from what `weights` returned, from either framework."""
        network, parameters = next(iter(self.networks.items()))
        theta = flatten({name: weights[f"{network}/{name}"] for name in self.shapes[network]})
        for vector in ("theta", "ema"):
            parameters.write(vector, theta.astype(self.config.precision))

    def save(self, folder: str | Path) -> None:
        """Write `generator.safetensors` (what generates) and `training.safetensors` (what continues)."""
        folder = Path(folder)
        make_folder(folder)
        described = {
            "model": self.model,
            "config": dataclasses.asdict(self.config),
            "size": self.size._asdict(),
            "seed": self.seed,
            "steps": self.steps,
        }
        write_tensors(folder / TRAINING, self.tensors(), described)
        write_tensors(folder / GENERATING, self.weights(), described)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """The generator that `save` wrote to a folder, in this framework, with the weights that generate.

        UserError where the file is missing or damaged, or comes from another model.
        """
        path, (tensors, described) = _read(folder, GENERATING, cls.model)
        config: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in described["config"].items()
        }
        try:
            generator = cls(cls.config_class(**config), Size(**described["size"]), described["seed"], device)
        except TypeError as error:
            raise UserError(f"{path} has settings that this {cls.model} does not know ({error}): train again") from None
        _require_same_shapes(path, tensors, generator.weights())
        generator.set_weights(tensors)
        generator.steps = described["steps"]
        return generator

    def restore(self, folder: str | Path) -> None:
        """Go on from what `save` wrote, in this framework or the other.

        UserError where the file is missing or damaged, or comes from another model or size.
        """
        path, (tensors, described) = _read(folder, TRAINING, self.model)
        if described["size"] != self.size._asdict():
            raise UserError(f"{path} is for {Size(**described['size'])}, not {self.size}: give clips of its size")
        _require_same_shapes(path, tensors, self.tensors())
        self.set_tensors(tensors)
        self.seed, self.steps = described["seed"], described["steps"]

    def _vectors(self, network: str) -> dict[str, str]:
        return VECTORS | ({"ema": "ema/"} if network == next(iter(self.networks)) else {})


def _read(folder: str | Path, name: str, model: str) -> tuple[Path, tuple[Weights, dict]]:
    path = Path(folder) / name
    tensors, described = read_tensors(path, "generator", "give the folder that a generator was saved to")
    if described.get("model") != model:
        raise UserError(f"{path} is of a model '{described.get('model')}', not '{model}': give the folder of a {model}")
    if missing := {"config", "size", "seed", "steps"} - described.keys():
        raise UserError(f"{path} does not say its {', '.join(sorted(missing))}: the file is damaged, restore a copy")
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise UserError(f"the weights in {path} are not finite: train again with a lower learning_rate")
    return path, (tensors, described)


def _require_same_shapes(path: Path, found: Weights, expected: Weights) -> None:
    ours, theirs = ({name: array.shape for name, array in weights.items()} for weights in (found, expected))
    if ours != theirs:
        raise UserError(f"{path} holds other networks than the settings ask for: use those that it was made with")


@contextlib.contextmanager
def memory(setting: str, value: int) -> Iterator[None]:
    """Turns an out-of-memory error of NumPy or of either framework into a UserError that names a smaller setting."""
    try:
        yield
    except Exception as error:  # each framework has a class of its own for it
        words = str(error).lower()
        signs = ("out of memory", "not enough memory", "can't allocate memory", "oom when", "resource_exhausted")
        if not (isinstance(error, MemoryError) or any(sign in words for sign in signs)):
            raise
        smaller = f"try {setting}={value // 2}" if value > 1 else "take shorter clips or a smaller network"
        raise UserError(f"out of memory at {setting}={value}: {smaller}") from None


def minibatches(latents: NDArray, conditions: NDArray) -> Draw:
    """Minibatches of a set of clips, latents (N, T, Z) and conditions (N, C), drawn with replacement.

    >>> draw = minibatches(np.zeros((10, 4, 2)), np.zeros((10, 3)))
    >>> [array.shape for array in draw(np.random.default_rng(0), 5)]
    [(5, 4, 2), (5, 3)]
    """
    if len(latents) != len(conditions):
        raise UserError(f"{len(latents)} clips and {len(conditions)} conditions: give a condition for each clip")

    def draw(rng: np.random.Generator, size: int) -> tuple[NDArray, NDArray]:
        chosen = rng.integers(len(latents), size=size)
        return latents[chosen], conditions[chosen]

    return draw


def train(
    generator: Generator,
    draw: Draw,
    steps: int,
    out: str | Path | None = None,
    progress: bool = True,
    history: History | None = None,
    on_step: Callable[[dict[str, float]], object] | None = None,
) -> History:
    """Learn from minibatches until `generator.steps >= steps`, as `repeat` does it."""
    return repeat(generator, lambda: generator.update(draw), steps, out, progress, history, on_step)


def repeat(
    generator: Generator,
    update: Callable[[], Metrics],
    steps: int,
    out: str | Path | None = None,
    progress: bool = True,
    history: History | None = None,
    on_step: Callable[[dict[str, float]], object] | None = None,
) -> History:
    """Call `update`, which counts in `generator.steps`, until `steps`. Returns a row per step: steps, wall_s, metrics.

    out: a folder for checkpoints and progress.csv, written at the start, at least every 30 s, and at the end; `history`
    then holds the rows of an earlier part of the run (see `read_history`). on_step sees each row and may add to it.
    On Ctrl-C the step is finished and saved, then KeyboardInterrupt is raised. When a metric is not finite, the
    generator goes back to its last good state, which is saved, then UserError is raised.
    """
    history = History() if history is None else history
    before_s = history[-1]["wall_s"] if history else 0.0
    start, saved_at = time.perf_counter(), -np.inf
    good, good_steps = generator.tensors(), generator.steps
    if out is not None:
        make_folder(Path(out))

    def save() -> None:
        if out is not None:
            columns = dict.fromkeys(name for row in history for name in row)
            write_csv(Path(out) / "progress.csv", columns or ("steps", "wall_s"), history)
            generator.save(out)

    bar = tqdm(total=steps, initial=generator.steps, unit=" steps", disable=not progress, dynamic_ncols=True)
    with bar, interruptible() as interrupted:
        while generator.steps < steps and not interrupted():
            if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
                save()
                good, good_steps, saved_at = generator.tensors(), generator.steps, time.perf_counter()
            metrics = update()
            for name, value in metrics.items():
                if not math.isfinite(value):
                    failed, generator.steps = generator.steps, good_steps
                    generator.set_tensors(good)
                    del history[len(history) - (failed - 1 - good_steps) :]
                    save()
                    kept = f"the state of step {good_steps} is kept"
                    raise UserError(f"{name} became {value} at step {failed}: lower learning_rate; {kept}")
            wall_s = round(before_s + time.perf_counter() - start, 4)
            row = {"steps": generator.steps, "wall_s": wall_s, **metrics}
            if on_step:
                on_step(row)
            history.append(row)
            bar.update()
            bar.set_postfix_str(" ".join(f"{name} {value:.3g}" for name, value in metrics.items()), refresh=False)
        save()
        if interrupted() and generator.steps < steps:
            raise KeyboardInterrupt
    return history


def read_history(folder: str | Path, steps: int) -> History:
    """The rows of progress.csv up to a checkpoint's `steps`. UserError where they are missing or damaged."""
    path = Path(folder) / "progress.csv"
    try:
        with open(path, newline="") as file:
            rows = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)][:steps]
        if [row.get("steps") for row in rows] != list(range(1, steps + 1)):
            raise ValueError("it does not hold every step of the checkpoint")
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again") from None
    return History(rows)
