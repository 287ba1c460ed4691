import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError


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


class Ticking(gym.Env):
    """Two steps to an episode; the observation or the reward of the third episode's second step is what it is told."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (1,)), gym.spaces.Discrete(2)

    def __init__(self, observation=0.0, reward=1.0, ends=True):
        self.observation, self.reward, self.ends, self.steps = observation, reward, ends, 0

    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        bad = self.steps == 6
        observation = np.full(1, self.observation if self.steps == 5 else 0, np.float32)
        return observation, self.reward if bad else 1.0, self.ends and self.steps % 2 == 0, False, {}


@pytest.fixture
def ticking():
    gym.register("Ticking-v0", Ticking, disable_env_checker=True)
    yield "Ticking-v0"
    del gym.registry["Ticking-v0"]


def test_what_is_not_finite_is_named_with_its_step(ticking):
    assert rlfilm.evaluate(push_left, ticking, episodes=1).return_mean == 2
    with pytest.raises(UserError, match="reward is nan in environment 0 at step 2 of the episode"):
        rlfilm.evaluate(push_left, ticking, episodes=67, reward=np.nan)  # a prime: one environment plays them all
    with pytest.raises(UserError, match="observation is inf in environment 0 at step 1 of the episode"):
        rlfilm.evaluate(push_left, ticking, episodes=67, observation=np.inf)


def test_an_episode_without_end_is_refused(ticking, monkeypatch):
    monkeypatch.setattr("rlfilm_lib.rl.rollout.ENDLESS", 50)
    with pytest.raises(UserError, match="no end of episode within 50 steps"):
        rlfilm.evaluate(push_left, ticking, episodes=1, ends=False)


def test_a_policy_for_another_number_of_choices_is_refused(any_backend):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("FrozenLake-v1", num_envs=1), backend=any_backend)
    with pytest.raises(UserError, match="observations, Discrete 16, do not fit FrozenLake8x8-v1, Discrete 64"):
        rlfilm.evaluate(learner.policy(), "FrozenLake8x8-v1")


def test_a_policy_of_another_environment_is_refused(any_backend):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("CartPole-v1", num_envs=1), backend=any_backend)
    with pytest.raises(UserError, match="do not fit Pendulum-v1"):
        rlfilm.evaluate(learner.policy(), "Pendulum-v1")
