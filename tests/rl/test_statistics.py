"""Scores of several runs, against hand-worked numbers, the normal distribution, SciPy, and rliable where it imports."""

import numpy as np
import pytest

from rlfilm_lib.rl.statistics import bootstrap_interval, interquartile_mean, performance_profile

SCORES = np.random.default_rng(0).normal(0.7, 0.2, (5, 3))


def test_a_quarter_of_the_runs_is_left_out_at_either_end():
    assert interquartile_mean(np.array([[90.0, 1.0], [2.0, 3.0], [-7.0, 4.0], [5.0, 6.0]])) == (2 + 3 + 4 + 5) / 4
    assert interquartile_mean(np.array([3.0, 1.0, 100.0, 2.0, -50.0])) == 2.0
    assert interquartile_mean(np.array([1.0, 2.0, 6.0])) == 3.0


@pytest.mark.parametrize("runs", [1, 4, 7, 30])
def test_the_interquartile_mean_is_scipys_trimmed_mean(runs):
    stats = pytest.importorskip("scipy.stats")
    scores = np.random.default_rng(runs).normal(size=(runs, 3))
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), abs=1e-12)


def test_the_interval_of_a_mean_is_the_textbook_one_for_a_large_sample():
    """±1.96 standard errors, in one task and in several at once."""
    for shape in ((2000,), (2000, 3)):
        scores = np.random.default_rng(0).normal(5, 2, shape)
        low, high = bootstrap_interval(scores)
        half = 1.96 * scores.std(axis=0) / np.sqrt(len(scores))
        np.testing.assert_allclose(scores.mean(axis=0) - low, half, rtol=0.1)
        np.testing.assert_allclose(high - scores.mean(axis=0), half, rtol=0.1)


def test_tasks_are_resampled_each_on_its_own():
    """Runs that agree within each task leave no doubt, however far the tasks lie apart; resampling all would."""
    scores = np.tile([0.0, 1.0, 10.0], (5, 1))
    low, high = bootstrap_interval(scores, interquartile_mean)
    assert low == high == interquartile_mean(scores)


def test_runs_of_different_tasks_are_not_tied_together():
    """(x, -x) in each run: drawn together the sum would be 0 in every resample, drawn apart it varies."""
    values = np.arange(5.0)
    low, high = bootstrap_interval(np.stack([values, -values], axis=1), np.sum)
    assert low < -2 and high > 2


def test_the_seed_decides_the_interval():
    assert bootstrap_interval(SCORES[:, 0]) == bootstrap_interval(SCORES[:, 0])
    assert bootstrap_interval(SCORES[:, 0], seed=1) != bootstrap_interval(SCORES[:, 0])


def test_a_profile_counts_the_runs_above_each_threshold():
    thresholds = np.array([-1.0, 0.1, 0.2, 0.3, 2.0])
    profile = performance_profile(np.array([[0.1, 0.2], [0.3, 1.0]]), thresholds)
    np.testing.assert_allclose(profile, [1, 0.75, 0.5, 0.25, 0])


def test_the_area_under_the_profile_is_the_mean():
    thresholds = np.linspace(0, 2, 20_001)
    area = performance_profile(SCORES, thresholds).sum() * (thresholds[1] - thresholds[0])
    assert area == pytest.approx(SCORES.mean(), abs=1e-3)


def test_rliable_finds_the_same():
    """Version 1.2 imports with pandas 2 only, so it seldom stands in one environment with all the rest."""
    try:
        from rliable import library, metrics
    except (ImportError, TypeError) as error:
        pytest.skip(f"rliable does not import here: {error}")
    thresholds = np.linspace(0, 1.5, 16)
    for statistic, theirs in (
        (interquartile_mean, lambda scores: np.array([metrics.aggregate_iqm(scores)])),
        (
            lambda scores: performance_profile(scores, thresholds),
            lambda scores: library.score_distributions(scores, thresholds),
        ),
    ):
        points, intervals = library.get_interval_estimates({"runs": SCORES}, theirs, reps=20_000)
        np.testing.assert_allclose(np.atleast_1d(statistic(SCORES)), points["runs"], atol=1e-12)
        ours = bootstrap_interval(SCORES, statistic, resamples=20_000)
        np.testing.assert_allclose(np.reshape(ours, (2, -1)), intervals["runs"], atol=0.07)
