"""The batch against single environments, Gymnasium's own vector environment and its checker."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.envs.batch import BatchEnv, mix, uniforms

ID = "rlfilm/MovieScene-v0"
NUM_ENVS, SEED = 5, 7
ALL_CONTROLS = pytest.mark.parametrize("controls", [1, 3, 9])


def make(num_envs: int = NUM_ENVS, **kwargs) -> BatchEnv:
    return gym.make_vec(ID, num_envs=num_envs, **kwargs)


def reckless(env: gym.vector.VectorEnv, steps: int) -> np.ndarray:
    """Actions (T, N, controls) that drive some cameras into the character or off the stage, and leave others be."""
    actions = np.random.default_rng(0).uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
    if actions.shape[-1] > 1:
        actions[:, 0, 1] = 1
        actions[:, 1, 0] = -1
    return actions


def test_make_vec_gives_the_batch():
    env = make()
    assert isinstance(env, BatchEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.observation_space.shape == (NUM_ENVS, 30) and env.action_space.shape == (NUM_ENVS, 9)


@ALL_CONTROLS
def test_each_environment_lives_like_a_single_one(controls):
    batch, singles = make(controls=controls), [gym.make(ID, controls=controls) for _ in range(NUM_ENVS)]
    observations, _ = batch.reset(seed=SEED)
    np.testing.assert_array_equal(observations, [env.reset(seed=SEED + i)[0] for i, env in enumerate(singles)])
    endings = {"terminated": 0, "truncated": 0}
    for actions in reckless(batch, 110):
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            observation, reward, over, cut, one = env.step(actions[i])
            assert (over, cut) == (terminated[i], truncated[i])
            assert reward == pytest.approx(rewards[i], abs=1e-6)
            for name, value in one["reward_terms"].items():
                assert value == pytest.approx(info["reward_terms"][name][i], abs=1e-6)
            if over or cut:
                endings["terminated"] += over
                endings["truncated"] += cut
                np.testing.assert_array_equal(info["final_obs"][i], observation)
                observation, _ = env.reset()
            np.testing.assert_array_equal(observations[i], observation)
    assert endings["truncated"] > NUM_ENVS and (controls == 1 or endings["terminated"] > 0)


def test_endings_are_laid_out_as_gymnasium_does():
    ours = make()
    theirs = SyncVectorEnv([lambda: gym.make(ID)] * NUM_ENVS, autoreset_mode=AutoresetMode.SAME_STEP)
    ours.reset(seed=SEED), theirs.reset(seed=SEED)
    ended = 0
    for actions in reckless(ours, 100):
        *result, info = ours.step(actions)
        *expected, expected_info = theirs.step(actions)
        for a, b in zip(result, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, atol=1e-6)
        assert ("final_info" in info) == ("final_info" in expected_info)
        if "final_info" in info:
            ended += 1
            for key in ("final_obs", "_final_obs", "final_info", "_final_info"):
                assert_same_layout(info[key], expected_info[key])
            done = info["_final_info"]
            for name, term in info["final_info"]["reward_terms"].items():
                if not name.startswith("_"):
                    np.testing.assert_allclose(term[done], info["reward_terms"][name][done])
    assert ended >= 4


def assert_same_layout(ours, theirs):
    """The same nesting, keys, dtypes and values."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_same_layout(ours[key], theirs[key])
    elif ours.dtype == object:
        for a, b in zip(ours, theirs, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
    else:
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@ALL_CONTROLS
def test_reward_is_the_weighted_sum_of_terms_in_0_1(controls):
    env = make(64, controls=controls)
    env.reset(seed=0)
    for actions in reckless(env, 60):
        _, rewards, _, _, info = env.step(actions)
        terms = info["reward_terms"]
        assert terms.keys() == env.weights.keys()
        np.testing.assert_allclose(rewards, sum(env.weights[name] * terms[name] for name in terms), atol=1e-6)
        assert all(((0 <= term) & (term <= 1)).all() for term in terms.values())


def test_nothing_returned_is_overwritten_later():
    env = make()
    first, _ = env.reset(seed=SEED)
    kept = first.copy()
    results = [env.step(actions) for actions in reckless(env, 2)]
    np.testing.assert_array_equal(first, kept)
    assert not np.shares_memory(results[0][0], results[1][0])
    terms = [result[4]["reward_terms"]["thirds"] for result in results]
    assert not np.shares_memory(*terms)


@ALL_CONTROLS
def test_a_restored_state_goes_on_exactly(controls):
    env, actions = make(controls=controls), reckless(make(controls=controls), 120)
    env.reset(seed=SEED)
    for action in actions[:30]:
        observations, *_ = env.step(action)
    state = env.state()
    expected = [env.step(action) for action in actions[30:]]

    other = make(controls=controls)
    np.testing.assert_array_equal(other.restore(state), observations)
    for action, (observations, rewards, terminated, truncated, _) in zip(actions[30:], expected, strict=True):
        result = other.step(action)
        np.testing.assert_array_equal(result[0], observations)
        np.testing.assert_array_equal(result[1], rewards)
        np.testing.assert_array_equal(result[2:4], (terminated, truncated))


def test_a_state_is_a_copy():
    env = make()
    env.reset(seed=SEED)
    state = env.state()
    camera = state["camera"].copy()
    env.step(reckless(env, 1)[0])
    np.testing.assert_array_equal(state["camera"], camera)


def test_a_foreign_state_is_refused():
    env = make()
    with pytest.raises(RuntimeError, match="reset"):
        env.state()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="not a state of this environment"):
        env.restore({"position": np.zeros(3)})
    with pytest.raises(ValueError, match="state of 5 environments"):
        make(3).restore(env.state())


def test_seeds():
    env = make()
    first, _ = env.reset(seed=SEED)
    second, _ = env.reset()
    assert not np.isin(second[:, :9], first[:, :9]).any(), "without a seed the streams go on"
    np.testing.assert_array_equal(env.reset(seed=SEED)[0], first)
    np.testing.assert_array_equal(env.reset()[0], second)
    np.testing.assert_array_equal(env.reset(seed=[SEED + i for i in range(NUM_ENVS)])[0], first)
    np.testing.assert_array_equal(make().reset(seed=SEED + 1)[0][:-1], first[1:])
    assert not np.array_equal(make().reset()[0], make().reset()[0]), "the first reset without a seed is random"
    with pytest.raises(ValueError, match="3 seeds for 5"):
        env.reset(seed=[1, 2, 3])


def test_reset_mask_leaves_the_others_alone():
    env = make()
    first, _ = env.reset(seed=SEED)
    mask = np.array([True, False, False, True, False])
    second, _ = env.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal((first == second).all(axis=1), ~mask)
    with pytest.raises(ValueError, match="reset_mask must be"):
        env.reset(options={"reset_mask": [True] * NUM_ENVS})


def test_uniforms_are_uniform_and_independent():
    draws = uniforms(mix(np.arange(2000, dtype=np.uint64)), np.zeros(2000, np.uint64), 15)
    assert draws.shape == (15, 2000) and draws.min() >= 0 and draws.max() < 1
    np.testing.assert_allclose(draws.mean(axis=1), 0.5, atol=4 * np.sqrt(1 / 12 / 2000))
    np.testing.assert_allclose(draws.var(axis=1), 1 / 12, atol=0.008)
    assert np.abs(np.corrcoef(draws) - np.eye(15)).max() < 4 / np.sqrt(2000)


@ALL_CONTROLS
def test_gymnasiums_checker_is_content(controls):
    env = gym.make(ID, controls=controls, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_the_single_environment_through_gym_make():
    env = gym.make(ID, controls=3)
    observation, info = env.reset(seed=SEED)
    assert observation.shape == (30,) and info == {} and env.unwrapped.controls == 3
    observation, reward, terminated, truncated, info = env.step(np.zeros(3, np.float32))
    assert observation in env.observation_space
    assert isinstance(reward, float) and terminated is False and truncated is False
    assert info["reward_terms"].keys() == env.unwrapped.weights.keys()
    for _ in range(47):
        *_, truncated, _ = env.step(np.zeros(3, np.float32))
    assert truncated is True


def test_the_single_environment_restores():
    env = gym.make(ID).unwrapped
    env.reset(seed=SEED)
    state, actions = env.state(), np.random.default_rng(1).uniform(-1, 1, (10, 9))
    first = [env.step(action)[0] for action in actions]
    env.restore(state)
    np.testing.assert_array_equal([env.step(action)[0] for action in actions], first)


def test_rendering():
    env = make(2, render_mode="rgb_array")
    env.reset(seed=SEED)
    pictures = env.render()
    assert len(pictures) == 2
    assert all(picture.shape == (360, 640, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert not np.array_equal(*pictures)
    assert make(2).render() is None
    with pytest.raises(ValueError, match="unknown render_mode 'ascii'"):
        BatchEnv.__init__(make(2), 2, env.single_observation_space, env.single_action_space, "ascii")


def test_random_policy():
    env = make(1000, controls=3)
    observations, _ = env.reset(seed=0)
    actions = env.random_policy(seed=1)(observations)
    assert actions in env.action_space
    np.testing.assert_allclose(actions.mean(axis=0), 0, atol=0.1)
    np.testing.assert_array_equal(actions, env.random_policy(seed=1)(observations))


@pytest.mark.slow
def test_stable_baselines3_trains_without_an_adapter():
    sb3 = pytest.importorskip("stable_baselines3")
    model = sb3.PPO("MlpPolicy", gym.make(ID), n_steps=96, batch_size=48, n_epochs=2, seed=0, device="cpu")
    before = model.policy.state_dict()["action_net.weight"].clone()
    model.learn(192)
    assert model.num_timesteps == 192
    assert not before.equal(model.policy.state_dict()["action_net.weight"])
