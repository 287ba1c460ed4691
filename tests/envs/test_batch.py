"""Every task with a brief as a batch: against single environments, Gymnasium's own vector environment, its checker."""

import warnings
from importlib.util import find_spec

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.envs.batch import BatchEnv, BriefedEnv, mix, uniforms
from rlfilm_lib.errors import UserError

ID = "rlfilm/MovieScene-v0"
NUM_ENVS, SEED = 5, 7
CONTROLS = {
    "rlfilm/MovieScene-v0": (1, 3, 9),
    "rlfilm/CameraMove-v0": (1, 3, 8),
    "rlfilm/Lighting-v0": (1, 3, 21),
    "rlfilm/Character-v0": (3, 4, 32),
}
"""Every task with a brief, and what it offers."""
STEPS = dict.fromkeys(CONTROLS, 100) | {"rlfilm/Character-v0": 30}
"""As many as see takes end."""
WITH_MUJOCO = pytest.mark.skipif(find_spec("mujoco") is None, reason="MuJoCo is not installed")


def marked(env_id: str, *rest):
    return pytest.param(env_id, *rest, marks=WITH_MUJOCO if env_id == "rlfilm/Character-v0" else ())


EACH_TASK = pytest.mark.parametrize("env_id", [marked(env_id) for env_id in CONTROLS])
EACH_CONTROLS = pytest.mark.parametrize(
    ("env_id", "controls"), [marked(env_id, number) for env_id, offered in CONTROLS.items() for number in offered]
)
MOST_CONTROLS = pytest.mark.parametrize(
    ("env_id", "controls"), [marked(env_id, offered[-1]) for env_id, offered in CONTROLS.items()]
)
NEAR = 1e-3
"""Float32 sums and sines differ in the last digits with the number of environments."""


def make(env_id: str = ID, num_envs: int = NUM_ENVS, **kwargs) -> BatchEnv:
    return gym.make_vec(env_id, num_envs=num_envs, **kwargs)


def reckless(env: BatchEnv, steps: int) -> np.ndarray:
    """Actions (T, N, controls) that run some cameras into something and let some figures fall, and leave others be."""
    actions = np.random.default_rng(0).uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
    if actions.shape[-1] == 9:
        actions[:, 0, 1] = 1
        actions[:, 1, 0] = -1
    if actions.shape[-1] == 8:
        actions[:, 0, :2] = -1
        actions[:, 0, 3] = 0
    return actions


@EACH_TASK
def test_make_vec_gives_the_batch(env_id):
    env = make(env_id)
    assert isinstance(env, BriefedEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert tuple(env.offered) == CONTROLS[env_id] == tuple(env.metadata["yardsticks"])
    assert env.action_space.shape == (NUM_ENVS, CONTROLS[env_id][-1])
    assert env.reset(seed=0)[0] in env.observation_space


@EACH_CONTROLS
def test_each_environment_lives_like_a_single_one(env_id, controls):
    batch, singles = make(env_id, controls=controls), [gym.make(env_id, controls=controls) for _ in range(NUM_ENVS)]
    observations, _ = batch.reset(seed=SEED)
    firsts = [env.reset(seed=SEED + i)[0] for i, env in enumerate(singles)]
    np.testing.assert_allclose(observations, firsts, atol=NEAR)
    endings = {"terminated": 0, "truncated": 0}
    for actions in reckless(batch, STEPS[env_id]):
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            observation, reward, over, cut, one = env.step(actions[i])
            assert (over, cut) == (terminated[i], truncated[i])
            assert reward == pytest.approx(rewards[i], abs=NEAR)
            assert one["reward_terms"].keys() == info["reward_terms"].keys()
            for name, value in one["reward_terms"].items():
                assert value == pytest.approx(info["reward_terms"][name][i], abs=NEAR)
            if over or cut:
                endings["terminated"] += over
                endings["truncated"] += cut
                np.testing.assert_allclose(info["final_obs"][i], observation, atol=NEAR)
                observation, _ = env.reset()
            np.testing.assert_allclose(observations[i], observation, atol=NEAR)
    assert env_id == "rlfilm/Character-v0" or endings["truncated"] >= NUM_ENVS - 1
    assert controls not in (8, 9, 32) or endings["terminated"] > 0


@MOST_CONTROLS
def test_endings_are_laid_out_as_gymnasium_does(env_id, controls):
    ours = make(env_id)
    theirs = SyncVectorEnv([lambda: gym.make(env_id)] * NUM_ENVS, autoreset_mode=AutoresetMode.SAME_STEP)
    ours.reset(seed=SEED), theirs.reset(seed=SEED)
    ended = 0
    for actions in reckless(ours, STEPS[env_id]):
        *result, info = ours.step(actions)
        *expected, expected_info = theirs.step(actions)
        for a, b in zip(result, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, atol=NEAR)
        assert ("final_info" in info) == ("final_info" in expected_info)
        if "final_info" in info:
            ended += 1
            for key in ("final_obs", "_final_obs", "final_info", "_final_info"):
                assert_same_layout(info[key], expected_info[key])
            done = info["_final_info"]
            for name, term in info["final_info"]["reward_terms"].items():
                if not name.startswith("_"):
                    np.testing.assert_allclose(term[done], info["reward_terms"][name][done])
    assert ended >= 2 - (env_id == "rlfilm/Lighting-v0")  # whose takes all end together


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
                np.testing.assert_allclose(a, b, atol=NEAR)
    else:
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=NEAR)


@EACH_CONTROLS
def test_reward_is_the_weighted_sum_of_terms_in_0_1(env_id, controls):
    env = make(env_id, 16, controls=controls)
    env.reset(seed=0)
    for actions in reckless(env, STEPS[env_id] // 2):
        observations, rewards, _, _, info = env.step(actions)
        assert observations in env.observation_space
        terms = info["reward_terms"]
        assert terms.keys() == env.weights.keys()
        np.testing.assert_allclose(rewards, sum(env.weights[name] * terms[name] for name in terms), atol=1e-5)
        assert all(((0 <= term) & (term <= 1)).all() for term in terms.values())


@EACH_TASK
def test_nothing_returned_is_overwritten_later(env_id):
    env = make(env_id)
    first, _ = env.reset(seed=SEED)
    kept = first.copy()
    results = [env.step(actions) for actions in reckless(env, 2)]
    np.testing.assert_array_equal(first, kept)
    assert not np.shares_memory(results[0][0], results[1][0])
    terms = [next(iter(result[4]["reward_terms"].values())) for result in results]
    assert not np.shares_memory(*terms)


@EACH_CONTROLS
def test_a_restored_state_goes_on_exactly(env_id, controls):
    env = make(env_id, controls=controls)
    actions = reckless(env, STEPS[env_id])
    env.reset(seed=SEED)
    for action in actions[:20]:
        observations, *_ = env.step(action)
    state = env.state()
    expected = [env.step(action) for action in actions[20:]]

    other = make(env_id, controls=controls)
    np.testing.assert_array_equal(other.restore(state), observations)
    for action, (observations, rewards, terminated, truncated, _) in zip(actions[20:], expected, strict=True):
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
        make(num_envs=3).restore(env.state())


@EACH_TASK
def test_seeds(env_id):
    env = make(env_id)
    first, _ = env.reset(seed=SEED)
    second, _ = env.reset()
    assert not (second == first).all(axis=1).any(), "without a seed the streams go on"
    np.testing.assert_array_equal(env.reset(seed=SEED)[0], first)
    np.testing.assert_array_equal(env.reset()[0], second)
    np.testing.assert_array_equal(env.reset(seed=[SEED + i for i in range(NUM_ENVS)])[0], first)
    np.testing.assert_allclose(make(env_id).reset(seed=SEED + 1)[0][:-1], first[1:], atol=NEAR)
    anew = [make(env_id).reset()[0] for _ in range(2)]
    assert not np.array_equal(*anew), "the first reset without a seed is random"
    with pytest.raises(ValueError, match="3 seeds for 5"):
        env.reset(seed=[1, 2, 3])


@EACH_TASK
def test_reset_mask_leaves_the_others_alone(env_id):
    env = make(env_id)
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


@EACH_TASK
def test_controls_that_are_not_offered(env_id):
    one, _, all_of_them = CONTROLS[env_id]
    message = rf"^controls=5 is not offered: give {one} \(.*\) or {all_of_them} \(all\)$"
    for build in (make, gym.make):
        with pytest.raises(UserError, match=message):
            build(env_id, controls=5)


@EACH_TASK
def test_a_brief_or_an_option_that_makes_no_sense(env_id):
    """One line that names it, from the constructor and from the reset; and nothing has changed."""
    env = make(env_id)
    observations, _ = env.reset(seed=SEED)
    name = next(iter(env.entries))
    mistakes = [
        ({name[:-1]: 1}, f"unknown entry of the brief '{name[:-1]}'; did you mean '{name}'"),
        (7, "brief=7 is no brief: give a dict with some of "),
        ("heroo", "unknown brief 'heroo'" if env.briefs else "brief='heroo' is no brief: give a dict with some of "),
    ]
    for brief, message in mistakes:
        with pytest.raises(UserError) as built:
            make(env_id, brief=brief)
        with pytest.raises(UserError) as reset:
            env.reset(options={"brief": brief})
        assert message in str(built.value) and str(reset.value) == str(built.value) and "\n" not in str(built.value)
    with pytest.raises(UserError, match="unknown reset option 'breif'; did you mean 'brief'"):
        env.reset(options={"breif": {}})
    np.testing.assert_array_equal(env.restore(env.state()), observations)


@EACH_TASK
def test_a_brief_takes_the_yardsticks_away(env_id):
    """They were measured over all briefs."""
    briefs = {"rlfilm/Character-v0": {"gesture": "bow"}}
    env = make(env_id, brief=briefs.get(env_id) or next(iter(make(env_id).briefs)))
    assert env.metadata["yardsticks"] == {} and env.brief
    assert make(env_id, brief={}).metadata["yardsticks"] and type(env).metadata["yardsticks"]


@EACH_CONTROLS
def test_gymnasiums_checker_is_content(env_id, controls):
    env = gym.make(env_id, controls=controls, render_mode="rgb_array")
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
    env = make(num_envs=2, render_mode="rgb_array")
    env.reset(seed=SEED)
    pictures = env.render()
    assert len(pictures) == 2
    assert all(picture.shape == (360, 640, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert not np.array_equal(*pictures)
    assert make(num_envs=2).render() is None
    with pytest.raises(ValueError, match="unknown render_mode 'ascii'"):
        BatchEnv.__init__(make(num_envs=2), 2, env.single_observation_space, env.single_action_space, "ascii")


def test_random_policy():
    env = make(num_envs=1000, controls=3)
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
