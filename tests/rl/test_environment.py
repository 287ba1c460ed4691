"""Making vector environments, and telling how one was made."""

import functools

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.environment import SAME_STEP, SameStepVectorEnv, identity


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


@pytest.mark.parametrize(
    ("env_id", "env_kwargs"),
    [("CartPole-v1", {}), ("Pendulum-v1", {}), ("FrozenLake-v1", {}), ("CartPole-v1", {"max_episode_steps": 7})],
)
def test_a_step_is_that_of_gymnasiums_own(env_id, env_kwargs):
    """Number by number over many ends: observations, rewards, both ends, and every entry of info with its mask."""
    make = functools.partial(gym.make, env_id, **env_kwargs)
    ours = SameStepVectorEnv([make] * 3)
    theirs = gym.vector.SyncVectorEnv([make] * 3, autoreset_mode=SAME_STEP)
    np.testing.assert_array_equal(ours.reset(seed=3)[0], theirs.reset(seed=3)[0])
    ours.action_space.seed(0)
    ended = 0
    for _ in range(450):
        actions = ours.action_space.sample()
        *found, info = ours.step(actions)
        *expected, their_info = theirs.step(actions)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        pairs = zip(info.pop("final_obs", []), their_info.pop("final_obs", []), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
        np.testing.assert_equal(info, their_info)
        ended += (found[2] | found[3]).sum()
    assert ended >= 6
