import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import rollout as module
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.rl.rollout import Collector, collect_episodes

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


def collector(*clocks, num_steps, **statistics):
    env = gym.vector.SyncVectorEnv(
        [lambda clock=clock: clock for clock in clocks], autoreset_mode=gym.vector.AutoresetMode.SAME_STEP
    )
    weights = initialize(np.random.default_rng(0), SPACE, Clock.action_space, (4,), log_std_init=1.0)
    return Collector(env, 0, num_steps), Policy(weights, SPACE, Clock.action_space, **statistics)


def test_episodes_run_on_from_one_rollout_to_the_next():
    playing, policy = collector(Clock(3), Clock(5), num_steps=4)
    first, second = playing.collect(policy, 0), playing.collect(policy, 1)
    np.testing.assert_array_equal(first.observations[..., 0], [[0, 0], [1, 1], [2, 2], [0, 3]])
    np.testing.assert_array_equal(second.observations[..., 0], [[1, 4], [2, 0], [0, 1], [1, 2]])
    np.testing.assert_array_equal(first.elapsed, [0, 0])
    np.testing.assert_array_equal(second.elapsed, [1, 4])
    np.testing.assert_array_equal(first.episode_returns, [1 + 4 + 9])
    np.testing.assert_array_equal(sorted(second.episode_returns), [14, 1 + 4 + 9 + 16 + 25])
    np.testing.assert_array_equal(sorted(second.episode_lengths), [3, 5])
    assert first.valid.all() and first.steps == 8


def test_an_episode_that_ends_with_the_rollout_is_counted_once():
    playing, policy = collector(Clock(4), num_steps=4)
    for iteration in range(3):
        rollout = playing.collect(policy, iteration)
        np.testing.assert_array_equal(rollout.episode_lengths, [4])
        np.testing.assert_array_equal(rollout.cut_at, np.empty((0, 2)))  # terminated: nothing follows


def test_the_last_row_is_cut_and_bootstrapped_from_what_follows():
    playing, policy = collector(Clock(3, truncates=True), Clock(9), num_steps=5)
    rollout = playing.collect(policy, 0)
    np.testing.assert_array_equal(rollout.cut_at, [[2, 0], [4, 0], [4, 1]])
    np.testing.assert_array_equal(rollout.cut_inputs, [[3], [2], [5]])


def test_the_step_of_a_bad_number_is_counted_from_the_start_of_its_episode():
    playing, policy = collector(Clock(9), Clock(9, poison=("reward", 6)), num_steps=4)
    playing.collect(policy, 0)
    with pytest.raises(UserError, match="reward is inf in environment 1 at step 6 of the episode"):
        playing.collect(policy, 1)


def test_a_restored_collector_goes_on_number_by_number():
    """On our environments; what it plays is the same as if it had never stopped."""
    import rlfilm_lib as rlfilm

    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=3)
    spaces = env.single_observation_space, env.single_action_space
    policy = Policy(initialize(np.random.default_rng(0), *spaces, (8,)), *spaces)
    playing = Collector(env, 5, 20)
    playing.collect(policy, 0)
    assert playing.exact
    state = playing.state()
    expected = [playing.collect(policy, iteration) for iteration in (1, 2)]
    again = Collector(rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=3), 5, 20, state)
    for iteration, rollout in enumerate(expected, start=1):
        found = again.collect(policy, iteration)
        for name in ("observations", "actions", "rewards", "ended", "episode_returns", "elapsed"):
            np.testing.assert_array_equal(getattr(found, name), getattr(rollout, name), err_msg=name)


def test_a_foreign_environment_begins_anew():
    playing, policy = collector(Clock(9), num_steps=4)
    playing.collect(policy, 0)
    assert playing.state() == {} and not playing.exact
