import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.evaluate import bootstrap_interval


def push_left(observations, deterministic=True):
    return np.zeros(len(observations), int)


def test_every_environment_plays_the_same_number_and_the_seed_decides():
    first = rlfilm.evaluate(push_left, "CartPole-v1", episodes=130, seed=3)
    again = rlfilm.evaluate(push_left, "CartPole-v1", episodes=130, seed=3)
    other = rlfilm.evaluate(push_left, "CartPole-v1", episodes=130, seed=4)
    assert len(first.returns) == 130 and 8 <= first.returns.min() <= first.returns.max() <= 11
    np.testing.assert_array_equal(first.returns, again.returns)
    assert (first.returns != other.returns).any()
    assert first.return_mean == pytest.approx(first.returns.mean()) and first.normalised_score is None
    assert first.ci95[0] < first.return_mean < first.ci95[1]
    assert set(first.summary()) == {"return_mean", "return_sd", "ci95", "episodes", "normalised_score"}


def test_interval_is_the_textbook_one_for_a_large_sample():
    """For many values the bootstrap interval of a mean is ±1.96 standard errors."""
    values = np.random.default_rng(0).normal(5, 2, 2000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_yardsticks_score_as_stated():
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=1)
    for policy, score in ((env.random_policy(0), 0.0), (env.expert_policy(), 1.0)):
        result = rlfilm.evaluate(policy, "rlfilm/MovieScene-v0", episodes=192, seed=9)
        assert result.normalised_score == pytest.approx(score, abs=0.06)


def test_one_brief_is_not_scored_on_the_yardstick_of_all():
    expert = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=1).expert_policy()
    assert rlfilm.evaluate(expert, "rlfilm/MovieScene-v0", episodes=4, brief="close").normalised_score is None


def test_bad_input_is_named():
    with pytest.raises(UserError, match="episodes=0 is out of range: give 1 or more"):
        rlfilm.evaluate(push_left, "CartPole-v1", episodes=0)
    with pytest.raises(UserError, match="unknown environment 'CartPole-v9'; did you mean 'CartPole-v"):
        rlfilm.evaluate(push_left, "CartPole-v9")


def test_a_policy_of_another_environment_is_refused(any_backend):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("CartPole-v1", num_envs=1), backend=any_backend)
    with pytest.raises(UserError, match="do not fit Pendulum-v1"):
        rlfilm.evaluate(learner.policy(), "Pendulum-v1")
