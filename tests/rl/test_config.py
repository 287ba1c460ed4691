import itertools
import json

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.config import CONFIGS, configure, to_json


@pytest.mark.parametrize(
    ("algorithm", "own"),
    [
        ("reinforce", {"learning_rate": 3e-3, "num_steps": None, "baseline": True}),
        ("actor-critic", {"learning_rate": 7e-4, "num_steps": 16, "gae_lambda": 0.95}),
        (
            "ppo",
            {"learning_rate": 3e-4, "num_steps": 128, "gae_lambda": 0.95, "minibatch_size": 64, "epochs": 10}
            | {"clip_range": 0.2, "clip_value": None, "target_kl": None},
        ),
    ],
)
def test_defaults_are_the_published_table(algorithm, own):
    shared = {"num_envs": 16, "gamma": 0.99, "entropy_coef": 0, "value_coef": 0.5, "max_grad_norm": 0.5}
    network = {"hidden_sizes": (64, 64), "log_std_init": 0, "squash": False}
    normalized = {"normalize_observations": True, "normalize_rewards": False}
    config = configure(algorithm)
    for name, value in (own | shared | network | normalized).items():
        assert getattr(config, name) == value, name


@pytest.mark.parametrize("algorithm", CONFIGS)
def test_json_gives_the_same_config_back(algorithm):
    config = configure(algorithm, hidden_sizes="32,16", anneal="true", num_envs="8", learning_rate="1e-4")
    assert (config.hidden_sizes, config.anneal, config.num_envs, config.learning_rate) == ((32, 16), True, 8, 1e-4)
    assert configure(algorithm, **json.loads(json.dumps(to_json(config)))) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rat": 1}, r"unknown setting 'learning_rat'; did you mean 'learning_rate'\?"),
        ({"learning_rate": "fast"}, "learning_rate=fast does not parse: give a number"),
        ({"learning_rate": -1}, "learning_rate=-1.0 is out of range: give a finite number above 0"),
        ({"learning_rate": "nan"}, "learning_rate=nan is out of range"),
        ({"learning_rate": "inf"}, "learning_rate=inf is out of range: give a finite number"),
        ({"entropy_coef": "inf"}, "entropy_coef=inf is out of range: give a finite number, 0 or above"),
        ({"log_std_init": "1e10"}, "log_std_init=10000000000.0 is out of range: give a number from -20 to 20"),
        ({"gamma": 1.5}, "gamma=1.5 is out of range: give a number above 0, at most 1"),
        ({"num_envs": "2.5"}, "num_envs=2.5 does not parse: give a whole number"),
        ({"anneal": "maybe"}, "anneal=maybe does not parse: give true or false"),
        ({"hidden_sizes": "64,0"}, "hidden_sizes=.* is out of range"),
        ({"precision": "float16"}, "unknown precision 'float16'; did you mean"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        configure("reinforce", **settings)


def test_unknown_algorithm():
    with pytest.raises(UserError, match=r"unknown algorithm 'reinforc'; did you mean 'reinforce'\?"):
        configure("reinforc")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip_range": 0}, "clip_range=0.0 is out of range: give a finite number above 0"),
        ({"gae_lambda": 1.1}, "gae_lambda=1.1 is out of range: give a number from 0 to 1"),
        ({"target_kl": "never"}, "target_kl=never does not parse: give a number"),
        ({"clip_value": -1}, "clip_value=-1.0 is out of range: give a finite number above 0, or none"),
    ],
)
def test_bad_settings_of_ppo_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        configure("ppo", **settings)


def test_none_switches_off():
    assert configure("ppo", target_kl="none", clip_value="0.3").target_kl is None
    assert configure("ppo", target_kl="none", clip_value="0.3").clip_value == 0.3


def test_every_setting_is_documented():
    """Each field of a config stands above a line that says what raising and lowering it does."""
    import ast
    import inspect

    import rlfilm_lib.rl.config as module

    documented: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            for item, following in itertools.pairwise([*node.body, None]):
                if isinstance(item, ast.AnnAssign):
                    if isinstance(following, ast.Expr):
                        documented.add(item.target.id)
                    assert item.target.id in documented, f"{node.name}.{item.target.id}"
