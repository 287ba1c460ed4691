"""A learner's framework-free half: its settings, counters, statistics, policy and files."""

import abc
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.checkpoint import make_folder, read_tensors, save_policy, write_tensors
from rlfilm_lib.rl.config import Config, to_json
from rlfilm_lib.rl.normalize import RunningMoments
from rlfilm_lib.rl.policy import Policy, Weights, flatten, initialize, observation_size, unflatten
from rlfilm_lib.rl.returns import running_return
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.rl.streams import Purpose, stream

Metrics = dict[str, float]
PARTS = ("mean", "var", "count")
"""What a file holds of running moments."""
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-5
"""Of every optimiser here, whatever the framework."""
FEW_WEIGHTS = 1_000_000
"""Below it a GPU is not expected to pay."""
VECTORS = {"theta": "", "m": "adam/m/", "v": "adam/v/"}
"""A learner's vectors, and the prefix of their parts' names in a file."""


def adam(weights: Weights, gradient: Callable[[], Weights], steps: int, learning_rate: float) -> None:
    """Adam in NumPy (Kingma & Ba 2015), for networks that are too small to need a framework. Changes the weights.

    gradient(): the loss's at the weights as they are, under their names; learning_rate: falls to 0 over the steps.

    >>> weights = {"x": np.array([3.0])}
    >>> adam(weights, lambda: {"x": 2 * (weights["x"] - 1)}, steps=200, learning_rate=0.2)
    >>> weights["x"].round(3).tolist()
    [1.0]
    """
    m = {name: np.zeros_like(array) for name, array in weights.items()}
    v = {name: np.zeros_like(array) for name, array in weights.items()}
    beta1, beta2 = ADAM_BETAS
    for step in range(1, steps + 1):
        rate = learning_rate * (1 - (step - 1) / steps)
        for name, slope in gradient().items():
            m[name] += (1 - beta1) * (slope - m[name])
            v[name] += (1 - beta2) * (slope * slope - v[name])
            scaled = np.sqrt(v[name] / (1 - beta2**step)) + ADAM_EPSILON
            weights[name] -= rate / (1 - beta1**step) * m[name] / scaled


class Learner(abc.ABC):
    """Turns rollouts into better weights.

    All weights of actor and critic are one vector θ (P,), as in the papers; Adam's moments m and v are two more.
    `pytorch/learner.py` and `tf/learner.py` add the arithmetic of one framework, their other files an algorithm each.
    """

    algorithm: ClassVar[str]
    backend: ClassVar[str]

    def __init__(
        self,
        observation_space: gym.Space,
        action_space: gym.Space,
        config: Config,
        seed: int = 0,
        device: str = "auto",
        env_id: str | None = None,
        env_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.config, self.seed = config, seed
        self.env_id, self.env_kwargs = env_id, env_kwargs or {}
        self.steps = 0
        """Environment steps learned from, over all environments."""
        self.iteration = 0
        """Updates made."""
        self.moments = RunningMoments(observation_size(observation_space))
        """Of the observations, as the policy normalises them."""
        self.return_moments = RunningMoments(1)
        """Of the discounted return, whose deviation scales the rewards where they are normalised."""
        self.past_return = np.zeros(1)
        """(N,) the discounted return of the episodes being played, where rewards are normalised."""
        self.collector_state: dict[str, np.ndarray] = {}
        """Where `train` stopped collecting, to go on from (see `rlfilm_lib.rl.rollout.Collector`)."""
        if config.squash and not (isinstance(action_space, gym.spaces.Box) and action_space.is_bounded()):
            raise UserError(f"squash=true needs a Box of actions with finite bounds, not {action_space}: leave it off")
        first_weights = initialize(
            stream(seed, 0, Purpose.WEIGHTS), observation_space, action_space, config.hidden_sizes, config.log_std_init
        )
        self.shapes = {name: array.shape for name, array in first_weights.items()}
        theta = flatten(first_weights).astype(config.precision)
        self.create(theta, device)
        if device == "cuda" and theta.size < FEW_WEIGHTS:
            warnings.warn(
                f"device 'cuda' for {theta.size:,} weights: starting its kernels usually takes longer than the CPU "
                f"takes for the whole; --device auto stays on the CPU",
                stacklevel=2,
            )

    @abc.abstractmethod
    def create(self, theta: np.ndarray, device: str) -> None:
        """Make the framework's parameters, from θ (P,), and its optimiser."""

    @abc.abstractmethod
    def read(self, name: str) -> np.ndarray:
        """A copy of `theta`, of Adam's `m` or `v` (P,), or of its number of steps `t`."""

    @abc.abstractmethod
    def write(self, name: str, array: np.ndarray) -> None:
        """Take on what `read` returned, from either framework."""

    @abc.abstractmethod
    def learn(self, rollout: Rollout, learning_rate: float) -> Metrics:
        """One update from one rollout."""

    def update(self, rollout: Rollout, remaining: float = 1.0) -> Metrics:
        """Learn from a rollout and count it. `remaining`: the share of the run still to come, for annealing."""
        learning_rate = self.config.learning_rate * (remaining if self.config.anneal else 1.0)
        scaled = rollout
        if self.config.normalize_rewards:
            deviation = np.sqrt(self.return_moments.var[0] + 1e-8)
            scaled = replace(rollout, rewards=(rollout.rewards / deviation).astype(rollout.rewards.dtype))
        before = {name: self.read(name) for name in (*VECTORS, "t")}
        metrics = self.learn(scaled, learning_rate)
        for name in ("policy_loss", "value_loss", "entropy", "gradient_norm"):
            if not math.isfinite(metrics[name]):
                for vector, array in before.items():
                    self.write(vector, array)
                raise UserError(
                    f"{name} became {metrics[name]} at step {self.steps}: lower learning_rate "
                    f"(now {self.config.learning_rate}) or check the rewards' scale"
                )
        if self.config.normalize_observations:
            self.moments.update(rollout.observations[rollout.valid])
        if self.config.normalize_rewards:
            past = np.where(rollout.elapsed > 0, self.past_return, 0)
            returns = running_return(rollout.rewards, rollout.ended, self.config.gamma, past)
            self.return_moments.update(returns[rollout.valid][:, None])
            self.past_return = np.where(rollout.ended[-1], 0, returns[-1])
        self.steps += rollout.steps
        self.iteration += 1
        return {**metrics, "learning_rate": learning_rate}

    def tensors(self) -> Weights:
        """Copies of the parameters and of Adam's moments (`adam/m/…`, `adam/v/…`, `adam/t`), unrounded, by name."""
        arrays: Weights = {}
        for vector, prefix in VECTORS.items():
            parts = unflatten(self.read(vector), self.shapes)
            arrays |= {prefix + name: part for name, part in parts.items()}
        return arrays | {"adam/t": self.read("t")}

    def set_tensors(self, tensors: Weights) -> None:
        """Take on what `tensors` returned, from either framework."""
        for vector, prefix in VECTORS.items():
            self.write(vector, flatten({name: tensors[prefix + name] for name in self.shapes}))
        self.write("t", tensors["adam/t"])

    def policy(self) -> Policy:
        """The policy as it is now, in NumPy; later updates do not change it."""
        weights = unflatten(self.read("theta"), self.shapes)
        normalized = self.config.normalize_observations
        return Policy(
            weights,
            self.observation_space,
            self.action_space,
            obs_mean=self.moments.mean if normalized else None,
            obs_var=self.moments.var if normalized else None,
            squash=self.config.squash,
            env_id=self.env_id,
            env_kwargs=self.env_kwargs,
            rng=stream(self.seed, self.iteration, Purpose.EVALUATION),
        )

    def weights(self) -> Weights:
        """float32 copies of the weights of actor and critic."""
        return {name: array.astype(np.float32) for name, array in self.policy().weights.items()}

    def save(self, folder: str | Path) -> None:
        """Write `learner.safetensors` (what continues) and `policy.safetensors` (what acts)."""
        folder = Path(folder)
        make_folder(folder)
        statistics = {
            f"{name}/{part}": np.asarray(getattr(moments, part))
            for name, moments in self._moments().items()
            for part in PARTS
        } | {"past_return": self.past_return}
        described = {
            "algorithm": self.algorithm,
            "config": to_json(self.config),
            "seed": self.seed,
            "steps": self.steps,
            "iteration": self.iteration,
        }
        collector = {f"collector/{name}": array for name, array in self.collector_state.items()}
        write_tensors(folder / "learner.safetensors", self.tensors() | statistics | collector, described)
        save_policy(folder / "policy.safetensors", self.policy())

    def restore(self, folder: str | Path) -> None:
        """Go on from what `save` wrote, in this framework or the other.

        UserError where the file is missing or damaged, or comes from another algorithm or network.
        """
        path = Path(folder) / "learner.safetensors"
        tensors, described = read_tensors(path, "learner")
        if described.get("algorithm") != self.algorithm:
            raise UserError(f"{path} was trained by {described.get('algorithm')}: continue it with that algorithm")
        try:
            statistics = {name: [tensors.pop(f"{name}/{part}") for part in PARTS] for name in self._moments()}
            past_return = tensors.pop("past_return")
            seed, steps, iteration = (described[name] for name in ("seed", "steps", "iteration"))
        except KeyError as error:
            raise UserError(f"{path} has no {error}: the file is damaged, restore a copy or start again") from None
        collector = {name: tensors.pop(name) for name in list(tensors) if name.startswith("collector/")}
        shapes = {name: array.shape for name, array in self.tensors().items()}
        if {name: array.shape for name, array in tensors.items()} != shapes:
            raise UserError(f"{path} holds another network than {self.env_id} and the settings ask for: use its own")
        self.set_tensors(tensors)
        for name, moments in self._moments().items():
            moments.mean, moments.var, count = statistics[name]
            moments.count = float(count)
        self.past_return = past_return
        self.collector_state = {name.removeprefix("collector/"): array for name, array in collector.items()}
        self.seed, self.steps, self.iteration = seed, steps, iteration

    def _moments(self) -> dict[str, RunningMoments]:
        return {"moments": self.moments, "return_moments": self.return_moments}
