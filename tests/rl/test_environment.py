"""Making vector environments, and telling how one was made."""

import gymnasium as gym
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.environment import identity


@pytest.mark.parametrize(
    ("env_id", "kwargs"),
    [("CartPole-v1", {}), ("FrozenLake-v1", {"is_slippery": False}), ("rlfilm/MovieScene-v0", {"controls": 3})],
)
def test_an_environment_knows_what_to_ask_for_to_make_it_again(env_id, kwargs):
    env = rlfilm.make_vec(env_id, num_envs=2, **kwargs)
    assert identity(env) == (env_id, kwargs)
    assert env.num_envs == 2 and env.metadata["autoreset_mode"] == gym.vector.AutoresetMode.SAME_STEP


def test_an_id_may_name_the_module_that_registers_it(tmp_path, monkeypatch):
    (tmp_path / "little_set.py").write_text(
        "import gymnasium\n"
        "cart = 'gymnasium.envs.classic_control:CartPoleEnv'\n"
        "gymnasium.register('LittleSet-v0', cart, kwargs={'render_mode': None})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert identity(rlfilm.make_vec("little_set:LittleSet-v0", num_envs=1)) == ("little_set:LittleSet-v0", {})
        with pytest.raises(UserError, match="environment 'little_set:LargeSet-v0'; did you mean 'LittleSet-v0'"):
            rlfilm.make_vec("little_set:LargeSet-v0")
    finally:
        gym.registry.pop("LittleSet-v0", None)


@pytest.mark.parametrize("module", ["nowhere", "nowhere:else"])
def test_a_module_that_cannot_be_imported_is_named(module):
    with pytest.raises(UserError, match=f"cannot import '{module}' .*No module named.*; install it, or put its folder"):
        rlfilm.make_vec(f"{module}:CartPole-v1")


def test_keywords_the_environment_does_not_have_are_refused():
    with pytest.raises(UserError, match="'CartPole-v1' cannot be made with {'wheels': 3}"):
        rlfilm.make_vec("CartPole-v1", wheels=3)
    with pytest.raises(UserError, match="num_envs=0 is out of range: give 1 or more"):
        rlfilm.make_vec("CartPole-v1", num_envs=0)
