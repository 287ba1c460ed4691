"""Intervals of known width, and curves that keep their numbers."""

import numpy as np
import pytest

from rlfilm_lib.rl.statistics import bootstrap_interval, interquartile_mean
from rlfilm_lib.widgets.learning_curves import compare, interval, plot, plot_lines, plot_profiles, plot_scores, smooth


def test_the_interval_of_many_seeds_is_that_of_the_normal_distribution():
    scores = np.random.default_rng(0).normal(5.0, 2.0, (400, 3))
    mean, low, high = interval(scores)
    half = 1.96 * scores.std(axis=0) / 20
    np.testing.assert_allclose(mean, scores.mean(axis=0))
    np.testing.assert_allclose(high - mean, half, rtol=0.1)
    np.testing.assert_allclose(mean - low, half, rtol=0.1)


def test_one_point_has_the_interval_of_the_evaluation():
    scores = np.array([0.2, 0.4, 0.5, 0.9, 1.0])
    _, low, high = interval(scores[:, None])
    np.testing.assert_allclose((low[0], high[0]), bootstrap_interval(scores), atol=0.03)


def test_seeds_that_agree_leave_no_doubt():
    _, low, high = interval(np.tile([0.1, 0.7], (5, 1)))
    np.testing.assert_allclose(low, high)


def test_smoothing_keeps_the_mean_and_drops_an_incomplete_block():
    curves = np.arange(14.0).reshape(2, 7)
    np.testing.assert_array_equal(smooth(curves, 3), [[1, 4], [8, 11]])


def test_curves_and_yardsticks_are_drawn_where_they_belong():
    plt = pytest.importorskip("matplotlib.pyplot")
    fig, axes = plt.subplots()
    curves = np.array([[0.0, 1.0], [1.0, 2.0]])
    plot(axes, np.array([10, 20]), curves, "#0072B2", "runs")
    plot_lines(axes, {"random": 0.0, "expert": 1.0})
    drawn = [line.get_ydata() for line in axes.get_lines()]
    np.testing.assert_array_equal(drawn[:3], [[0, 1], [1, 2], [0.5, 1.5]])
    assert {text.get_text(): text.get_position()[1] for text in axes.texts} == {"random": 0.0, "expert": 1.0}
    plt.close(fig)


RUNS = {"ppo": np.array([0.9, 0.8, 1.1, 0.95, 0.2]), "reinforce": np.array([[0.4, 0.5], [0.6, 0.3]])}


def test_scores_show_every_run_their_interquartile_mean_and_its_interval():
    plt = pytest.importorskip("matplotlib.pyplot")
    fig, axes = plt.subplots()
    plot_scores(axes, RUNS)
    points, middle = axes.get_lines()[:2]
    np.testing.assert_array_equal(points.get_xdata(), RUNS["ppo"])
    np.testing.assert_allclose(middle.get_xdata(), (0.8 + 0.9 + 0.95) / 3)
    low, high = bootstrap_interval(RUNS["ppo"], interquartile_mean)
    box = axes.collections[0].get_paths()[0].get_extents()
    assert (box.x0, box.x1) == pytest.approx((low, high)) and box.y0 < 0 < box.y1
    assert [label.get_text() for label in axes.get_yticklabels()] == list(RUNS)
    plt.close(fig)


def test_profiles_fall_from_all_runs_to_none():
    plt = pytest.importorskip("matplotlib.pyplot")
    fig, axes = plt.subplots()
    plot_profiles(axes, RUNS)
    thresholds, share = axes.get_lines()[0].get_data()
    assert share[0] == 1 and share[-1] == 0
    assert share[np.searchsorted(thresholds, 0.85)] == pytest.approx(3 / 5)
    plt.close(fig)


def test_a_comparison_names_its_unit_on_both_pictures():
    matplotlib = pytest.importorskip("matplotlib.figure")
    figure = matplotlib.Figure()
    compare(figure, RUNS, "normalised score")
    assert [axes.get_xlabel() for axes in figure.axes] == ["normalised score", "normalised score τ"]
