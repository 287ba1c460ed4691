"""The way from noise to data where everything is known: data that are Gaussian."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import flow
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.generator import Size

MEAN, STD = np.array([2.0, -1.0]), np.array([0.5, 1.5])
"""Of the data, frames of two numbers."""


def variance(t):
    return (1 - t) ** 2 + t**2 * STD**2


def velocity(x, t):
    """E[x₁ - ε | x_t = x]: by regression, as x₁ - ε and x_t are jointly Gaussian."""
    t = t[:, None, None]
    return MEAN + (t * STD**2 - (1 - t)) / variance(t) * (x - t * MEAN)


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((8000, 1, 2))


def test_the_velocity_is_the_least_squares_answer_to_the_points():
    """What `points` asks for, regressed on x in a thin slice of time, is the known velocity."""
    rng = np.random.default_rng(1)
    drawn = flow.points(MEAN + STD * rng.standard_normal((400_000, 1, 2)), rng, 0.25)
    chosen = np.abs(drawn.times - 0.6) < 0.01
    assert 0.24 < 1 - drawn.known.mean() < 0.26 and 7000 < chosen.sum() < 9000
    for axis in range(2):
        x, target = drawn.x[chosen, 0, axis], drawn.velocity[chosen, 0, axis]
        slope, start = np.polyfit(x, target, 1)
        at = np.array([[[0.0, 0.0]], [[1.0, 1.0]]])
        zero, one = velocity(at, np.full(2, 0.6))[:, 0, axis]
        assert (start, slope) == pytest.approx((zero, one - zero), abs=0.05)


def test_without_noise_each_point_goes_where_it_is_known_to_go(noise):
    """The flow of Gaussians keeps each point's place in units of the deviation."""
    ends = flow.integrate(velocity, noise[:5], steps=2000)
    np.testing.assert_allclose(ends, MEAN + STD * noise[:5], atol=5e-3)


@pytest.mark.parametrize("noise_level", [0.3, 0.7, 1.2])
def test_the_noise_on_the_way_leaves_every_marginal_as_it_was(noise, noise_level):
    steps = 50
    path = flow.wander(velocity, noise, steps, noise_level, np.random.default_rng(1))
    for step in (0, 5, 15, 25, 35, 45, 50):
        t = step / steps
        np.testing.assert_allclose(path.x[step].mean(axis=(0, 1)), t * MEAN, atol=0.07)
        np.testing.assert_allclose(path.x[step].std(axis=(0, 1)), np.sqrt(variance(t)), rtol=0.04)
    still = flow.integrate(velocity, noise, steps)
    np.testing.assert_allclose(path.x[-1].std(axis=(0, 1)), still.std(axis=(0, 1)), rtol=0.04)
    forgotten = np.corrcoef(path.x[-1, :, 0, 0], still[:, 0, 0])[0, 1]
    assert forgotten < np.exp(-0.4 * noise_level**2)  # it went another way


def test_without_noise_the_process_is_the_flow(noise):
    path = flow.wander(velocity, noise[:10], 20, 1e-9, np.random.default_rng(1))
    np.testing.assert_allclose(path.x[-1], flow.integrate(velocity, noise[:10], 20), atol=1e-7)


def test_means_deviations_and_log_probs_of_a_step_by_hand():
    """One clip of one number, at x = 1 and t = 0.5, v = 2, h = 0.25, a = 1: μ = 1 + 0.25 (2 + 0.5 · 2 - 1) = 1.5,
    std = √(2 · 0.25 · 0.5) = 0.5; log N(2; 1.5, 0.5) = -½ - log 0.5 - ½ log 2π."""
    assert flow.sde_mean(1.0, 2.0, 0.5, 0.25, 1.0) == 1.5
    assert flow.sde_std(np.array([0.5]), 0.25, 1.0) == [0.5]
    density = flow.log_prob(np.array([[[2.0]]]), np.array([[[1.5]]]), np.array([0.5]))
    assert density == pytest.approx([-0.5 - np.log(0.5) - 0.5 * np.log(2 * np.pi)], abs=1e-12)


def test_log_probs_of_a_path_are_those_of_its_noise(noise):
    """log p = -½ ‖ε‖² - D log std - D/2 log 2π for the ε that the stream drew."""
    path = flow.wander(velocity, noise[:50], 8, 0.7, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    for step in range(8):
        drawn = rng.standard_normal((50, 1, 2))
        std = 0.7 * np.sqrt(2 / 8 * (1 - step / 8))
        expected = -0.5 * (drawn**2).sum(axis=(1, 2)) - 2 * np.log(std) - np.log(2 * np.pi)
        np.testing.assert_allclose(path.log_probs[step], expected, atol=1e-10)


def test_the_kl_is_the_mean_log_ratio():
    rng = np.random.default_rng(0)
    mean, other, std = rng.standard_normal((1, 3, 2)), rng.standard_normal((1, 3, 2)), np.array([0.8])
    x = mean + 0.8 * rng.standard_normal((200_000, 3, 2))
    stds = np.repeat(std, len(x))
    log_ratio = flow.log_prob(x, np.broadcast_to(mean, x.shape), stds) - flow.log_prob(
        x, np.broadcast_to(other, x.shape), stds
    )
    assert log_ratio.mean() == pytest.approx(flow.kl(mean, other, std)[0], abs=4 * log_ratio.std() / np.sqrt(len(x)))


def test_first_weights_are_those_of_the_table():
    config, size = FlowConfig(width=12, layers=2, heads=3), Size(5, 4, 7)
    weights = flow.initialize(config, size, np.random.default_rng(0))
    assert weights["latent/kernel"].shape == (4, 12) and weights["frame/kernel"].shape == (48, 60)
    assert weights["block/1/queries/kernel"].shape == (12, 36) and weights["velocity/kernel"].shape == (12, 4)
    assert {name for name in weights if not np.any(weights[name]) and name.endswith("kernel")} == {
        "block/0/modulation/kernel",
        "block/1/modulation/kernel",
        "modulation/kernel",
        "velocity/kernel",
    }
    assert all(array.dtype == np.float32 for array in weights.values())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 10, "heads": 4}, "width=10 is out of range: give a multiple of heads=4"),
        ({"layers": 0}, "layers=0 is out of range: give 1 or more"),
        ({"anneal_steps": -1}, "anneal_steps=-1 is out of range: give 0 or more"),
        ({"condition_dropout": 1.0}, "condition_dropout=1.0 is out of range: give a number from 0, below 1"),
        ({"learning_rate": float("inf")}, "learning_rate=inf is out of range: give a finite number above 0"),
        ({"precision": "float16"}, "unknown precision 'float16'; did you mean"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(UserError, match=words):
        FlowConfig(**settings)
