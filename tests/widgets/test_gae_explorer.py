"""Moments of estimators worked out by hand and met by playing, the trade between bias and noise, and the sliders."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rlfilm_lib.widgets import gae_explorer
from rlfilm_lib.widgets.gae_explorer import DISCOUNT, LAMBDAS, Task, critic, errors, lambda_weights, moments

WRONG, RIGHT = 2, 0
"""Turns in the state three marks off: on, and back."""
THREE_OFF = int(np.flatnonzero(gae_explorer.ERRORS == 3)[0])


@pytest.fixture(scope="module")
def focus():
    return gae_explorer.focus_pull()


COIN = Task(
    transition=np.ones((1, 2, 1)), rewards=np.array([[[1.0], [-1.0]]]), policy=np.full((1, 2), 0.5), start=np.ones(1)
)
"""One state for ever; heads earns 1, tails -1."""
LAST = Task(transition=np.zeros((1, 1, 1)), rewards=np.zeros((1, 1, 1)), policy=np.ones((1, 1)), start=np.ones(1))
"""Terminates at once, with nothing earned."""


def test_a_coin_has_the_moments_worked_out_by_hand():
    """With V = 0 the TD errors are the tosses: the mean is that of the first, the variance that of all others."""
    mean, variance = moments(COIN, np.zeros(1), 0.9, np.array([[1.0, 0.5, 0.25], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(mean[:, 0], [[1, -1], [1, -1]])
    np.testing.assert_allclose(variance[:, 0], [[0.3125, 0.3125], [0, 0]], atol=1e-12)


def test_a_wrong_value_shows_as_surprise_at_every_step_and_at_the_end():
    mean, variance = moments(COIN, np.array([2.0]), 0.5, np.array([[1.0, 0.5]]))
    np.testing.assert_allclose(mean[0, 0], [1 - 1.5, -1 - 1.5])  # ±1 - (1 - γ) V now, - (1 - γ) V / 2 then
    np.testing.assert_allclose(variance[0, 0], 0.25)
    mean, variance = moments(LAST, np.array([2.0]), 0.5, np.array([[1.0, 0.5]]))
    np.testing.assert_allclose([mean.item(), variance.item()], [-2.0, 0.0])


def test_the_focus_puller_drifts_as_stated(focus):
    reached = focus.transition[THREE_OFF, WRONG]
    np.testing.assert_allclose(reached[-3:], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(focus.transition[-1, WRONG, -1], 0.25)  # five marks off: the actor may come back,
    np.testing.assert_allclose(focus.transition[-1, WRONG].sum(), 0.25)  # or the take is spoiled
    np.testing.assert_allclose(focus.rewards[0, 0, gae_explorer.MARKS], 1.0)
    np.testing.assert_allclose(focus.policy.sum(axis=1), 1.0)
    np.testing.assert_allclose(focus.policy, focus.policy[::-1, ::-1])


def test_values_satisfy_the_bellman_equation_and_advantages_average_to_zero(focus):
    values, advantages = focus.values(0.9), focus.advantages(0.9)
    q = (focus.transition * (focus.rewards + 0.9 * values)).sum(axis=-1)
    np.testing.assert_allclose((focus.policy * q).sum(axis=1), values)
    np.testing.assert_allclose((focus.policy * advantages).sum(axis=1), 0, atol=1e-12)
    assert advantages[THREE_OFF, RIGHT] > 0 > advantages[THREE_OFF, WRONG]


def test_visits_are_those_met_by_playing(focus):
    """Takes that terminate are not counted on: neither are they in `visits`."""
    takes = gae_explorer.play(focus, 20_000, seed=0)
    alive = np.cumsum(takes.terminated, axis=0) - takes.terminated == 0
    met = np.bincount(takes.states[alive], minlength=len(focus.start)) / alive.sum()
    np.testing.assert_allclose(met, focus.visits(), atol=0.003)


@pytest.mark.parametrize("gae_lambda", [0.0, 0.5, 0.9])
def test_mean_and_variance_are_those_met_by_playing(focus, gae_lambda):
    values = critic(focus, DISCOUNT, 0.3)
    mean, variance = moments(focus, values, DISCOUNT, lambda_weights(DISCOUNT, np.array([gae_lambda])))
    takes = gae_explorer.play(focus, 20_000, seed=1, frames=90, first=(THREE_OFF, WRONG))
    credits = gae_explorer.credit(takes, values, DISCOUNT, gae_lambda)[0]
    expected, spread = mean[0, THREE_OFF, WRONG], variance[0, THREE_OFF, WRONG]
    assert abs(credits.mean() - expected) < 3 * (spread / len(credits)) ** 0.5
    assert credits.var() == pytest.approx(spread, rel=0.05)


def test_the_true_critic_leaves_no_bias_at_any_lambda(focus):
    bias, _ = errors(focus, focus.values(DISCOUNT), DISCOUNT, lambda_weights(DISCOUNT, LAMBDAS))
    np.testing.assert_allclose(bias, 0, atol=1e-3)


@pytest.mark.parametrize("quality", [0.0, 0.5])
def test_lambda_one_has_no_bias_whatever_the_critic_and_the_most_noise(focus, quality):
    bias, noise = errors(focus, critic(focus, DISCOUNT, quality), DISCOUNT, lambda_weights(DISCOUNT, LAMBDAS))
    assert bias[-1] < 1e-3 and (np.diff(bias) < 0).all()
    assert noise.argmax() == len(LAMBDAS) - 1
    assert noise[-1] == pytest.approx(
        errors(focus, focus.values(DISCOUNT), DISCOUNT, lambda_weights(DISCOUNT, LAMBDAS))[1][-1], rel=1e-3
    )


def test_a_shorter_discount_is_biased_even_with_the_true_critic(focus):
    bias, noise = errors(focus, critic(focus, 0.8, 1.0), 0.8, lambda_weights(0.8, LAMBDAS))
    assert (bias > 0.1).all()
    assert noise[-1] < errors(focus, critic(focus, DISCOUNT, 1.0), DISCOUNT, lambda_weights(DISCOUNT, 1.0)[None])[1]


def test_one_step_and_all_steps_are_the_two_ends_of_lambda():
    np.testing.assert_array_equal(gae_explorer.n_step_weights(0.9, 1), lambda_weights(0.9, 0.0))
    np.testing.assert_allclose(
        gae_explorer.n_step_weights(0.9, gae_explorer.HORIZON), lambda_weights(0.9, 1.0), rtol=1e-12
    )


def test_the_better_the_critic_the_smaller_the_best_lambda_and_more_samples_raise_it(focus):
    best = [gae_explorer.trade(focus, DISCOUNT, quality, 64).best for quality in gae_explorer.QUALITIES]
    assert best == sorted(best, reverse=True) and len(set(best)) == 3
    best = [gae_explorer.trade(focus, DISCOUNT, 0.5, samples).best for samples in gae_explorer.SAMPLES]
    assert best == sorted(best) and best[0] < best[-1]


def test_the_clock_cuts_a_take_without_ending_it():
    """The last frame's TD error looks at the value of what followed, where the take was not spoiled."""
    states, following = np.zeros((2, 2), int), np.array([[0, 0], [0, 0]])
    ended = np.array([[False, False], [True, False]])
    takes = gae_explorer.Takes(states, states, np.ones((2, 2)), ended, following)
    credit = gae_explorer.credit(takes, np.array([4.0]), 0.5, 1.0)
    np.testing.assert_allclose(credit, [[1 + 0.5 - 4, 1 + 0.5 + 0.25 * 4 - 4], [1 - 4, 1 + 0.5 * 4 - 4]])


def test_one_seed_gives_the_same_takes_and_another_others(focus):
    once, again, other = (gae_explorer.play(focus, 5, seed).states for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def drawn(described):
    """The SVG of a picture."""
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_a_picture_is_sound_svg(focus):
    takes = gae_explorer.play(focus, 1, seed=0)
    for described in (
        gae_explorer.still(focus),
        gae_explorer.view(focus, takes, 0.0, 0.5, 0.0, 1),
        gae_explorer.view(focus, takes, 1.0, DISCOUNT, 1.0, 256),
    ):
        root = ElementTree.fromstring(drawn(described))
        places = [float(mark.get(axis)) for mark in root.iter() for axis in "xy" if mark.get(axis)]
        assert root.tag.endswith("svg") and min(places) >= 0 and max(places) <= 910


def test_bars_reach_from_zero_to_their_value_and_lines_lie_at_the_truth():
    """From -1 to 3 over 40 pixels, ten to the unit: zero at y = 30."""
    svg = gae_explorer.bars(np.array([2.0, -1.0]), np.array([3.0, 0.0]), 0, 0, 20, 40)
    assert '<rect x="1.5" y="10.0" width="7.0" height="20.0"' in svg
    assert '<rect x="11.5" y="30.0" width="7.0" height="10.0"' in svg
    assert "M0.0 0.0h10.0" in svg and "M10.0 30.0h10.0" in svg


def test_the_sliders_move_picture_and_sentence():
    pytest.importorskip("ipywidgets")
    explorer = gae_explorer.LambdaExplorer()
    seen = [(explorer.picture.value, explorer.words.value)]
    for control, value, words in (
        (explorer.gae_lambda, 0.0, "the first TD error."),
        (explorer.gae_lambda, 0.5, "λ = 0.50"),
        (explorer.gamma, 0.8, "γ = 0.80"),
        (explorer.quality, 0.0, "critic of quality 0.00"),
        (explorer.samples, 1, "mean of 1 sample:"),
    ):
        control.value = value
        assert words in explorer.words.value
        assert words in re.search(r'alt="([^"]+)"', explorer.picture.value)[1]
        seen.append((explorer.picture.value, explorer.words.value))
    assert len(set(seen)) == len(seen)


def test_a_still_picture_is_left_for_readers_without_a_kernel(focus):
    still = gae_explorer.still(focus)
    assert all(f"quality {quality:g}" in still.text for quality in gae_explorer.QUALITIES)
    assert drawn(still).count("critic of quality") == 3
