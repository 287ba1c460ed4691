import importlib

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.train import COLUMNS

SCENE = "rlfilm/MovieScene-v0"
SETTINGS = {
    "reinforce": {},
    "actor-critic": {"learning_rate": 3e-3},
    "ppo": {"num_steps": 32, "minibatch_size": 32, "epochs": 2},
}
every_algorithm = pytest.mark.parametrize("algorithm", SETTINGS)


def make(algorithm, backend, env_id="CartPole-v1", seed=0, **settings):
    env = rlfilm.make_vec(env_id, num_envs=4)
    settings = {"hidden_sizes": (16,), **SETTINGS[algorithm], **settings}
    return rlfilm.learner(algorithm, env, backend=backend, seed=seed, **settings), env


def train_a_little(algorithm, backend, steps=400, **asked):
    learner, env = make(algorithm, backend, **asked)
    return learner, rlfilm.train(learner, env, steps=steps, progress=False)


@every_algorithm
def test_one_seed_twice_is_identical_two_seeds_differ(backend, algorithm):
    first, again, other = (train_a_little(algorithm, backend, seed=seed)[0].weights() for seed in (0, 0, 1))
    np.testing.assert_equal(first, again)
    assert any((first[name] != other[name]).any() for name in first)


@every_algorithm
def test_history_has_the_published_columns_and_whole_iterations(backend, algorithm):
    learner, history = train_a_little(algorithm, backend, steps=1000)
    assert learner.steps >= 1000 > history[-2]["steps"]
    only_ppo = {"approx_kl", "clip_fraction"}
    assert set().union(*history) == set(COLUMNS) - (set() if algorithm == "ppo" else only_ppo)
    np.testing.assert_array_equal(history.column("iteration"), np.arange(1, len(history) + 1))
    assert (np.diff(history.column("wall_s")) > 0).all()
    returns = history.column("return_mean")
    np.testing.assert_array_equal(returns, history.column("episode_length"))  # CartPole pays 1 per step
    assert np.isfinite(returns).sum() > 3


@every_algorithm
def test_annealing_lowers_the_rate_linearly(any_backend, algorithm):
    _, history = train_a_little(algorithm, any_backend, steps=1000, anneal=True, learning_rate=1e-3)
    done = np.concatenate([[0], history.column("steps")[:-1]])
    np.testing.assert_allclose(history.column("learning_rate"), 1e-3 * (1 - done / 1000))


@every_algorithm
def test_a_loss_that_is_not_finite_is_named_and_the_last_good_state_kept(backend, algorithm, tmp_path):
    learner, env = make(algorithm, backend, SCENE)
    rlfilm.train(learner, env, steps=200, progress=False)
    good, steps, collector = learner.weights(), learner.steps, learner.collector_state
    tensors = learner.tensors()
    learner.set_tensors(tensors | {"critic/0/bias": np.full_like(tensors["critic/0/bias"], 1e30),
                                   "critic/1/kernel": np.full_like(tensors["critic/1/kernel"], 1e30)})  # fmt: skip
    named = "policy_loss became nan" if algorithm == "ppo" else "value_loss became inf"
    with pytest.raises(UserError, match=f"{named} at step {steps}: lower learning_rate"):
        rlfilm.train(learner, env, steps=10_000, progress=False, out=tmp_path / "new")
    assert learner.steps == steps
    np.testing.assert_array_equal(learner.weights()["actor/0/kernel"], good["actor/0/kernel"])
    np.testing.assert_equal(rlfilm.load(tmp_path / "new").weights, learner.weights())
    learner.restore(tmp_path / "new")
    np.testing.assert_equal(learner.collector_state, collector)  # not where the rollout that failed had led


@every_algorithm
def test_two_trainings_make_one(any_backend, algorithm):
    """On our environments the second goes on in the episodes where the first has stopped."""
    settings = {"normalize_rewards": True, "anneal": False}  # a learning rate that falls knows the whole length
    whole, history = train_a_little(algorithm, any_backend, steps=800, env_id=SCENE, **settings)
    parts, env = make(algorithm, any_backend, SCENE, **settings)
    rows = rlfilm.train(parts, env, steps=300, progress=False)
    rlfilm.train(parts, rlfilm.make_vec(SCENE, num_envs=4), steps=800, progress=False, history=rows)
    np.testing.assert_equal(parts.weights(), whole.weights())
    np.testing.assert_array_equal(rows.column("return_mean"), history.column("return_mean"))
    assert parts.return_moments == whole.return_moments


class Lasting(gym.Wrapper):
    """CartPole that ends after so many steps, however it stands."""

    def __init__(self, length):
        super().__init__(gym.make("CartPole-v1"))
        self.length = length

    def reset(self, **kwargs):
        self.time = 0
        return self.env.reset(**kwargs)

    def step(self, action):
        self.time += 1
        return np.zeros(4, np.float32), 1.0, self.time % self.length == 0, False, {}


def vector(*environments):
    return gym.vector.SyncVectorEnv(environments, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)


def test_after_fresh_episodes_the_return_waits_until_each_environment_has_ended_one(any_backend):
    """Of episodes that begin together the short ones end first: alone they would be a dip in the curve."""
    env = vector(lambda: Lasting(5), lambda: Lasting(19))
    learner = rlfilm.learner("actor-critic", env, backend=any_backend, num_steps=4)
    first = rlfilm.train(learner, env, steps=2 * 4 * 5, progress=False)
    np.testing.assert_array_equal(first.column("return_mean"), [np.nan, 5, 5, 5, (5 + 19) / 2])
    again = rlfilm.train(learner, env, steps=4 * 4 * 5, progress=False)
    np.testing.assert_array_equal(again.column("return_mean"), [np.nan] * 4 + [(5 + 19) / 2])


def test_a_vector_environment_that_slips_in_reset_steps_is_refused(any_backend):
    learner, _ = make("reinforce", any_backend)
    with pytest.raises(UserError, match="autoreset mode NEXT_STEP is not supported"):
        rlfilm.train(learner, gym.make_vec("CartPole-v1", num_envs=2), steps=10)
    with pytest.raises(UserError, match="is not a vector environment"):
        rlfilm.train(learner, gym.make("CartPole-v1"), steps=10)


@every_algorithm
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1", SCENE])
def test_flat_and_discrete_spaces_train(any_backend, algorithm, env_id):
    learner, history = train_a_little(algorithm, any_backend, env_id=env_id, steps=100)
    assert np.isfinite(history.column("policy_loss")).all()
    assert rlfilm.evaluate(learner.policy(), env_id, episodes=2).episodes == 2


def test_a_gpu_for_a_small_network_is_advised_against(any_backend, monkeypatch):
    twin = importlib.import_module(f"{rlfilm.BACKENDS[any_backend][1]}.learner")
    on_the_cpu = twin.choose_device("cpu")
    monkeypatch.setattr(twin, "choose_device", lambda device: on_the_cpu)
    env = rlfilm.make_vec("CartPole-v1", num_envs=2)
    with pytest.warns(UserWarning, match="device 'cuda' for 9,155 weights: .* --device auto stays on the CPU"):
        rlfilm.learner("ppo", env, backend=any_backend, device="cuda")


class Scaled(gym.RewardWrapper):
    """CartPole that pays a thousand per step."""

    def reward(self, reward):
        return 1000 * float(reward)


@every_algorithm
def test_normalised_rewards_learn_the_same_at_any_scale(any_backend, algorithm):
    """After the first iteration, whose rewards are as they come, the critic's error does not know the scale."""
    losses = []
    for wrap in (lambda env: env, Scaled):
        env = vector(*[lambda wrap=wrap: wrap(gym.make("CartPole-v1"))] * 4)
        settings = SETTINGS[algorithm] | {"normalize_rewards": True, "max_grad_norm": 1e-9}
        learner = rlfilm.learner(algorithm, env, backend=any_backend, **settings)
        losses.append(rlfilm.train(learner, env, steps=600, progress=False).column("value_loss"))
    np.testing.assert_allclose(losses[0][1:], losses[1][1:], rtol=1e-2)
    assert losses[1][0] > 1e5 * losses[0][0]
