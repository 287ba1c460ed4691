import json

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.config import CONFIGS, configure, to_json


def test_defaults_are_the_published_table():
    config = configure("reinforce")
    assert (config.learning_rate, config.num_envs, config.gamma) == (3e-3, 16, 0.99)
    assert (config.entropy_coef, config.value_coef, config.max_grad_norm) == (0, 0.5, 0.5)
    assert (config.hidden_sizes, config.log_std_init, config.normalize_observations) == ((64, 64), 0, True)


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


def test_every_setting_is_documented():
    """Each field of a config stands above a line that says what raising and lowering it does."""
    import ast
    import inspect

    import rlfilm_lib.rl.config as module

    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            fields = [i for i, item in enumerate(node.body) if isinstance(item, ast.AnnAssign)]
            for i in fields:
                redefined = node.name != "Config" and node.body[i].target.id in module.Config.__dataclass_fields__
                documented = i + 1 < len(node.body) and isinstance(node.body[i + 1], ast.Expr)
                assert documented or redefined, f"{node.name}.{node.body[i].target.id}"
