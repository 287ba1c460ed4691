"""The twins against the oracle, and against each other."""

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.batch import monte_carlo, standardize
from rlfilm_lib.rl.rollout import collect_episodes

ENVIRONMENTS = ["Pendulum-v1", "CartPole-v1", "rlfilm/MovieScene-v0"]


def distance(first, second):
    """Relative L2 distance of two dicts of weights."""
    ours, theirs = (np.concatenate([weights[name].ravel() for name in sorted(first)]) for weights in (first, second))
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


def make(backend, env_id, num_envs=4, **settings):
    env = rlfilm.make_vec(env_id, num_envs=num_envs)
    return rlfilm.learner("reinforce", env, backend=backend, **settings), env


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_loss_and_gradient_are_the_oracles(backend, env_id):
    """After one unclipped step from zero moments, Adam's first moment is a tenth of the gradient."""
    coefficients = {"value_coef": 0.7, "entropy_coef": 0.3}
    learner, env = make(backend, env_id, precision="float64", max_grad_norm="inf", **coefficients)
    rollout, policy = collect_episodes(env, learner.policy(), 0, 0), learner.policy()
    batch = monte_carlo(rollout, policy, learner.config.gamma, baseline=True)
    loss, gradient = reference.reinforce(
        policy.weights, batch.inputs, batch.actions, standardize(batch.advantages), batch.returns, **coefficients
    )
    metrics = learner.learn(rollout, learning_rate=1e-3)
    assert metrics["policy_loss"] + 0.7 * metrics["value_loss"] - 0.3 * metrics["entropy"] == pytest.approx(
        loss, rel=1e-9
    )
    moments = learner.tensors()
    for name in gradient:
        np.testing.assert_allclose(10 * moments[f"adam/m/{name}"], gradient[name], rtol=1e-7, atol=1e-12, err_msg=name)
    assert metrics["gradient_norm"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in gradient.values())), rel=1e-9)


def test_the_step_is_adams(backend):
    """m/(1-β1ᵗ) / (√(v/(1-β2ᵗ)) + ε), with the gradient scaled by min(1, c/(‖g‖+1e-6)): three steps, by hand."""
    learner, env = make(backend, "Pendulum-v1", precision="float64")
    weights = learner.policy().weights
    m = {name: np.zeros_like(array) for name, array in weights.items()}
    v = {name: np.zeros_like(array) for name, array in weights.items()}
    for t in (1, 2, 3):
        rollout, policy = collect_episodes(env, learner.policy(), 0, t), learner.policy()
        batch = monte_carlo(rollout, policy, learner.config.gamma, baseline=True)
        _, gradient = reference.reinforce(
            weights, batch.inputs, batch.actions, standardize(batch.advantages), batch.returns, 0.5, 0.0
        )
        scale = min(1, 0.5 / (np.sqrt(sum((g**2).sum() for g in gradient.values())) + 1e-6))
        assert scale < 0.1
        learner.learn(rollout, learning_rate=1e-3)
        for name in weights:
            m[name] = 0.9 * m[name] + 0.1 * scale * gradient[name]
            v[name] = 0.999 * v[name] + 0.001 * (scale * gradient[name]) ** 2
            weights[name] = weights[name] - 1e-3 * m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-5)
    assert distance(learner.policy().weights, weights) < 1e-9


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_first_weights_and_first_rollouts_are_identical(backends, env_id):
    rollouts = [
        collect_episodes(env, learner.policy(), 0, 0) for learner, env in (make(name, env_id) for name in backends)
    ]
    for name in ("observations", "inputs", "actions", "log_probs", "rewards"):
        np.testing.assert_array_equal(getattr(rollouts[0], name), getattr(rollouts[1], name), err_msg=name)


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_one_float32_update_from_shared_state(backends, env_id):
    """From the same weights, moments and rollout, a third update differs by rounding only."""
    learner, env = make(backends[0], env_id)
    for iteration in range(2):
        learner.update(collect_episodes(env, learner.policy(), 0, iteration))
    rollout = collect_episodes(env, learner.policy(), 0, 2)
    other, _ = make(backends[1], env_id)
    other.set_tensors(learner.tensors())
    other.moments = learner.moments
    before = learner.weights()
    learner.learn(rollout, 3e-3), other.learn(rollout, 3e-3)
    assert distance(learner.weights(), other.weights()) < 1e-3 * distance(before, other.weights())


@pytest.mark.parametrize(("precision", "iterations", "bound"), [("float64", 5, 1e-5), ("float32", 10, 1e-3)])
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_free_running_iterations(backends, env_id, precision, iterations, bound):
    weights = []
    for name in backends:
        learner, env = make(name, env_id, precision=precision)
        for iteration in range(iterations):
            learner.update(collect_episodes(env, learner.policy(), 0, iteration))
        weights.append(learner.weights())
    assert distance(*weights) < bound


def test_tensorflow_traces_the_step_once_per_kind_of_batch(backends):
    """Whole episodes give batches of ever other lengths: a second trace takes them all."""
    learner, env = make("tensorflow", "CartPole-v1")
    for iteration in range(12):
        learner.update(collect_episodes(env, learner.policy(), 0, iteration))
    assert learner.step.experimental_get_tracing_count() <= 2


@pytest.mark.slow
def test_an_identity_task_is_solved(backend):
    """Say which of four states you are in: 12,000 steps are enough, in either framework."""

    class Identity(gym.Env):
        observation_space = action_space = gym.spaces.Discrete(4)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.time, self.state = 0, int(self.np_random.integers(4))
            return self.state, {}

        def step(self, action):
            reward, self.time, self.state = float(action == self.state), self.time + 1, int(self.np_random.integers(4))
            return self.state, reward, False, self.time == 20, {}

    env = gym.vector.SyncVectorEnv([Identity] * 16, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
    learner = rlfilm.learner("reinforce", env, backend=backend, learning_rate=1e-2)
    rlfilm.train(learner, env, steps=12_000, progress=False)
    np.testing.assert_array_equal(learner.policy()(np.arange(4)), np.arange(4))
