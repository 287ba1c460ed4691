"""Settings of the algorithms: one frozen dataclass each, one name per setting everywhere.

The same names serve as keywords of `rlfilm.learner`, as `--set key=value` and in config.json.
"""

import dataclasses
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rlfilm_lib.errors import UserError, unknown


@dataclass(frozen=True)
class Config:
    """What every algorithm has."""

    learning_rate: float = 3e-4
    """Adam's step size. Higher learns faster until updates overshoot and the return collapses."""
    anneal: bool = False
    """Lower the learning rate linearly to 0 over the run. Steadier at the end; needs the run's length in advance."""
    num_envs: int = 16
    """Environments stepped side by side. More give a better average per update, and fewer updates per step."""
    gamma: float = 0.99
    """Discount per step. Nearer 1 looks further ahead, with more variance; 0.99 sees about 100 steps."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus. Higher keeps exploring; too high never settles."""
    value_coef: float = 0.5
    """Weight of the critic's squared error against the policy's loss. Their networks are separate, so it only matters
    through the shared gradient clipping and through Adam's epsilon."""
    max_grad_norm: float = 0.5
    """Gradients longer than this are scaled down to it. Lower is safer and slower; inf switches it off."""
    hidden_sizes: tuple[int, ...] = (64, 64)
    """Widths of the tanh layers, the same for actor and critic. Wider fits more and costs more per step."""
    log_std_init: float = 0.0
    """Log of the Gaussian policy's first standard deviation. Higher explores wider from the start."""
    squash: bool = False
    """Actions are tanh of the Gaussian's instead of clipped to the bounds. On, no action is lost beyond the bounds;
    off, the bounds themselves can be reached."""
    normalize_observations: bool = True
    """Scale observations by their running mean and variance. Off where they are already about unit size."""
    normalize_rewards: bool = False
    """Divide rewards by the running deviation of the discounted return. On where returns are far from unit size."""
    precision: str = "float32"
    """Type of weights and arithmetic: float32, or float64 for comparing the frameworks beyond rounding."""

    def __post_init__(self) -> None:
        _check_ranges(self)


@dataclass(frozen=True)
class ReinforceConfig(Config):
    """REINFORCE with reward-to-go and a learned baseline (Williams 1992)."""

    num_steps: ClassVar[None] = None
    """Whole episodes, however long."""

    learning_rate: float = 3e-3
    baseline: bool = True
    """Subtract the critic's value from the return. Off, the same gradient on average with far more variance."""


@dataclass(frozen=True)
class ActorCriticConfig(Config):
    """Synchronous advantage actor-critic (Mnih et al. 2016) with generalized advantages (Schulman et al. 2016)."""

    learning_rate: float = 7e-4
    num_steps: int = 16
    """Steps per environment and update. More: better advantages and larger batches; fewer: more frequent updates."""
    gae_lambda: float = 0.95
    """How far advantages trust the rewards over the critic. Nearer 1: less bias, more variance; 0: one step, then the
    critic."""


@dataclass(frozen=True)
class PPOConfig(ActorCriticConfig):
    """Proximal policy optimisation with the clipped surrogate (Schulman et al. 2017)."""

    learning_rate: float = 3e-4
    num_steps: int = 128
    minibatch_size: int = 64
    """Steps per gradient step, at most the rollout. Smaller: more and noisier steps; larger: fewer, cheaper, calmer."""
    epochs: int = 10
    """Passes over each rollout. More learn more from it, until the policy has left the data (watch approx_kl)."""
    clip_range: float = 0.2
    """How far the ratio of new to old probability may move an advantage's pull. Smaller is safer and slower."""
    clip_value: float | None = None
    """Clip the critic's change per update to ± this, in units of the return; none: off. Rarely helps."""
    target_kl: float | None = None
    """Stop an update before the first step whose minibatch lies further than this from the old policy (0.01 to 0.05);
    none: never. Lower is safer where epochs or learning_rate are high."""


CONFIGS: dict[str, type[Config]] = {"reinforce": ReinforceConfig, "actor-critic": ActorCriticConfig, "ppo": PPOConfig}
"""Every algorithm by the name the user gives."""

_MOVIE_SCENE: dict[str, object] = {"gamma": 0.9, "log_std_init": -1.0}
PRESETS: dict[tuple[str, str], dict[str, object]] = {
    ("reinforce", "rlfilm/MovieScene-v0"): _MOVIE_SCENE,
    ("actor-critic", "rlfilm/MovieScene-v0"): _MOVIE_SCENE,
    ("ppo", "rlfilm/MovieScene-v0"): {
        "gamma": 0.9,
        "learning_rate": 1e-3,
        "num_steps": 48,
        "minibatch_size": 128,
        "epochs": 5,
        "max_grad_norm": 2.0,
        "log_std_init": -0.5,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "rlfilm/CameraMove-v0"): {
        "gamma": 0.95,
        "learning_rate": 1e-3,
        "num_envs": 32,
        "num_steps": 36,
        "minibatch_size": 256,
        "epochs": 5,
        "max_grad_norm": 2.0,
        "log_std_init": -0.5,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "rlfilm/Lighting-v0"): {
        "gamma": 0.9,
        "learning_rate": 1e-3,
        "num_envs": 64,
        "num_steps": 48,
        "minibatch_size": 512,
        "epochs": 5,
        "max_grad_norm": 2.0,
        "log_std_init": -0.5,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "rlfilm/Character-v0"): {
        "gamma": 0.95,
        "learning_rate": 1e-3,
        "num_envs": 64,
        "num_steps": 32,
        "minibatch_size": 256,
        "epochs": 5,
        "max_grad_norm": 1.0,
        "log_std_init": -2.5,
        "anneal": True,
        "normalize_observations": False,
    },
    ("actor-critic", "rlfilm/FilmEdit-v0"): {
        "gamma": 0.95,
        "learning_rate": 5e-3,
        "num_envs": 32,
        "num_steps": 60,
        "entropy_coef": 0.1,
        "max_grad_norm": 2.0,
        "anneal": True,
        "normalize_observations": False,
    },
    ("reinforce", "rlfilm/FilmEdit-v0"): {
        "gamma": 0.9,
        "learning_rate": 5e-3,
        "num_envs": 32,
        "max_grad_norm": 2.0,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "rlfilm/FilmEdit-v0"): {
        "gamma": 0.98,
        "gae_lambda": 0.9,
        "learning_rate": 5e-3,
        "num_envs": 128,
        "num_steps": 60,
        "minibatch_size": 960,
        "epochs": 5,
        "max_grad_norm": 2.0,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "rlfilm/Storyboard-v0"): {
        "gamma": 0.97,
        "learning_rate": 3e-3,
        "num_envs": 32,
        "num_steps": 64,
        "minibatch_size": 512,
        "epochs": 5,
        "entropy_coef": 0.01,
        "anneal": True,
        "normalize_observations": False,
    },
    ("ppo", "CartPole-v1"): {
        "learning_rate": 3e-3,
        "num_envs": 8,
        "num_steps": 32,
        "minibatch_size": 128,
        "epochs": 8,
        "anneal": True,
    },
    ("ppo", "Pendulum-v1"): {
        "gamma": 0.95,
        "gae_lambda": 0.9,
        "learning_rate": 1e-3,
        "num_envs": 4,
        "num_steps": 512,
        "minibatch_size": 128,
        "epochs": 20,
        "max_grad_norm": 2.0,
        "anneal": True,
        "normalize_observations": False,
        "normalize_rewards": True,
    },
    ("ppo", "Acrobot-v1"): {
        "learning_rate": 1e-3,
        "num_steps": 64,
        "minibatch_size": 256,
        "epochs": 4,
        "anneal": True,
        "normalize_rewards": True,
    },
    ("ppo", "HalfCheetah-v5"): {
        "gamma": 0.98,
        "gae_lambda": 0.92,
        "num_envs": 4,
        "num_steps": 256,
        "max_grad_norm": 2.0,
        "log_std_init": -2.0,
        "normalize_rewards": True,
    },
    ("ppo", "Hopper-v5"): {
        "gamma": 0.995,
        "learning_rate": 5e-4,
        "num_envs": 8,
        "num_steps": 256,
        "minibatch_size": 128,
        "normalize_rewards": True,
    },
}
"""Settings per (algorithm, environment id) that replace the defaults. What they reach is measured by
tests/bench/bench_learning.py on MovieScene-v0, by the script in course/media/ of its name on CameraMove-v0,
Lighting-v0, Character-v0 and FilmEdit-v0, and by tests/bench/best_settings.py on Gymnasium's own. That of Storyboard-v0
comes from single short runs, and no table of seeds stands behind it yet."""

_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "learning_rate": (lambda rate: 0 < rate < math.inf, "a finite number above 0"),
    "num_envs": (lambda number: number >= 1, "1 or more"),
    "gamma": (lambda gamma: 0 < gamma <= 1, "a number above 0, at most 1"),
    "entropy_coef": (lambda weight: 0 <= weight < math.inf, "a finite number, 0 or above"),
    "value_coef": (lambda weight: 0 <= weight < math.inf, "a finite number, 0 or above"),
    "max_grad_norm": (lambda norm: norm > 0, "a number above 0, or inf"),
    "hidden_sizes": (lambda widths: all(width > 0 for width in widths), "positive widths such as 64,64"),
    "log_std_init": (lambda log_std: -20 <= log_std <= 20, "a number from -20 to 20"),
    "num_steps": (lambda number: number is None or number >= 1, "1 or more"),
    "gae_lambda": (lambda share: 0 <= share <= 1, "a number from 0 to 1"),
    "minibatch_size": (lambda number: number >= 1, "1 or more"),
    "epochs": (lambda number: number >= 1, "1 or more"),
    "clip_range": (lambda clip: 0 < clip < math.inf, "a finite number above 0"),
    "clip_value": (lambda clip: clip is None or 0 < clip < math.inf, "a finite number above 0, or none"),
    "target_kl": (lambda kl: kl is None or 0 < kl < math.inf, "a finite number above 0, or none"),
}


def _check_ranges(config: Config) -> None:
    for name, value in dataclasses.asdict(config).items():
        within, words = _RANGES.get(name, (lambda value: True, ""))
        if not within(value):
            raise UserError(f"{name}={value} is out of range: give {words}")
    if config.precision not in ("float32", "float64"):
        raise unknown("precision", config.precision, ["float32", "float64"])


def configure(algorithm: str, env_id: str | None = None, **settings: object) -> Config:
    """The algorithm's settings: defaults, then the environment's measured preset, then `settings`.

    Values may be strings, as the command line gives them. Raises UserError for an unknown algorithm or setting, with
    the nearest valid name, and for a value that does not parse or is out of range.

    >>> configure("reinforce", learning_rate="1e-3", hidden_sizes="32,32").hidden_sizes
    (32, 32)
    """
    if algorithm not in CONFIGS:
        raise unknown("algorithm", algorithm, CONFIGS)
    config_class = CONFIGS[algorithm]
    types = typing.get_type_hints(config_class)
    types = {field.name: types[field.name] for field in dataclasses.fields(config_class)}
    for name in settings:
        if name not in types:
            raise unknown("setting", name, types)
    chosen = {**PRESETS.get((algorithm, env_id or ""), {}), **settings}
    parsed: dict[str, Any] = {name: _parse(name, value, types[name]) for name, value in chosen.items()}
    return config_class(**parsed)


def _parse(name: str, value: object, kind: type) -> object:
    """`value` as `kind`; strings and JSON lists are accepted where they say the same thing."""
    if kind == float | None:
        return None if str(value).lower() == "none" else _parse(name, value, float)
    try:
        if kind is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if kind is int:
            if float(value) != int(float(value)):  # type: ignore[arg-type]
                raise ValueError
            return int(float(value))  # type: ignore[arg-type]
        if kind is float:
            return float(value)  # type: ignore[arg-type]
        if typing.get_origin(kind) is tuple:
            items = value.strip("()[] ").split(",") if isinstance(value, str) else value
            return tuple(int(item) for item in items if str(item).strip())  # type: ignore[attr-defined, union-attr]
        return str(value)
    except (ValueError, KeyError, TypeError, OverflowError):
        words = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "widths such as 64,64")
        raise UserError(f"{name}={value} does not parse: give {words}") from None


def to_json(config: Config) -> dict[str, object]:
    """The settings as JSON can hold them; `configure(algorithm, **to_json(config))` gives the same config back."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(config).items()
    }
