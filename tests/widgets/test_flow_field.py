"""The exact velocity against the continuity equation and against where it ends; the drawing; the sliders."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rlfilm_lib.video.flow import integrate
from rlfilm_lib.widgets import flow_field
from rlfilm_lib.widgets.flow_field import FlowField, field, follow, pixels, shares, velocity, view

TRIANGLE = np.array([[1.5, 0.0], [-0.5, 1.0], [0.0, -1.5]])


def test_of_two_points_the_shares_are_a_logistic_function():
    """log w₁/w₂ = 2 t x·(x₁ - x₂) / 2 (1 - t)² where both are as far from 0."""
    data, x, t = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([[0.3, 5.0], [-0.2, 0.0]]), 0.4
    expected = 1 / (1 + np.exp(-2 * t * x[:, 0] / (1 - t) ** 2))
    np.testing.assert_allclose(shares(x, t, data), np.stack([expected, 1 - expected], axis=1), rtol=1e-12)


def test_far_away_the_shares_are_still_numbers():
    np.testing.assert_allclose(shares(np.array([[90.0, 0.0]]), 0.99, TRIANGLE).sum(axis=1), 1)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_the_crowd_of_the_lines_flows_with_the_velocity(t):
    """∂p/∂t = -∂(p v)/∂x for the density p of the lines, a mixture of bells, by central differences."""
    data, h = np.array([[-1.5], [0.2], [1.0]]), 1e-4

    def density(x, t):
        return np.mean(np.exp(-((x - t * data.T) ** 2) / (2 * (1 - t) ** 2)), axis=1) / (np.sqrt(2 * np.pi) * (1 - t))

    def flux(x):
        return density(x, t) * velocity(x, t, data)[:, 0]

    x = np.linspace(-2.5, 2.5, 41)[:, None]
    change = (density(x, t + h) - density(x, t - h)) / (2 * h)
    np.testing.assert_allclose(change, -(flux(x + h) - flux(x - h)) / (2 * h), atol=1e-5)


def test_noise_ends_on_the_data_on_each_point_as_often():
    noise = np.random.default_rng(0).standard_normal((3000, 1, 2))
    ends = integrate(field(TRIANGLE[:, None]), noise, 100)[:, 0]
    distance = np.sqrt(((ends[:, None] - TRIANGLE) ** 2).sum(axis=-1))
    assert np.mean(distance.min(axis=1) < 1e-6) > 0.99
    np.testing.assert_allclose(np.bincount(distance.argmin(axis=1)) / 3000, 1 / 3, atol=0.03)


def test_a_field_takes_clips_of_several_frames_with_a_time_each():
    rng = np.random.default_rng(0)
    data, x, times = rng.standard_normal((4, 3, 2)), rng.standard_normal((2, 3, 2)), np.array([0.2, 0.7])
    both = field(data)(x, times)
    for row, t in enumerate(times):
        alone = velocity(x[[row]].reshape(1, 6), t, data.reshape(4, 6))
        np.testing.assert_allclose(both[row].ravel(), alone[0], rtol=1e-12)


def test_the_way_begins_at_the_noise_and_ends_where_integrate_does():
    noise = np.random.default_rng(0).standard_normal((5, 1, 2))
    ways = follow(field(TRIANGLE[:, None]), noise, 7)
    assert ways.shape == (8, 5, 1, 2)
    np.testing.assert_array_equal(ways[0], noise)
    np.testing.assert_array_equal(ways[-1], integrate(field(TRIANGLE[:, None]), noise, 7))


def drawn(described):
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_lines_are_as_wide_as_likely_and_the_red_arrow_ends_at_their_average():
    probe, paths = (0.4, -0.3), np.zeros((11, 3, 2))
    svg = drawn(view(TRIANGLE, paths, 4, probe))
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    likely = shares(np.array([probe]), 0.4, TRIANGLE)[0]
    widths = [
        float(width) for width in re.findall(rf'stroke="{flow_field.BLUE}" stroke-width="([\d.]+)" stroke-op', svg)
    ]
    np.testing.assert_allclose(widths, 12 * likely, atol=0.006)
    tip = re.search(rf'x2="([\d.]+)" y2="([\d.]+)" stroke="{flow_field.VERMILION}"', svg)
    expected = pixels(likely @ TRIANGLE, (flow_field.GAP, flow_field.TOP))
    np.testing.assert_allclose([float(tip[1]), float(tip[2])], expected, atol=0.06)


def test_at_the_end_nothing_is_left_to_say():
    svg = view(TRIANGLE, np.zeros((5, 3, 2)), 4, (0.0, 0.0))
    assert "arrived" in svg.text and "marker-end" not in drawn(svg)


def test_the_sentence_counts_what_is_possible():
    words = flow_field.sentence(np.array([[1.0, 0.0], [-1.0, 0.0]]), 0.5, (0.0, 0.0))
    assert "2 of the 2 points" in words and "50 %" in words and "(+0.00, +0.00)" in words


def test_the_sliders_move_picture_and_sentence():
    pytest.importorskip("ipywidgets")
    shown = FlowField(TRIANGLE, particles=10)
    before = shown.picture.value
    shown.time.value = 0.9
    assert "t = 0.90" in shown.words.value and shown.picture.value != before
    shown.x.value = -1.0
    assert "(-1.0, 0.5)" in shown.words.value
    shown.time.value = 1.0
    assert "arrived" in shown.words.value
    assert "10 particles" in flow_field.still(shown.data, shown.paths).text
