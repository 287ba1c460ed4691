"""Hills with a formula, estimates against them, and the sliders."""

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from rlfilm_lib.widgets import score_function
from rlfilm_lib.widgets.score_function import BASELINES, CRITICS, RATE, Setting, contributions, measure, tries

TOLERANCE = 0.15  # of the smooth critic
PEAK = np.array([1 / 3, 2 / 3])


def smooth_hill(mean, std):
    """J of the smooth critic and its gradient: a bell seen through a bell is a wider, lower bell."""
    width = TOLERANCE**2 + std**2
    J = TOLERANCE**2 / width * np.exp(-np.sum((mean - PEAK) ** 2) / (2 * width))
    return J, J * (PEAK - mean) / width


@pytest.mark.parametrize("std", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("mean", [(0.5, 0.5), (0.3, 0.8), (0.9, 0.1)])
def test_a_bell_seen_through_the_policy_is_the_bell_worked_out_by_hand(mean, std):
    J, gradient = smooth_hill(np.array(mean), std)
    assert score_function.mean_rewards("smooth", mean[:1], mean[1:], std)[0, 0] == pytest.approx(J, rel=2e-4, abs=1e-6)
    np.testing.assert_allclose(score_function.exact_gradient("smooth", mean, std), gradient, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("std", [0.05, 0.12, 0.4])
def test_a_disc_of_yes_holds_its_share_of_the_policy(std):
    """The distance from the mean follows Rayleigh's distribution: P(distance < ρ) = 1 - exp(-ρ² / 2σ²)."""
    J = score_function.mean_rewards("yes or no", [PEAK[0]], [PEAK[1]], std)[0, 0]
    assert J == pytest.approx(1 - np.exp(-(0.12**2) / (2 * std**2)), rel=1e-3)


def test_mean_rewards_are_laid_out_like_a_picture():
    J = score_function.mean_rewards("two peaks", [1 / 3, 2 / 3], [0.1, 2 / 3, 0.9], 0.05)
    assert J.shape == (3, 2)
    assert np.unravel_index(J.argmax(), J.shape) == (1, 1)


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_scores_of_tries_average_to_the_exact_gradient_whatever_the_baseline(critic, baseline):
    setting = Setting(critic, mean=(0.42, 0.6), std=0.1)
    said = contributions(*tries(setting, 400_000), setting.mean, setting.std, baseline)
    error = said.std(axis=0) / len(said) ** 0.5
    exact = score_function.exact_gradient(critic, setting.mean, setting.std)
    assert (np.abs(said.mean(axis=0) - exact) < 3 * error).all()
    assert (error < 0.1 * np.linalg.norm(exact)).all()


def test_the_best_baseline_leaves_the_least_variance():
    measured = measure(Setting("smooth"))
    best = score_function.best_baseline(measured.scores, measured.rewards)
    noise = {b: ((measured.rewards - b) * measured.scores).std() for b in (best - 0.05, best, best + 0.05)}
    assert min(noise, key=noise.get) == best


def test_a_batch_is_scored_as_its_terms_say():
    measured = measure(Setting("smooth", samples=4, baseline=0.2))
    u, v = measured.actions.T
    scores = (measured.actions - 0.5) / 0.15**2
    np.testing.assert_allclose(measured.estimate, ((CRITICS["smooth"](u, v) - 0.2)[:, None] * scores).mean(axis=0))
    assert measured.spread.true == pytest.approx(np.linalg.norm(measured.exact))


def test_four_times_the_tries_halve_the_noise_and_leave_the_mean():
    few, many = (measure(Setting("five stars", samples=samples)).spread for samples in (4, 16))
    assert few.deviation == pytest.approx(2 * many.deviation)
    assert few.mean == many.mean


def test_one_seed_gives_the_same_tries_and_another_others():
    once, again, other = (tries(Setting(seed=seed), 8)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_where_no_try_meets_a_reward_it_says_so():
    far = Setting("yes or no", mean=(0.9, 0.1), std=0.05)
    seen = score_function.view(far)
    assert "no try meets a reward" in seen.text and "no try meets a reward" in drawn(seen)
    assert not measure(far).estimate.any()


def test_the_sentence_gives_the_figures():
    words = score_function.sentence(measure(Setting("smooth", samples=1)))
    assert "exact gradient has length 1.41" in words and "estimates from 1 try scatter" in words
    assert "16 tries" in score_function.sentence(measure(Setting("smooth", samples=16)))


def drawn(described):
    """The SVG of a picture."""
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_arrows_point_as_the_gradient_does_and_stay_in_the_picture():
    start = np.array([0.5, 0.5])
    short, long = (score_function.arrow_tip(start, np.array([3.0, -4.0]) * k) - start for k in (0.01, 1000.0))
    for tip in (short, long):
        np.testing.assert_allclose(tip / np.linalg.norm(tip), [0.6, -0.8])
    assert np.linalg.norm(short) < 0.02 and np.linalg.norm(long) == pytest.approx(0.4, rel=1e-3)


def test_a_try_is_drawn_where_it_is_and_coloured_by_what_it_says():
    """A frame 160 × 90 wide at (0, 0): the place (u, v) lies at (160 u, 90 - 90 v)."""
    measured = measure(Setting("smooth"))
    two = replace(
        measured,
        actions=np.array([[0.75, 0.5], [0.25, 0.9]]),
        terms=np.array([[5.0, 0.0], [1.0, -1.6]]),
        exact=np.zeros(2),
    )
    svg = score_function.frame_drawing(two, 0, 0, 160)
    assert f'<circle cx="120.0" cy="45.0" r="3.2" fill="{score_function.BLUE}"' in svg
    assert f'<circle cx="40.0" cy="9.0" r="3.2" fill="{score_function.VERMILION}"' in svg
    assert "url(#exact)" not in svg and "url(#estimate)" in svg


def test_the_valley_marks_the_chosen_baseline():
    measured = measure(Setting("smooth", baseline=0.25))
    svg = score_function.valley(measured, 0, 0, 150, 100)
    assert f"M{150 * (0.25 - BASELINES[0]) / (BASELINES[-1] - BASELINES[0]):.1f} " in svg
    assert "mean reward" in svg and "best" in svg


@pytest.mark.parametrize(
    "setting",
    [Setting(critic) for critic in CRITICS]
    + [
        Setting("smooth", mean=(1 / 3, 2 / 3)),  # at the top: no gradient
        Setting("yes or no", mean=(1.0, 0.0), std=0.05, samples=1),
        Setting("two peaks", mean=(0.0, 1.0), std=0.4, samples=64, baseline=1.0),
    ],
)
def test_every_picture_is_sound_svg(setting):
    with np.errstate(all="raise", under="ignore"):
        svg = drawn(score_function.view(setting))
    assert ElementTree.fromstring(svg).tag.endswith("svg") and "nan" not in svg


def test_the_sliders_move_picture_and_sentence():
    pytest.importorskip("ipywidgets")
    explorer = score_function.ScoreFunction()
    seen = [(explorer.picture.value, explorer.words.value)]
    for control, value, words in (
        (explorer.critic, "yes or no", "“yes or no”"),
        (explorer.u, 0.4, "(0.40, 0.50)"),
        (explorer.v, 0.6, "(0.40, 0.60)"),
        (explorer.std, 0.1, "σ = 0.10"),
        (explorer.samples, 64, "64 tries"),
        (explorer.baseline, 0.5, "baseline 0.50"),
    ):
        control.value = value
        assert words in explorer.words.value
        assert words in re.search(r'alt="([^"]+)"', explorer.picture.value)[1]
        seen.append((explorer.picture.value, explorer.words.value))
    explorer.again.click()
    seen.append((explorer.picture.value, explorer.words.value))
    assert len(set(seen)) == len(seen)
    assert all(control.description for control in (explorer.u, explorer.v, explorer.std, explorer.samples))


def test_a_step_uphill_follows_the_estimate_that_is_shown():
    pytest.importorskip("ipywidgets")
    explorer = score_function.ScoreFunction(Setting("smooth", samples=64))
    estimate = measure(explorer.setting).estimate
    explorer.step.click()
    np.testing.assert_allclose([explorer.u.value, explorer.v.value], 0.5 + RATE * estimate)
    for _ in range(15):
        explorer.step.click()
    assert np.linalg.norm(np.array(explorer.setting.mean) - PEAK) < 0.15


def test_a_still_picture_is_left_for_readers_without_a_kernel():
    still = score_function.still()
    assert all(critic in still.text and critic in drawn(still) for critic in CRITICS)
    ElementTree.fromstring(drawn(still))
