import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import (
    HERMITE_NODES,
    HERMITE_WEIGHTS,
    Policy,
    action_size,
    flatten,
    gaussian_log_prob,
    initialize,
    log_softmax,
    mlp,
    observation_size,
    unflatten,
)

BOX = gym.spaces.Box(-1, 1, (3,))
CHOICES = gym.spaces.Discrete(4, start=10)


def make_policy(observation_space=BOX, action_space=BOX, seed=0, **fields):
    weights = initialize(np.random.default_rng(seed), observation_space, action_space, (8, 8))
    weights = {name: array + 0.1 * np.random.default_rng(1).standard_normal(array.shape).astype(np.float32)
               for name, array in weights.items()}  # fmt: skip
    return Policy(weights, observation_space, action_space, **fields)


def test_first_weights_are_orthogonal_with_the_stated_gains():
    weights = initialize(np.random.default_rng(0), BOX, BOX, (64, 64), log_std_init=-0.5)
    hidden, head, value = (weights[f"{name}/kernel"] for name in ("actor/1", "actor/2", "critic/2"))
    np.testing.assert_allclose(hidden.T @ hidden, 2 * np.eye(64), atol=1e-5)
    np.testing.assert_allclose(head.T @ head, 1e-4 * np.eye(3), atol=1e-8)
    np.testing.assert_allclose(value.T @ value, [[1]], atol=1e-5)
    np.testing.assert_array_equal(weights["log_std"], np.full(3, -0.5, np.float32))
    assert not any(weights[name].any() for name in weights if name.endswith("bias"))


def test_forward_by_hand():
    weights = {
        "actor/0/kernel": np.array([[1.0], [2.0]]),
        "actor/0/bias": np.array([0.5]),
        "actor/1/kernel": np.array([[3.0]]),
        "actor/1/bias": np.array([-1.0]),
    }
    np.testing.assert_allclose(mlp(weights, "actor", np.array([[1.0, -1.0]])), [[3 * np.tanh(-0.5) - 1]])


def test_gaussian_log_prob_is_a_density():
    """Its exponential integrates to 1 over the line, for each dimension's own width."""
    grid = np.linspace(-12, 12, 4001)[:, None]
    for log_std in (-1.0, 0.0, 0.7):
        density = np.exp(gaussian_log_prob(grid, np.full_like(grid, 0.3), np.array([log_std])))
        assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1, abs=1e-6)


def test_sampled_gaussian_actions_have_the_stated_moments_and_log_probs():
    policy = make_policy()
    x = np.tile(np.array([[0.2, -0.4, 0.6]], np.float32), (100_000, 1))
    actions = policy.sample(x, np.random.default_rng(0))
    log_probs = policy.log_prob(x, actions)
    std = np.exp(policy.weights["log_std"])
    np.testing.assert_allclose(actions.mean(axis=0), policy.mode(x[:1])[0], atol=5 * std.max() / 300)
    np.testing.assert_allclose(actions.std(axis=0), std, rtol=0.01)
    entropy = (policy.weights["log_std"] + 0.5 * np.log(2 * np.pi * np.e)).sum()
    assert -log_probs.mean() == pytest.approx(entropy, abs=0.02)
    np.testing.assert_allclose(log_probs, gaussian_log_prob(actions, policy.mode(x), policy.weights["log_std"]))


def test_sampled_choices_have_the_stated_frequencies():
    policy = make_policy(action_space=CHOICES)
    x = np.tile(np.array([[0.2, -0.4, 0.6]], np.float32), (100_000, 1))
    actions = policy.sample(x, np.random.default_rng(0))
    probabilities = np.exp(log_softmax(mlp(policy.weights, "actor", x[:1])))[0]
    np.testing.assert_allclose(np.bincount(actions, minlength=4) / len(actions), probabilities, atol=0.01)
    np.testing.assert_allclose(policy.log_prob(x, actions), np.log(probabilities)[actions], rtol=1e-5)


def test_actions_leave_as_the_environment_takes_them():
    policy = make_policy(action_space=CHOICES)
    assert set(policy(np.zeros((50, 3)), deterministic=False)) <= {10, 11, 12, 13}
    bounded = make_policy(action_space=gym.spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf])))
    np.testing.assert_array_equal(bounded.to_env(np.array([[5.0, 5.0], [-5.0, -5.0]])), [[1, 5], [-1, 0]])


def test_a_squashed_policy_has_a_density_inside_the_bounds():
    """The density of tanh(u) integrates to 1 over (-1, 1), and its actions fill the Box they are stretched to."""
    policy = make_policy(action_space=gym.spaces.Box(2, 6, (1,)), squash=True)
    grid = np.linspace(-1, 1, 200_001)[1:-1]
    x = np.tile(np.array([[0.2, -0.4, 0.6]]), (len(grid), 1))
    density = np.exp(policy.log_prob(x, np.arctanh(grid)[:, None]))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(
        policy.to_env(np.array([[0.0], [50.0], [-50.0], [np.arctanh(0.5)]])).ravel(), [4, 6, 2, 5]
    )


def test_quadrature_gives_the_normal_moments():
    for power, moment in ((0, 1), (1, 0), (2, 1), (4, 3), (6, 15)):
        assert HERMITE_WEIGHTS @ HERMITE_NODES**power == pytest.approx(moment, abs=1e-12)


def test_flattening_and_back():
    weights = make_policy().weights
    shapes = {name: array.shape for name, array in weights.items()}
    again = unflatten(flatten(weights), shapes)
    assert list(again) == list(weights)
    np.testing.assert_equal(again, weights)


def test_discrete_observations_become_one_hot():
    policy = make_policy(observation_space=gym.spaces.Discrete(3, start=5))
    np.testing.assert_array_equal(policy.encode(np.array([5, 7])), [[1, 0, 0], [0, 0, 1]])


def test_observations_are_normalised_with_the_frozen_statistics():
    policy = make_policy(obs_mean=np.array([1.0, 0, 0]), obs_var=np.array([4.0, 1, 1]))
    np.testing.assert_allclose(policy.inputs(np.array([[3.0, 0, 99]])), [[1, 0, 10]], atol=1e-6)


def test_deterministic_repeats_and_sampling_depends_on_the_seed():
    policy, observations = make_policy(), np.ones((2, 3))
    np.testing.assert_array_equal(policy(observations), policy(observations))
    first, again, other = (policy.seeded(s)(observations, deterministic=False) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(0, 255, (96, 96, 3), np.uint8),
        gym.spaces.Dict({"camera": BOX}),
        gym.spaces.MultiBinary(4),
        gym.spaces.Box(-1, 1, (2, 2)),
    ],
    ids=["image", "dict", "multibinary", "matrix"],
)
def test_spaces_it_cannot_take_are_named(space):
    for size, role in ((observation_size, "observation"), (action_size, "action")):
        with pytest.raises(UserError, match=f"{role} space .* is not supported: it must be a flat Box or a Discrete"):
            size(space)
