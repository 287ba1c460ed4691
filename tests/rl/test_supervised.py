"""A supervised start: where the likeliest policy is known, it is found."""

import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import supervised
from rlfilm_lib.rl.policy import gaussian_log_prob, mlp


def box(size):
    return gym.spaces.Box(-9, 9, (size,), np.float32)


@pytest.fixture(scope="module")
def shown():
    """Actions that are a linear map of the observations, and noise of two strengths."""
    rng = np.random.default_rng(0)
    seen = rng.uniform(-1, 1, (4000, 3)).astype(np.float32)
    matrix = np.array([[1.0, -0.5], [0.3, 0.8], [0.0, 0.4]])
    return seen, (seen @ matrix + rng.standard_normal((4000, 2)) * [0.1, 0.3]).astype(np.float32), matrix


@pytest.fixture(scope="module")
def policy(shown):
    seen, actions, _ = shown
    return supervised.fit(seen, actions, box(3), box(2), (16,), steps=1200, learning_rate=1e-2)


def test_mean_and_deviation_are_those_of_the_likeliest_gaussian(shown, policy):
    matrix = shown[2]
    fresh = np.random.default_rng(1).uniform(-1, 1, (500, 3)).astype(np.float32)
    np.testing.assert_allclose(policy(fresh), fresh @ matrix, atol=0.12)
    np.testing.assert_allclose(np.exp(policy.weights["log_std"]), [0.1, 0.3], rtol=0.1)


def test_it_comes_close_to_the_likelihood_of_the_truth(shown, policy):
    seen, actions, matrix = shown
    truth = gaussian_log_prob(actions, seen @ matrix, np.log([0.1, 0.3])).mean()
    found = gaussian_log_prob(actions, mlp(policy.weights, "actor", seen), policy.weights["log_std"]).mean()
    assert truth - 0.05 < found < truth + 0.05


def test_choices_are_imitated_too():
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((2000, 2)).astype(np.float32)
    chosen = (seen[:, 0] > seen[:, 1]).astype(np.int64)
    policy = supervised.fit(seen, chosen, box(2), gym.spaces.Discrete(2), (16,), steps=400, learning_rate=1e-2)
    assert np.mean(policy(seen) == chosen) > 0.97


def test_one_seed_one_policy():
    seen = np.random.default_rng(0).standard_normal((64, 2)).astype(np.float32)
    first, second = (supervised.fit(seen, seen, box(2), box(2), (8,), steps=20) for _ in range(2))
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    other = supervised.fit(seen, seen, box(2), box(2), (8,), steps=20, seed=1)
    assert not np.array_equal(first.weights["actor/0/kernel"], other.weights["actor/0/kernel"])


# The pull


def process(pull):
    """The linear-Gaussian process, pulled to its likeliest next place."""
    from rlfilm_lib.envs.frame_gen import DEVIATION, MATRIX, FrameGen

    def likeliest(observations):
        return observations[:, 2:4] + (observations[:, :2] - observations[:, 2:4]) @ MATRIX.T

    return supervised.Pulled(FrameGen(16, controls=2), likeliest, pull, DEVIATION["realism"])


def test_of_the_process_a_pull_is_more_realism():
    """Its realism is 1 - |z' - m|² / 2 q², so that a pull to m with σ = q takes away pull · (1 - realism) / 2."""
    rng = np.random.default_rng(0)
    free, held = process(0.0), process(0.8)
    for env in (free, held):
        env.reset(seed=3)
    for _ in range(20):  # beyond an episode's end
        actions = rng.uniform(-2, 2, (16, 2)).astype(np.float32)
        (seen, reward, *_, info), (again, less, *_) = free.step(actions), held.step(actions)
        np.testing.assert_array_equal(seen, again)
        np.testing.assert_allclose(reward - less, 0.4 * (1 - info["reward_terms"]["realism"]), rtol=1e-4, atol=1e-5)


def test_the_learners_of_the_course_take_a_pulled_environment():
    import rlfilm_lib as rlfilm

    if not rlfilm.backends():
        pytest.skip("no framework is installed")
    env = process(0.1)
    for algorithm in ("reinforce", "actor-critic", "ppo"):
        settings = {"num_steps": 16} if algorithm != "reinforce" else {}
        learner = rlfilm.learner(algorithm, env, seed=0, hidden_sizes=[8], **settings)
        history = rlfilm.train(learner, env, steps=512, progress=False)
        assert np.isfinite(history[-1]["policy_loss"])


def test_a_pull_that_pushes_is_refused():
    with pytest.raises(UserError, match="pull=-1"):
        process(-1)
