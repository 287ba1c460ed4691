"""A GAN's losses, and what is watched in a training, by hand and in closed form."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import gan
from rlfilm_lib.video.gan import GANConfig
from rlfilm_lib.video.generator import Size


def test_the_hinge_leaves_alone_what_is_far_enough_on_its_side():
    real, fake = np.array([[1.0, 3.0], [1.5, 1.0]]), np.array([[-1.0, -9.0], [-1.0, -1.5]])
    assert gan.hinge(real, fake) == 0
    assert gan.hinge(real - 1, fake) == (1 + 0 + 0.5 + 1) / 4
    assert gan.hinge(real, fake + 1) == (1 + 0 + 1 + 0.5) / 4


def test_mismatched_pairs_count_half_and_the_diagonal_not():
    scores = np.array([[[9.0, -1.0], [1.0, 9.0]]])
    assert gan.hinge(np.ones((1, 2)), -np.ones((1, 2)), scores) == 0.5 * (0 + 2) / 2


def test_a_baseline_of_the_others_takes_no_part_in_a_constant():
    rewards = np.random.default_rng(0).standard_normal((5, 3))
    advantages = gan.leave_one_out(rewards)
    for k in range(5):
        np.testing.assert_allclose(advantages[k], rewards[k] - np.delete(rewards, k, axis=0).mean(axis=0))
    np.testing.assert_allclose(gan.leave_one_out(rewards + 100), advantages, atol=1e-12)


@pytest.mark.parametrize("policy_std", [0.1, 1.0])
def test_the_score_function_is_the_slope_of_the_expected_reward(policy_std):
    """r(x) = w x + ½ q x²: its expectation under N(μ, σ²) is w μ + ½ q (μ² + σ²), whose slope is w + q μ."""
    rng = np.random.default_rng(0)
    mean, w, q = rng.standard_normal((3, 4, 2, 3))
    estimates = np.empty((2000, 4, 2, 3))
    for i in range(len(estimates)):
        noise = rng.standard_normal((6, 4, 2, 3))
        x = mean + policy_std * noise
        rewards = (w * x + q * x**2 / 2).sum(axis=(2, 3))
        estimates[i] = gan.policy_gradient(rewards, noise, policy_std)
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    off = (estimates.mean(axis=0) - (w + q * mean) / 4) / error
    assert np.abs(off).max() < 3.5 and 0.6 < off.std() < 1.5  # of 24 standard normal numbers
    assert error.max() < 0.02


def test_a_baseline_calms_the_estimate():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2000, 8, 1, 1, 1))
    rewards = 10 + noise[..., 0, 0]
    with_baseline = [gan.policy_gradient(*each, 1.0).item() for each in zip(rewards, noise, strict=True)]
    without = (rewards[..., None, None] * noise).mean(axis=1).ravel()
    assert np.mean(with_baseline) == pytest.approx(1, abs=0.05) and np.mean(without) == pytest.approx(1, abs=0.3)
    assert np.std(with_baseline) < np.std(without) / 5


def test_spread_is_the_share_of_the_noise():
    """x = a c + b z: of variance a² + b², b² is the noise's."""
    rng = np.random.default_rng(0)
    c, z, again = rng.standard_normal((3, 20_000, 2, 2))
    assert gan.spread(2 * c + z, 2 * c + again) == pytest.approx(0.2, abs=0.01)
    assert gan.spread(2 * c, 2 * c) == 0 and gan.spread(z, again) == pytest.approx(1, abs=0.02)


def test_frozen_counts_frames():
    walk = np.cumsum(np.ones((2, 5, 3)), axis=1)
    held = walk.copy()
    held[0, 3:] = held[0, 2]
    assert gan.frozen(walk, walk) == 0 and gan.frozen(held, walk) == 2 / 8 and gan.frozen(0 * walk, walk) == 1


def test_first_weights():
    config, size = GANConfig(noise=3, width=40, frame_width=10, discriminator_width=12), Size(5, 4, 7)
    networks = gan.initialize(config, size, np.random.default_rng(0))
    assert list(networks) == ["generator", "discriminator"]
    shapes = {name: array.shape for weights in networks.values() for name, array in weights.items()}
    assert shapes["told/kernel"] == (10, 40) and shapes["frames/kernel"] == (40, 50)
    assert shapes["latent/kernel"] == (10, 4) and shapes["temporal/1/kernel"] == (5 * 6, 24)
    assert networks["generator"]["frames/kernel"].std() == pytest.approx(1 / np.sqrt(40), rel=0.05)
    assert all(array.dtype == np.float32 for weights in networks.values() for array in weights.values())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"noise": 0}, "noise=0 is out of range: give 1 or more"),
        ({"minibatch_size": 1}, "minibatch_size=1 is out of range"),
        ({"r1": -1.0}, "r1=-1.0 is out of range"),
        ({"candidates": 0}, "candidates=0 is out of range: give 1 or more"),
        ({"gradient": "pathwize"}, "unknown gradient 'pathwize'; did you mean 'pathwise'"),
        ({"gradient": "score-function"}, "policy_std=0.0 is out of range: give a number above 0"),
        ({"gradient": "score-function", "policy_std": 0.1}, "group_size=1 is out of range: give 2 or more"),
    ],
)
def test_settings_that_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        GANConfig(**settings)
