"""The policy in NumPy: initialise, forward, sample, log-probability. It acts wherever NumPy runs.

An actor needs no framework: its weights are a dict of arrays (`actor/0/kernel` as (in, out), `actor/0/bias`, …,
`critic/…`, and `log_std` for continuous actions), its formulas are below, its random numbers come from one Generator.
"""

import itertools
import math
from dataclasses import dataclass, field, replace

import gymnasium as gym
import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.normalize import normalize
from rlfilm_lib.rl.streams import Purpose, stream

Weights = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
HERMITE_NODES, HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
HERMITE_WEIGHTS = HERMITE_WEIGHTS / HERMITE_WEIGHTS.sum()
"""Gauss-Hermite quadrature: E f(ε) = Σ weights · f(nodes) for a standard normal ε."""


def orthogonal(rng: np.random.Generator, rows: int, columns: int, gain: float) -> np.ndarray:
    """A (rows, columns) float64 matrix with orthonormal rows or columns, times `gain` (Saxe et al. 2014).

    >>> kernel = orthogonal(np.random.default_rng(0), 4, 2, gain=2.0)
    >>> bool(np.allclose(kernel.T @ kernel, 4 * np.eye(2)))
    True
    """
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return gain * (q if rows >= columns else q.T)


def initialize(
    rng: np.random.Generator,
    observation_space: gym.Space,
    action_space: gym.Space,
    hidden_sizes: tuple[int, ...] = (64, 64),
    log_std_init: float = 0.0,
) -> Weights:
    """First weights of actor and critic: orthogonal, gain √2 in hidden layers, 0.01 and 1 for the two heads.

    A nearly flat first policy explores all actions alike; see Andrychowicz et al. 2021, "What matters in on-policy RL".
    Returns float32 arrays.
    """
    weights: Weights = {}
    for name, outputs, head_gain in (("actor", action_size(action_space), 0.01), ("critic", 1, 1.0)):
        sizes = [observation_size(observation_space), *hidden_sizes, outputs]
        for layer, (rows, columns) in enumerate(itertools.pairwise(sizes)):
            gain = head_gain if layer == len(hidden_sizes) else math.sqrt(2)
            weights[f"{name}/{layer}/kernel"] = orthogonal(rng, rows, columns, gain).astype(np.float32)
            weights[f"{name}/{layer}/bias"] = np.zeros(columns, np.float32)
    if isinstance(action_space, gym.spaces.Box):
        weights["log_std"] = np.full(action_size(action_space), log_std_init, np.float32)
    return weights


def flatten(weights: Weights) -> np.ndarray:
    """All weights as one vector θ (P,), in their order.

    >>> flatten({"kernel": np.eye(2), "bias": np.array([3.0])}).tolist()
    [1.0, 0.0, 0.0, 1.0, 3.0]
    """
    return np.concatenate([array.ravel() for array in weights.values()])


def unflatten(theta: np.ndarray, shapes: Shapes) -> Weights:
    """The inverse of `flatten`: views into θ (P,) under the names and shapes of `shapes`."""
    weights, start = {}, 0
    for name, shape in shapes.items():
        end = start + math.prod(shape)
        weights[name] = theta[start:end].reshape(shape)
        start = end
    return weights


def observation_size(space: gym.Space) -> int:
    """Width of the network's input: a flat Box as it is, a Discrete as one-hot. UserError for any other space."""
    if isinstance(space, gym.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 1:
        return int(space.shape[0])
    raise _unsupported("observation", space)


def action_size(space: gym.Space) -> int:
    """Width of the policy's head: one mean per dimension of a flat Box, one logit per choice of a Discrete."""
    if isinstance(space, gym.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating):
        return int(space.shape[0])
    raise _unsupported("action", space)


def _unsupported(role: str, space: gym.Space) -> UserError:
    kind = type(space).__name__
    if isinstance(space, gym.spaces.Box):
        kind = f"{kind} of shape {space.shape} and type {space.dtype}"
    wrapper = "FlattenObservation" if role == "observation" else "TransformAction"
    return UserError(
        f"{role} space {kind} is not supported: it must be a flat Box or a Discrete; "
        f"wrap the environment with gymnasium.wrappers.{wrapper}"
    )


def mlp(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """The tanh network `name` of `weights`, its last layer linear: x (N, in) → (N, out)."""
    layer = 0
    while f"{name}/{layer + 1}/kernel" in weights:
        x = x @ weights[f"{name}/{layer}/kernel"]
        x += weights[f"{name}/{layer}/bias"]
        np.tanh(x, out=x)
        layer += 1
    return x @ weights[f"{name}/{layer}/kernel"] + weights[f"{name}/{layer}/bias"]


def gaussian_log_prob(action: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    """Log-density of a diagonal Gaussian, summed over action dimensions: (N, A), (N, A), (A,) → (N,).

    >>> gaussian_log_prob(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(2)).round(4)
    array([-1.8379])
    """
    z = (action - mean) * np.exp(-log_std)
    return -(0.5 * z * z + log_std + action.dtype.type(HALF_LOG_2PI)).sum(axis=-1)


def log_tanh_slope(u: np.ndarray) -> np.ndarray:
    """log(1 - tanh²(u)), safe for large |u|: what squashing adds to -log π, per dimension (Haarnoja et al. 2018, C).

    >>> log_tanh_slope(np.array([0.0, 1.0, 100.0])).round(4)
    array([   0.    ,   -0.8676, -198.6137])
    """
    return 2 * (math.log(2) - u - np.logaddexp(0, -2 * u))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log of the softmax over the last axis, safe for large logits: (N, A) → (N, A)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Policy:
    """A trained or untrained actor that plays with NumPy alone.

    weights: as `initialize` makes them; obs_mean, obs_var: (D,) float64, frozen statistics of the observations, or None
    where they are not normalised.
    Calling it takes raw observations and returns actions, both as the environment has them.
    """

    weights: Weights
    observation_space: gym.Space
    action_space: gym.Space
    obs_mean: np.ndarray | None = None
    obs_var: np.ndarray | None = None
    env_id: str | None = None
    env_kwargs: dict = field(default_factory=dict)
    squash: bool = False
    """Actions are tanh of the Gaussian's, stretched to the Box's bounds, instead of clipped to them."""
    rng: np.random.Generator = field(default_factory=np.random.default_rng, compare=False, repr=False)

    def __call__(self, observations: np.ndarray, deterministic: bool = True) -> np.ndarray:
        """Actions (N, …) for raw observations (N, …): the most likely, or drawn from the policy's own generator."""
        x = self.inputs(observations)
        return self.to_env(self.mode(x) if deterministic else self.sample(x, self.rng))

    def seeded(self, seed: int) -> "Policy":
        """The same policy with its own fresh generator."""
        return replace(self, rng=stream(seed, 0, Purpose.ACTIONS))

    def encode(self, observations: np.ndarray) -> np.ndarray:
        """Raw observations as (N, D) numbers in the weights' type; a Discrete one becomes one-hot."""
        dtype = self.weights["actor/0/kernel"].dtype
        if isinstance(self.observation_space, gym.spaces.Discrete):
            index = np.asarray(observations) - self.observation_space.start
            return np.eye(int(self.observation_space.n), dtype=dtype)[index]
        return np.asarray(observations).astype(dtype, copy=False)

    def inputs(self, observations: np.ndarray) -> np.ndarray:
        """What the networks see: encoded and normalised observations (N, D)."""
        encoded = self.encode(observations)
        if self.obs_mean is None or self.obs_var is None:
            return encoded
        return normalize(encoded, self.obs_mean, self.obs_var)

    def sample(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw actions for inputs x (N, D): (N, A), neither clipped nor squashed yet, or (N,) int64.

        Discrete ones by the Gumbel-max trick: the largest of logit + Gumbel noise has the softmax's distribution.
        """
        head = mlp(self.weights, "actor", x)
        if "log_std" in self.weights:
            noise = rng.standard_normal(head.shape).astype(head.dtype)
            return head + np.exp(self.weights["log_std"]) * noise
        return (head + rng.gumbel(size=head.shape)).argmax(axis=-1)

    def log_prob(self, x: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Log-probabilities (N,) of actions as `sample` draws them, given inputs x (N, D).

        Of squashed ones it is the density of tanh(action), in the Box scaled to ±1.
        """
        head = mlp(self.weights, "actor", x)
        if "log_std" not in self.weights:
            return np.take_along_axis(log_softmax(head), actions[:, None], axis=-1)[:, 0]
        log_prob = gaussian_log_prob(actions, head, self.weights["log_std"])
        return log_prob - log_tanh_slope(actions).sum(axis=-1) if self.squash else log_prob

    def mode(self, x: np.ndarray) -> np.ndarray:
        """The most likely actions for inputs x (N, D)."""
        head = mlp(self.weights, "actor", x)
        return head if "log_std" in self.weights else head.argmax(axis=-1)

    def value(self, x: np.ndarray) -> np.ndarray:
        """The critic's values (N,) for inputs x (N, D)."""
        return mlp(self.weights, "critic", x)[:, 0]

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """The action as the environment takes it: clipped or squashed into a Box, counted from a Discrete's start."""
        space = self.action_space
        if isinstance(space, gym.spaces.Discrete):
            return action + space.start
        assert isinstance(space, gym.spaces.Box)
        if self.squash:
            action = space.low + (np.tanh(action) + 1) / 2 * (space.high - space.low)
        return np.minimum(np.maximum(action, space.low), space.high).astype(space.dtype, copy=False)
