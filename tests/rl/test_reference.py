"""The oracle itself, against finite differences: if it is wrong, every parity test is."""

import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.rl import reference
from rlfilm_lib.rl.policy import Policy, initialize

BOX, CHOICES = gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(3)


def a_batch(action_space, squash):
    """Weights, inputs and actions of any policy, and numbers to stand for advantages and returns."""
    rng = np.random.default_rng(0)
    weights = {
        name: array.astype(float) + 0.3 * rng.standard_normal(array.shape)
        for name, array in initialize(rng, gym.spaces.Box(-1, 1, (3,)), action_space, (5, 4)).items()
    }
    inputs = rng.standard_normal((40, 3))
    actions = rng.integers(3, size=40) if action_space is CHOICES else rng.standard_normal((40, 2))
    policy = Policy(weights, gym.spaces.Box(-1, 1, (3,)), action_space, squash=squash)
    return policy, inputs, actions, rng.standard_normal(40), rng.standard_normal(40), rng


def check_slopes(weights, loss_of):
    _, gradient = loss_of(weights)
    assert gradient.keys() == weights.keys()
    for name, array in weights.items():
        for index in np.ndindex(array.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = {**weights, name: array.copy()}
                moved[name][index] += step
                losses.append(loss_of(moved)[0])
            assert gradient[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-5, abs=1e-8), name


@pytest.mark.parametrize(
    ("action_space", "squash"), [(BOX, False), (BOX, True), (CHOICES, False)], ids=["box", "squashed", "discrete"]
)
def test_gradient_is_the_slope_of_the_loss(action_space, squash):
    policy, inputs, actions, advantages, returns, _ = a_batch(action_space, squash)
    check_slopes(
        policy.weights,
        lambda weights: reference.reinforce(weights, inputs, actions, advantages, returns, 0.7, 0.3, squash),
    )


@pytest.mark.parametrize("clip_value", [None, 0.4])
@pytest.mark.parametrize("action_space", [BOX, CHOICES], ids=["box", "discrete"])
def test_gradient_is_the_slope_of_the_clipped_loss(action_space, clip_value):
    """Old log-probs and values lie to both sides, so that every case of both clips is there."""
    policy, inputs, actions, advantages, returns, rng = a_batch(action_space, squash=False)
    old_log_probs = policy.log_prob(inputs, actions) + 0.3 * rng.standard_normal(40)
    old_values = policy.value(inputs) + rng.standard_normal(40)
    ratio = np.exp(policy.log_prob(inputs, actions) - old_log_probs)
    for sign in (1, -1):
        sides = {np.sign(np.trunc((r - 1) / 0.2)) for r in ratio[advantages * sign > 0]}
        assert sides == {-1, 0, 1}  # below, within and above the clip range
    batch = (inputs, actions, old_log_probs, advantages, returns, old_values, 0.2, clip_value, 0.7, 0.3)
    check_slopes(policy.weights, lambda weights: reference.ppo(weights, *batch))


def test_at_the_old_policy_ppo_is_the_policy_gradient():
    """Every ratio is 1, so the surrogate's gradient is that of log π · A."""
    policy, inputs, actions, advantages, returns, _ = a_batch(BOX, squash=False)
    old = policy.log_prob(inputs, actions)
    _, ours = reference.ppo(policy.weights, inputs, actions, old, advantages, returns, returns, 0.2, None, 0.5, 0.0)
    _, plain = reference.reinforce(policy.weights, inputs, actions, advantages, returns, 0.5, 0.0)
    for name in plain:
        np.testing.assert_allclose(ours[name], plain[name], atol=1e-12)
