import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import rollout as module
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.rl.rollout import collect_episodes

SPACE = gym.spaces.Box(-100, 100, (1,))


class Clock(gym.Env):
    """Counts its steps; the observation is the count, the reward its square. Ends after `length`, in the way told."""

    observation_space, action_space = SPACE, gym.spaces.Box(-1, 1, (1,))

    def __init__(self, length, truncates=False, poison=None):
        self.length, self.truncates, self.poison, self.actions = length, truncates, poison, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        self.actions.append(action)
        over = self.time == self.length
        observation = np.full(1, np.nan if self.poison == ("observation", self.time) else self.time, np.float32)
        reward = np.inf if self.poison == ("reward", self.time) else float(self.time**2)
        return observation, reward, over and not self.truncates, over and self.truncates, {}


def play(*clocks, mode=gym.vector.AutoresetMode.SAME_STEP, **statistics):
    env = gym.vector.SyncVectorEnv([lambda clock=clock: clock for clock in clocks], autoreset_mode=mode)
    weights = initialize(np.random.default_rng(0), SPACE, Clock.action_space, (4,), log_std_init=1.0)
    policy = Policy(weights, SPACE, Clock.action_space, **statistics)
    return collect_episodes(env, policy, seed=0, iteration=0), policy


def test_one_whole_episode_each():
    rollout, _ = play(Clock(2), Clock(5, truncates=True), Clock(3))
    np.testing.assert_array_equal(rollout.valid.sum(axis=0), [2, 5, 3])
    np.testing.assert_array_equal(rollout.episode_lengths, [2, 5, 3])
    np.testing.assert_array_equal(rollout.episode_returns, [1 + 4, 1 + 4 + 9 + 16 + 25, 1 + 4 + 9])
    np.testing.assert_array_equal(rollout.observations[:, 1, 0], [0, 1, 2, 3, 4])
    assert rollout.steps == 15  # the waiting steps were taken too
    assert rollout.ended[rollout.valid].sum() == 3
    assert rollout.terminated[1, 0] and rollout.truncated[4, 1] and rollout.terminated[2, 2]


def test_only_the_truncated_end_is_bootstrapped_from_its_final_observation():
    rollout, policy = play(Clock(2), Clock(5, truncates=True), Clock(3, truncates=True))
    np.testing.assert_array_equal(rollout.cut_at, [[2, 2], [4, 1]])
    np.testing.assert_array_equal(rollout.cut_inputs, [[3], [5]])  # not the zeros of the reset that followed
    expected = np.zeros((5, 3))
    expected[2, 2], expected[4, 1] = policy.value(np.array([[3.0], [5.0]], np.float32))
    np.testing.assert_allclose(rollout.bootstrap(policy), expected, rtol=1e-6)


def test_unclipped_actions_are_stored_and_clipped_ones_played():
    clock = Clock(50)
    rollout, _ = play(clock)
    assert np.abs(rollout.actions).max() > 1 >= np.abs(clock.actions).max()
    np.testing.assert_allclose(np.clip(rollout.actions[:, 0], -1, 1), clock.actions)


def test_inputs_are_normalised_and_observations_raw():
    rollout, _ = play(Clock(3), obs_mean=np.array([1.0]), obs_var=np.array([4.0]))
    np.testing.assert_array_equal(rollout.observations.ravel(), [0, 1, 2])
    np.testing.assert_allclose(rollout.inputs.ravel(), [-0.5, 0, 0.5], atol=1e-6)


def test_the_other_autoreset_is_refused():
    with pytest.raises(UserError, match="autoreset mode NEXT_STEP is not supported: make the environment with rlfilm"):
        play(Clock(2), mode=gym.vector.AutoresetMode.NEXT_STEP)


@pytest.mark.parametrize("name", ["observation", "reward"])
def test_numbers_that_are_not_finite_are_named_with_their_step(name):
    with pytest.raises(UserError, match=rf"{name} is (nan|inf) in environment 1 at step 3 of the episode"):
        play(Clock(9), Clock(9, poison=(name, 3)))


def test_a_poisoned_final_observation_is_noticed():
    with pytest.raises(UserError, match="observation is nan"):
        play(Clock(3, truncates=True, poison=("observation", 3)))


def test_a_policy_that_has_diverged_is_not_blamed_on_the_environment():
    with pytest.raises(UserError, match="action is nan in environment 0 at step 0 .*: the policy has diverged"):
        play(Clock(3), obs_mean=np.array([np.nan]), obs_var=np.array([1.0]))


def test_an_episode_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(module, "ENDLESS", 50)
    with pytest.raises(UserError, match="no end of episode within 50 steps: give the environment a time limit"):
        play(Clock(10**9))
