"""The clip against finite differences, a recorded update against the framework's own, and the sliders."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.rollout import Collector
from rlfilm_lib.widgets import clip_explorer
from rlfilm_lib.widgets.clip_explorer import Update, silent, surrogate, view


@pytest.mark.parametrize("advantage", [2.0, -0.5])
@pytest.mark.parametrize("clip_range", [0.1, 0.3])
def test_a_silent_sample_has_no_slope_and_any_other_that_of_its_advantage(advantage, clip_range):
    ratio, step = np.linspace(0.05, 2, 40) + 1e-3, 1e-6
    rise = surrogate(ratio + step, advantage, clip_range) - surrogate(ratio - step, advantage, clip_range)
    expected = np.where(silent(ratio, advantage, clip_range), 0.0, advantage)
    np.testing.assert_allclose(rise / (2 * step), expected, atol=1e-6)


def test_clipping_never_makes_a_sample_look_better():
    rng = np.random.default_rng(0)
    ratio, advantage = np.exp(rng.standard_normal(1000)), rng.standard_normal(1000)
    assert (surrogate(ratio, advantage, 0.2) <= ratio * advantage).all()
    within = np.abs(ratio - 1) <= 0.2
    np.testing.assert_array_equal(surrogate(ratio, advantage, 0.2)[within], (ratio * advantage)[within])


@pytest.fixture
def four():
    """The four corners: a good and a bad action, each with its ratio halved and raised by half, in epoch 1."""
    ratios = np.array([1.5, 0.5, 1.5, 0.5])
    return Update(np.array([2.0, 2.0, -2.0, -2.0]), np.stack([np.zeros(4), np.log(ratios)]))


def test_two_corners_of_four_are_silent(four):
    np.testing.assert_array_equal(silent(four.ratios[1], four.advantages, 0.2), [True, False, False, True])
    assert "of 4 samples 4 lie outside the band; 2 of them are silent, 2 moved the wrong way" in view(four, 0.2, 1).text
    assert "before the first epoch: of 4 samples 0 lie outside" in view(four, 0.2, 0).text


def test_the_divergence_is_that_of_two_gaussians():
    """KL(N(0, 1) ‖ N(m, 1)) = m² / 2, and 0 where nothing has moved."""
    action, shift = np.random.default_rng(0).standard_normal(400_000), 0.3
    log_ratio = action * shift - shift**2 / 2
    update = Update(np.ones_like(action), np.stack([np.zeros_like(action), log_ratio]))
    np.testing.assert_allclose(update.kl, [0, shift**2 / 2], atol=1e-3)


def recorded(backend):
    """A learner with a rollout to learn from."""
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=4)
    learner = rlfilm.learner("ppo", env, backend=backend, seed=0, num_steps=32, minibatch_size=32, epochs=3)
    return learner, Collector(env, 0, 32).collect(learner.policy(), 0)


def test_a_recorded_update_is_the_update_itself(backend):
    watched, rollout = recorded(backend)
    alone, _ = recorded(backend)
    update = clip_explorer.record(watched, rollout)
    alone.learn(rollout, alone.config.learning_rate)
    for name, weights in alone.weights().items():
        np.testing.assert_allclose(watched.weights()[name], weights, rtol=1e-5, atol=1e-7, err_msg=name)
    assert update.log_ratios.shape == (4, 128) and update.advantages.mean() == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(update.ratios[0], 1, atol=1e-5)
    assert (np.diff(update.kl) > 0).all()
    assert "optimize" not in vars(watched)


def drawn(described):
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_samples_and_curves_lie_where_they_belong(four):
    """r = 1.5 of 0 to 2 lies at 3/4 of the 470 pixels from 400: 752.5; an advantage of 2 at 2/3 of its panel."""
    svg = drawn(view(four, 0.2, 1))
    panel, below = clip_explorer.TOP, clip_explorer.TOP + clip_explorer.PANEL + clip_explorer.GAP
    up, down = panel + clip_explorer.PANEL / 3, below + clip_explorer.PANEL * 2 / 3
    places = [(float(x), float(y)) for x, y in re.findall(r"M(\d+) (\d+)h0", svg)]
    expected = [(752.5, up), (517.5, up), (517.5, down), (752.5, down)]
    np.testing.assert_allclose(sorted(places), sorted(expected), atol=0.6)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    flat = re.search(r'd="(M[\dL. ]+)" stroke="#0072B2" stroke-width="3"', svg)[1]
    heights = [float(point.split()[1]) for point in flat[1:].split("L")]
    assert heights[-1] == pytest.approx(panel + clip_explorer.PANEL * (1 - 1.2 / 2), abs=0.1)
    assert min(heights) == heights[-1]


def test_the_sliders_move_picture_and_sentence(four):
    pytest.importorskip("ipywidgets")
    explorer = clip_explorer.ClipExplorer(four)
    assert "ε = 0.20, after 1 epoch:" in explorer.words.value
    before = explorer.picture.value
    explorer.clip_range.value = 0.5
    assert "0 lie outside the band" in explorer.words.value and explorer.picture.value != before
    explorer.epoch.value = 0
    assert "before the first epoch" in explorer.words.value
    assert clip_explorer.still(four).text == view(four, 0.2, 1).text
