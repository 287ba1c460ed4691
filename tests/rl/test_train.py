import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.train import COLUMNS


def weights_of(folder):
    return rlfilm.load(folder).weights


def train_a_little(backend, seed=0, steps=400, env_id="CartPole-v1", **settings):
    env = rlfilm.make_vec(env_id, num_envs=4)
    learner = rlfilm.learner("reinforce", env, backend=backend, seed=seed, **{"hidden_sizes": (16,), **settings})
    return learner, rlfilm.train(learner, env, steps=steps, progress=False)


def test_one_seed_twice_is_identical_two_seeds_differ(backend):
    first, again, other = (train_a_little(backend, seed)[0].weights() for seed in (0, 0, 1))
    np.testing.assert_equal(first, again)
    assert any((first[name] != other[name]).any() for name in first)


def test_history_has_the_published_columns_and_whole_iterations(backend):
    learner, history = train_a_little(backend, steps=1000)
    assert learner.steps >= 1000 > history[-2]["steps"]
    assert set(history[0]) == set(COLUMNS) - {"approx_kl", "clip_fraction"}  # those belong to PPO
    np.testing.assert_array_equal(history.column("iteration"), np.arange(1, len(history) + 1))
    assert (np.diff(history.column("wall_s")) > 0).all()
    assert history[0]["return_mean"] == history[0]["episode_length"]  # CartPole pays 1 per step


def test_annealing_lowers_the_rate_linearly(any_backend):
    _, history = train_a_little(any_backend, steps=1000, anneal=True, learning_rate=1e-3)
    done = np.concatenate([[0], history.column("steps")[:-1]])
    np.testing.assert_allclose(history.column("learning_rate"), 1e-3 * (1 - done / 1000))


def test_a_loss_that_is_not_finite_is_named_and_the_last_good_state_kept(backend, tmp_path):
    env = rlfilm.make_vec("CartPole-v1", num_envs=4)
    learner = rlfilm.learner("reinforce", env, backend=backend, hidden_sizes=(16,))
    rlfilm.train(learner, env, steps=200, progress=False)
    good, steps = learner.weights(), learner.steps
    tensors = learner.tensors()
    learner.set_tensors(tensors | {"critic/0/bias": np.full_like(tensors["critic/0/bias"], 1e30),
                                   "critic/1/kernel": np.full_like(tensors["critic/1/kernel"], 1e30)})  # fmt: skip
    with pytest.raises(UserError, match=f"value_loss became inf at step {steps}: lower learning_rate"):
        rlfilm.train(learner, env, steps=10_000, progress=False, out=tmp_path)
    assert learner.steps == steps
    np.testing.assert_array_equal(learner.weights()["actor/0/kernel"], good["actor/0/kernel"])
    np.testing.assert_equal(weights_of(tmp_path), learner.weights())


def test_a_vector_environment_that_slips_in_reset_steps_is_refused(any_backend):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("CartPole-v1", num_envs=2), backend=any_backend)
    with pytest.raises(UserError, match="autoreset mode NEXT_STEP is not supported"):
        rlfilm.train(learner, gym.make_vec("CartPole-v1", num_envs=2), steps=10)
    with pytest.raises(UserError, match="is not a vector environment"):
        rlfilm.train(learner, gym.make("CartPole-v1"), steps=10)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1", "rlfilm/MovieScene-v0"])
def test_flat_and_discrete_spaces_train(any_backend, env_id):
    learner, history = train_a_little(any_backend, env_id=env_id, steps=100)
    assert np.isfinite(history.column("policy_loss")).all()
    assert rlfilm.evaluate(learner.policy(), env_id, episodes=2).episodes == 2


class Scaled(gym.RewardWrapper):
    """CartPole that pays a thousand per step."""

    def reward(self, reward):
        return 1000 * float(reward)


def test_normalised_rewards_learn_the_same_at_any_scale(any_backend):
    """After the first iteration, whose rewards are as they come, the critic's error does not know the scale."""
    losses = []
    for wrap in (lambda env: env, Scaled):
        env = gym.vector.SyncVectorEnv(
            [lambda wrap=wrap: wrap(gym.make("CartPole-v1"))] * 4, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP
        )
        learner = rlfilm.learner("reinforce", env, backend=any_backend, normalize_rewards=True, max_grad_norm=1e-9)
        losses.append(rlfilm.train(learner, env, steps=600, progress=False).column("value_loss"))
    np.testing.assert_allclose(losses[0][1:], losses[1][1:], rtol=1e-2)
    assert losses[1][0] > 1e5 * losses[0][0]
