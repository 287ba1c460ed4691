"""Intervals of known width, and curves that keep their numbers."""

import numpy as np
import pytest

from rlfilm_lib.rl.evaluate import bootstrap_interval
from rlfilm_lib.widgets.learning_curves import interval, plot, plot_lines, smooth


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
