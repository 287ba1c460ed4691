import gymnasium as gym
import numpy as np

from rlfilm_lib.rl.batch import Batch, generalized, minibatches, monte_carlo, standardize
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.rl.returns import gae
from rlfilm_lib.rl.rollout import Collector, collect_episodes


def a_rollout(num_steps=None):
    env = gym.vector.SyncVectorEnv(
        [lambda: gym.make("CartPole-v1", max_episode_steps=25)] * 3,
        autoreset_mode=gym.vector.AutoresetMode.SAME_STEP,
    )
    spaces = env.single_observation_space, env.single_action_space
    policy = Policy(initialize(np.random.default_rng(0), *spaces, (8,)), *spaces)
    if num_steps is None:
        return collect_episodes(env, policy, 0, 0), policy
    return Collector(env, 0, num_steps).collect(policy, 0), policy


def test_rows_of_a_batch_belong_together():
    rollout, policy = a_rollout(num_steps=20)
    batch = generalized(rollout, policy, 0.9, 0.8)
    advantages = gae(rollout.rewards, rollout.values(policy), rollout.ended, 0.9, 0.8, rollout.bootstrap(policy))
    for t, n in ((0, 0), (7, 1), (19, 2)):
        row = t * 3 + n
        np.testing.assert_array_equal(batch.inputs[row], rollout.inputs[t, n])
        assert batch.actions[row] == rollout.actions[t, n]
        assert batch.log_probs[row] == rollout.log_probs[t, n]
        assert batch.advantages[row] == advantages[t, n]
        assert batch.returns[row] == advantages[t, n] + batch.values[row]
    assert len(batch.values) == 60


def test_whole_episodes_leave_out_the_steps_of_waiting():
    rollout, policy = a_rollout()
    batch = monte_carlo(rollout, policy, 0.9, baseline=True)
    assert len(batch.values) == rollout.valid.sum() < rollout.rewards.size
    np.testing.assert_allclose(batch.advantages, batch.returns - batch.values)
    np.testing.assert_array_equal(monte_carlo(rollout, policy, 0.9, baseline=False).advantages, batch.returns)


def test_each_epoch_sees_every_row_once():
    batch = Batch(*(np.arange(12) + 100 * field for field in range(6)))
    dealt = minibatches(batch, np.random.default_rng(0), 4, epochs=3)
    order = dealt.inputs
    assert order.shape == (9, 4)
    for field, column in enumerate(dealt):  # rows stay together
        np.testing.assert_array_equal(column, order + 100 * field)
    for epoch in order.reshape(3, 12):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(12))
    assert (order[:3] != order[3:6]).any()
    assert minibatches(batch, np.random.default_rng(0), 99, epochs=3).values.shape == (3, 12)  # at most the batch


def test_each_minibatch_is_standardised_by_its_own():
    rows = standardize(np.random.default_rng(0).standard_normal((5, 64)) * 7 + 3)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(standardize(np.ones((2, 3))), 0)  # no division by zero
