"""FrameGen: the process against its closed form, pictures against real clips and damaged ones."""

import itertools
import warnings
from importlib.util import find_spec

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.frame_gen import DEVIATION, MATRIX, FrameGen, optimal_gains
from rlfilm_lib.envs.yardsticks import episode_returns
from rlfilm_lib.errors import UserError

ID = "rlfilm/FrameGen-v0"
sklearn = pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not installed")
EACH = list(itertools.product(["reinforce", "actor-critic", "ppo"], rlfilm.backends()))
CONTROLS = pytest.mark.parametrize("controls", [2, pytest.param(32, marks=sklearn)])


def likeliest(observations):
    """What maximum likelihood would choose for the process."""
    return observations[:, 2:4] + (observations[:, :2] - observations[:, 2:4]) @ MATRIX.T


# The process


def test_a_step_by_hand():
    env = FrameGen(1, controls=2)
    observation, _ = env.reset(seed=0)
    place, centre = observation[0, :2], observation[0, 2:4]
    new = place + np.array([0.3, -0.4], np.float32)
    after, reward, terminated, truncated, info = env.step(new[None])
    terms = {name: float(term[0]) for name, term in info["reward_terms"].items()}
    missed = new - centre - MATRIX @ (place - centre)
    assert terms["realism"] == pytest.approx(1 - (missed @ missed) / (2 * 0.09), rel=1e-4)
    assert terms["coherence"] == pytest.approx(1 - 0.25 / (2 * 0.25), rel=1e-4)
    assert terms["caption"] == pytest.approx(1 - ((new - centre) ** 2).sum() / 2, rel=1e-4)
    assert terms["look"] == terms["beat"] == 0
    assert reward[0] == pytest.approx(0.3 * terms["realism"] + 0.1 * terms["coherence"] + 0.3 * terms["caption"])
    np.testing.assert_allclose(after[0], [*new, *centre, 1 / 16], rtol=1e-6)
    assert not terminated[0] and not truncated[0]


@pytest.mark.parametrize("frames", [8, 16, 32])
def test_the_expert_earns_what_the_closed_form_says(frames):
    env = FrameGen(64, controls=2, frames=frames)
    observations, _ = env.reset(seed=3)
    away = ((observations[:, :2] - observations[:, 2:4]) ** 2).sum(axis=1)
    expected = 0.7 * frames - 0.5 * optimal_gains(frames)[1][0] * away
    np.testing.assert_allclose(episode_returns(env, env.expert_policy(), seed=3), expected, atol=1e-4)


def test_no_other_linear_rule_earns_more():
    """Against random changes of the gains, of all steps alike and of each by itself."""
    env = FrameGen(256, controls=2)
    best = episode_returns(env, env.expert_policy(), seed=0).mean()
    gains, _ = optimal_gains(16)
    rng = np.random.default_rng(0)

    def play(gains):
        def policy(observations):
            step = np.rint(observations[:, 4] * 16).astype(int)
            return observations[:, 2:4] + np.einsum(
                "nij,nj->ni", gains[step], observations[:, :2] - observations[:, 2:4]
            )

        return episode_returns(env, policy, seed=0).mean()

    for strength in (0.02, 0.1, 0.3):
        for _ in range(5):
            assert play(gains + strength * rng.standard_normal(gains.shape)) < best
            assert play(gains + strength * rng.standard_normal((2, 2))) < best
    assert play(gains) == pytest.approx(best, abs=1e-5)


def test_the_riccati_recursion_against_a_solved_system():
    """Two steps: the loss is a quadratic of both choices at once, and is minimised by solving for them."""
    alpha, beta, gamma = (FrameGen.weights[name] / deviation**2 for name, deviation in DEVIATION.items())
    e, one = np.array([1.3, -0.7]), np.eye(2)
    pull = alpha * MATRIX + beta * one
    stiff = (alpha + beta + gamma) * one
    keep = alpha * (MATRIX.T @ MATRIX) + beta * one
    system = np.block([[stiff + keep, -pull.T], [-pull, stiff]])
    choices = np.linalg.solve(system, np.concatenate([pull @ e, np.zeros(2)]))
    gains, _ = optimal_gains(2)
    np.testing.assert_allclose(gains[0] @ e, choices[:2])
    np.testing.assert_allclose(gains[1] @ gains[0] @ e, choices[2:])


def test_on_a_pull_the_best_gains_are_those_of_more_realism():
    """The pull to the likeliest is half as much weight on realism; see `rl.supervised.Pulled`."""
    from rlfilm_lib.rl.supervised import Pulled

    def earned(gains, pull):
        env = Pulled(FrameGen(128, controls=2), likeliest, pull, DEVIATION["realism"])
        observations, _ = env.reset(seed=0)
        total = 0.0
        for gain in gains:
            e = observations[:, :2] - observations[:, 2:4]
            observations, reward, *_ = env.step((observations[:, 2:4] + e @ gain.T).astype(np.float32))
            total += reward.mean()
        return total

    def gains(pull):
        return optimal_gains(16, FrameGen.weights | {"realism": 0.3 + pull / 2})[0]

    for pull in (0.5, 5.0):
        rivals = [gains(pull * factor) for factor in (0, 0.5, 0.8, 1.25, 2)]
        assert all(earned(gains(pull), pull) > earned(rival, pull) + 1e-4 for rival in rivals)
    np.testing.assert_allclose(gains(1e6), np.broadcast_to(MATRIX, (16, 2, 2)), atol=1e-5)


def test_maximum_likelihood_is_real_and_not_the_optimum():
    env = FrameGen(256, controls=2)
    observations, _ = env.reset(seed=0)
    _, _, _, _, info = env.step(likeliest(observations))
    np.testing.assert_allclose(info["reward_terms"]["realism"], 1, atol=1e-5)
    returns = {name: episode_returns(env, policy, seed=0).mean() for name, policy in
               {"ml": likeliest, "best": env.expert_policy(), "random": env.random_policy(0)}.items()}  # fmt: skip
    assert returns["random"] < returns["ml"] < returns["best"] - 1


def test_stored_yardsticks_of_the_process_hold():
    """The expert's mean over all beginnings is 0.7 · 16 - p₀ (E|e|² = 2), within four standard errors of 4,096."""
    stored = FrameGen.metadata["yardsticks"][2]
    loss = optimal_gains(16)[1][0]
    deviation = 0.5 * loss * np.sqrt(2 * (9 / 5 - 1))  # of |e|², e even: each dimension's e² has variance 9/5 - 1
    assert stored["expert"] == pytest.approx(0.7 * 16 - loss, abs=4 * deviation / 64 + 0.005)
    env = FrameGen(1024, controls=2)
    random = episode_returns(env, env.random_policy(1), seed=77)
    assert stored["random"] == pytest.approx(random.mean(), abs=5 * random.std() / 32)


# Both


@CONTROLS
def test_gymnasium_accepts_it(controls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(gym.make(ID, controls=controls).unwrapped, skip_render_check=True)


@CONTROLS
def test_a_batch_is_so_many_single_ones(controls):
    batch = FrameGen(3, controls=controls, frames=8)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-2, 2, (20, 3, controls)).astype(np.float32)
    seen, earned = [batch.reset(seed=5)[0]], []
    for action in actions:
        observations, rewards, *_ = batch.step(action)
        seen.append(observations)
        earned.append(rewards)
    for i in range(3):
        env = gym.make(ID, controls=controls, frames=8)
        observation, _ = env.reset(seed=5 + i)
        for t in range(20):
            np.testing.assert_allclose(observation, seen[t][i], atol=1e-4)
            observation, reward, _, over, _ = env.step(actions[t, i])
            assert reward == pytest.approx(earned[t][i], rel=1e-3, abs=1e-3)
            if over:
                observation, _ = env.reset()


@CONTROLS
def test_a_state_is_gone_back_to(controls):
    env = FrameGen(4, controls=controls)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-2, 2, (12, 4, controls)).astype(np.float32)
    for action in actions[:6]:
        env.step(action)
    state = env.state()
    first = [env.step(action)[:2] for action in actions[6:]]
    env.restore(state)
    for (observations, rewards), action in zip(first, actions[6:], strict=True):
        again = env.step(action)
        assert np.array_equal(again[0], observations) and np.array_equal(again[1], rewards)


@CONTROLS
def test_it_ends_after_its_frames_and_shows_pictures(controls):
    env = FrameGen(2, controls=controls, frames=8, render_mode="rgb_array")
    env.reset(seed=0)
    states = [env.state()]
    for t in range(8):
        _, _, _, truncated, _ = env.advance(np.zeros((2, controls), np.float32))
        states.append(env.state())
        assert np.all(truncated == (t == 7))
    pictures = env.render()
    assert len(pictures) == 2 and pictures[0].shape == (256, 256, 3) and pictures[0].dtype == np.uint8
    assert len(env.clip(states, 1)) == 8
    with pytest.raises(UserError, match="no take"):
        env.take(states)


def test_refused():
    with pytest.raises(UserError, match="controls=3 is not offered"):
        FrameGen(1, controls=3)
    with pytest.raises(UserError, match="4 frames"):
        FrameGen(1, controls=2, frames=4)
    with pytest.raises(UserError, match="2 environments cannot begin with each clip"):
        FrameGen(2, controls=2).begin_with_all()
    with pytest.raises(UserError, match="unknown set of clips 'held out'; did you mean 'held-out'"):
        FrameGen(1, controls=2, clips="held out")


# Pictures


@sklearn
def test_the_beginning_is_the_reference_and_the_observation_says_what_is_asked():
    env = FrameGen(3)
    observations, _ = env.reset(seed=0)
    source, clip = env.source, env._clip[0]
    for k in range(3):
        np.testing.assert_allclose(observations[:, 32 * k : 32 * (k + 1)], source.reference[:, clip].T, atol=1e-5)
    np.testing.assert_allclose(observations[:, 96:120], source.text[:, clip].T, atol=1e-5)
    np.testing.assert_allclose(observations[:, 152], source.pulse[clip, 0], atol=1e-6)
    new = np.random.default_rng(0).uniform(-1, 1, (3, 32)).astype(np.float32)
    after, *_ = env.step(new)
    np.testing.assert_allclose(after[:, :32], new)
    np.testing.assert_allclose(after[:, 32:64], observations[:, :32])
    np.testing.assert_allclose(after[:, 152:], np.stack([source.pulse[clip, 1], np.full(3, 1 / 16)], axis=1), atol=1e-6)


def damaged(expert, how):
    """A policy that shows the real clip's next frame, damaged."""
    rng = np.random.default_rng(0)

    def policy(observations):
        actions = expert(observations)
        if how == "noise":
            return actions + 0.7 * rng.standard_normal(actions.shape).astype(np.float32)
        if how == "frozen":
            return observations[:, :32]
        if how == "of another clip":
            return np.roll(actions, 1, axis=0)
        return 0.6 * actions

    return policy


@sklearn
def test_every_damage_costs_what_it_should():
    env = FrameGen(256, clips="held-out")

    def mean_terms(policy):
        observations, _ = env.reset(seed=0)
        found = []
        for _ in range(16):
            observations, _, _, _, terms = env.advance(policy(observations))
            found.append(terms.mean(axis=1))
        return dict(zip(env.weights, np.mean(found, axis=0), strict=True))

    expert = env.expert_policy()
    real = mean_terms(expert)
    assert real["realism"] > 0.85 and real["coherence"] > 0.9 and real["caption"] > 0.85
    assert real["look"] > 0.8 and real["beat"] > 0.8
    hit = {how: mean_terms(damaged(expert, how)) for how in ("noise", "frozen", "of another clip", "faded")}
    costs = {
        "noise": ("realism",),
        "frozen": ("coherence", "beat"),
        "of another clip": ("caption", "look", "beat"),
        "faded": ("realism",),
    }
    for how, terms in costs.items():
        for term in terms:
            assert hit[how][term] < real[term] - 0.15, (how, term)


@sklearn
@pytest.mark.parametrize(("algorithm", "backend"), EACH)
def test_the_learners_of_the_course_take_it_as_it_is(algorithm, backend):
    env = rlfilm.make_vec(ID, num_envs=8, frames=8)
    learner = rlfilm.learner(algorithm, env, backend=backend, seed=0, hidden_sizes=[16])
    history = rlfilm.train(learner, env, steps=128, progress=False)
    assert np.isfinite(history[-1]["policy_loss"])


@pytest.mark.slow
def test_ppo_comes_near_the_optimum_of_the_process():
    """From maximum likelihood, that is 8.3, up towards 10.4."""
    pytest.importorskip("torch")
    from rlfilm_lib.rl import supervised
    from rlfilm_lib.rl.preference import start_from

    env = FrameGen(256, controls=2)
    observations, _ = env.reset(seed=0)
    seen = []
    for _ in range(16):
        seen.append(observations)
        observations, *_ = env.advance(likeliest(observations))
    seen = np.concatenate(seen)
    spaces = env.single_observation_space, env.single_action_space
    first = supervised.fit(seen, likeliest(seen), *spaces, (32, 32), steps=800, learning_rate=3e-3)
    first.weights["log_std"][:] = -1.5
    env = rlfilm.make_vec(ID, num_envs=64, controls=2)
    settings = {"num_steps": 16, "minibatch_size": 256, "epochs": 5, "learning_rate": 1e-3, "anneal": True}
    settings |= {"hidden_sizes": [32, 32], "normalize_observations": False, "max_grad_norm": 2.0}
    learner = rlfilm.learner("ppo", env, backend="pytorch", seed=0, **settings)
    start_from(learner, first)
    before = rlfilm.evaluate(learner.policy(), ID, episodes=64, seed=1, controls=2).return_mean
    rlfilm.train(learner, env, steps=60_000, progress=False)
    after = rlfilm.evaluate(learner.policy(), ID, episodes=64, seed=1, controls=2).return_mean
    best = rlfilm.evaluate(FrameGen(1, controls=2).expert_policy(), ID, episodes=64, seed=1, controls=2).return_mean
    assert before < best - 1.5 and after > best - 0.4


@sklearn
def test_a_policy_that_copies_makes_the_clips_it_was_asked_for():
    """Its actions are the latents of the clips, in their order: every clip must begin in its own environment."""
    from rlfilm_lib.envs.frame_gen import Critics, perform
    from rlfilm_lib.video import data

    asked = data.make(5, 77)
    codec = Critics.load().codec
    latents = iter(np.moveaxis(codec.encode(asked.frames), 1, 0))
    seen = []

    def copy(observations, deterministic):
        seen.append(observations)
        return next(latents)

    made = perform(copy, asked)
    np.testing.assert_array_equal(made, codec.decode(codec.encode(asked.frames)))
    np.testing.assert_allclose(seen[0][:, :32], codec.encode(asked.reference), atol=1e-5)
    np.testing.assert_allclose(np.stack(seen, 1)[:, :, -2], data.pulse(asked.onsets), atol=1e-6)
