"""Lens formulas against published tables, hand-worked numbers and their own limits."""

import numpy as np
import pytest

from rlfilm_lib.film import lens


@pytest.mark.parametrize(
    ("focal_length", "degrees"),
    [(25, 52.9), (35, 39.1), (50, 28.0), (85, 16.7)],  # 2 atan(24.89 / 2f), as in the tables for Super 35
)
def test_field_of_view_of_super_35(focal_length, degrees):
    assert np.degrees(lens.field_of_view(24.89, focal_length)) == pytest.approx(degrees, abs=0.06)


def test_hyperfocal_by_hand():
    # 50² / (2.8 * .025) + 50 = 35 764 mm; 25² / (8 * .025) + 25 = 3 150 mm
    np.testing.assert_allclose(lens.hyperfocal([50, 25], [2.8, 8]), [35.764, 3.150], atol=5e-4)


@pytest.mark.parametrize(
    ("focal_length", "f_stop", "focus", "near", "far"),
    # H = f²/(N c) + f in mm; near = s (H - f)/(H + s - 2f), far = s (H - f)/(H - s), worked with a pocket calculator
    [(50, 2.8, 3.0, 2.7711, 3.2701), (85, 2.0, 2.5, 2.4589, 2.5425), (25, 5.6, 2.0, 1.3866, 3.5868)],
)
def test_depth_of_field_by_hand(focal_length, f_stop, focus, near, far):
    np.testing.assert_allclose(lens.depth_of_field(focus, focal_length, f_stop), (near, far), rtol=5e-5)


def test_hyperfocal_distances_of_a_published_table():
    """Kodak, *The Essential Reference Guide for Filmmakers* (2007), depth-of-field table of the 50 mm lens.

    Feet, with a circle of confusion of 1/1000 inch; the table's f² / (N c) leaves out the + f.
    """
    f_stops = np.array([1.4, 2, 2.8, 4, 5.6, 8, 11, 16, 22, 32])
    feet = [230.7, 161.5, 115.3, 80.7, 57.7, 40.4, 29.4, 20.2, 14.7, 10.1]
    np.testing.assert_allclose((lens.hyperfocal(50, f_stops, 0.0254) - 0.050) / 0.3048, feet, rtol=0.003)
    np.testing.assert_allclose(lens.hyperfocal(50, f_stops[:-1], 0.0254) / 0.3048, feet[:-1], rtol=0.01)


@pytest.mark.parametrize(
    ("focus", "near", "far"),
    [
        (2.0, [1.959, 1.941, 1.919, 1.887, 1.848, 1.786, 1.719], [2.043, 2.063, 2.089, 2.129, 2.183, 2.279, 2.406]),
        (5.0, [4.719, 4.609, 4.470, 4.276, 4.058, 3.742, 3.424], [5.317, 5.467, 5.680, 6.033, 6.544, 7.629, 9.541]),
    ],
)
def test_depth_of_field_of_a_published_table(focus, near, far):
    """Nikon, instruction manual of the PC Micro-Nikkor 85mm f/2.8D, table of the depth of field, p. 84.

    Metres, f/2.8 to f/22, a circle of confusion of 1/30 mm. The table counts from the film; its row for infinity,
    near = 218.3 m / N + 0.178 m, says that the entrance pupil stands 0.178 m before it.
    """
    pupil, f_stops = 0.178, np.array([2.8, 4, 5.6, 8, 11, 16, 22])
    limits = lens.depth_of_field(focus - pupil, 85, f_stops, 1 / 30)
    np.testing.assert_allclose(np.add(limits, pupil), [near, far], rtol=0.01)


def test_depth_of_field_reaches_infinity_from_the_hyperfocal_distance_on():
    hyperfocal = lens.hyperfocal(25, 8)
    near, far = lens.depth_of_field(np.array([hyperfocal * 0.999, hyperfocal, 10.0]), 25, 8)
    assert np.isfinite(far[0]) and np.isinf(far[1:]).all()
    assert near[1] == pytest.approx(hyperfocal / 2, rel=1e-9)  # the classic rule: half the hyperfocal distance


def test_the_limits_of_depth_of_field_have_the_largest_allowed_blur():
    focal_length, f_stop, focus = np.array([25, 50, 85]), 2.8, 3.0
    for limit in lens.depth_of_field(focus, focal_length, f_stop):
        np.testing.assert_allclose(lens.blur_circle(limit, focus, focal_length, f_stop), 0.025, rtol=1e-6)


def test_blur_circle_by_hand():
    # (85² / 2.8) * 3000 / (6000 * (3000 - 85)) = 0.4426 mm
    assert lens.blur_circle(6, 3, 85, 2.8) == pytest.approx(0.4426, abs=1e-4)
    assert lens.blur_circle(3, 3, 85, 2.8) == 0


def test_arguments_broadcast():
    near, far = lens.depth_of_field(np.linspace(1, 4, 4)[:, None], np.array([25, 50, 85]), 2.8)
    assert near.shape == far.shape == (4, 3)
    assert (near < far).all()


def test_f_stops_are_the_engraved_ones():
    engraved = [1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16, 22]
    np.testing.assert_allclose(lens.f_stop(np.arange(10)), engraved, rtol=0.03)
    light = np.pi / 4 * (50 / lens.f_stop([3.0, 4.0])) ** 2  # area of the pupil
    assert light[0] / light[1] == pytest.approx(2)
