"""Projection and the craft's measures against geometry and numbers worked by hand."""

import numpy as np
import pytest

from rlfilm_lib.film import framing


def rotated(pan: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """Rows right, up, forward of a camera panned to the right and tilted up (radians)."""
    right = np.array([np.cos(pan), -np.sin(pan), 0.0])
    forward = np.array([np.sin(pan) * np.cos(tilt), np.cos(pan) * np.cos(tilt), np.sin(tilt)])
    return np.stack([right, np.cross(right, forward), forward])


def test_the_axis_meets_the_middle():
    u, v, depth = framing.project(np.array([1.0, 7.0, 1.5]), np.array([1.0, 2.0, 1.5]), 35.0)
    assert (u, v, depth) == (0.5, 0.5, 5.0)


def test_the_edges_of_the_gate():
    """At 5 m a 50 mm lens sees 5 · 24.89 / 50 = 2.489 m across and 1.4 m up and down."""
    corners = np.array([[-1.2445, 5.0, -0.7], [1.2445, 5.0, 0.7]])
    u, v, _ = framing.project(corners, np.zeros(3), 50.0)
    np.testing.assert_allclose(u, [0, 1], atol=1e-12)
    np.testing.assert_allclose(v, [0, 1], atol=1e-12)


def test_twice_as_far_or_half_the_lens_is_half_as_large():
    near, far, short = (
        framing.project(np.array([0.3, depth, 0.0]), np.zeros(3), lens)[0] - 0.5
        for depth, lens in ((3.0, 50.0), (6.0, 50.0), (3.0, 25.0))
    )
    assert far == pytest.approx(near / 2) and short == pytest.approx(near / 2)


def test_behind_the_camera_is_finite_and_told_by_the_depth():
    u, v, depth = framing.project(np.array([0.5, -2.0, 0.5]), np.zeros(3), 25.0)
    assert depth == -2 and np.isfinite([u, v]).all()


def test_a_panned_camera_centres_what_it_points_at():
    pan, tilt = np.radians(30), np.radians(-10)
    rotation = rotated(pan, tilt)
    u, v, depth = framing.project(4 * rotation[2], np.zeros(3), 35.0, rotation=rotation)
    np.testing.assert_allclose([u, v, depth], [0.5, 0.5, 4.0])


def test_aim_is_pan_about_the_vertical_and_tilt_about_the_cameras_right():
    pan, tilt = np.meshgrid(np.linspace(-3, 3, 7), np.linspace(-1.2, 1.2, 5))
    aimed = framing.aim(pan, tilt)
    assert aimed.shape == (5, 7, 3, 3)
    for i, j in np.ndindex(pan.shape):
        np.testing.assert_allclose(aimed[i, j], rotated(pan[i, j], tilt[i, j]), atol=1e-12)
    np.testing.assert_allclose(framing.aim(0.3, [0.0, 0.2])[:, 0], [rotated(0.3)[0]] * 2)


def test_level_rotation_is_no_rotation():
    points = np.random.default_rng(0).uniform([-1, 2, 0], [1, 6, 2], size=(7, 3))
    given = framing.project(points, np.zeros(3), 40.0, rotation=np.tile(rotated(), (7, 1, 1)))
    np.testing.assert_allclose(given, framing.project(points, np.zeros(3), 40.0))


def test_visible_height_agrees_with_the_projection():
    height = framing.visible_height(3.7, 42.0)
    _, v, _ = framing.project(np.array([[0, 3.7, height / 2], [0, 3.7, -height / 2]]), np.zeros(3), 42.0)
    np.testing.assert_allclose(v, [1, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("k", "name"),
    [
        *[(0.1, "ECU"), (0.25, "CU"), (0.26, "MCU"), (0.55, "MS"), (0.7, "cowboy")],
        *[(0.8, "MLS"), (1.0, "FS"), (3.0, "LS"), (9.0, "EWS")],
    ],
)
def test_shot_sizes(k, name):
    assert framing.shot_size(k) == name


@pytest.mark.parametrize("k", [0.0, -1.0, np.nan])
def test_a_shot_size_must_be_positive(k):
    with pytest.raises(ValueError, match="must be positive"):
        framing.shot_size(k)


def test_thirds_are_symmetric_and_fall_with_distance():
    assert framing.thirds(2 / 3, 2 / 3, +1) == pytest.approx(1)
    assert framing.thirds(2 / 3 + 0.12, 2 / 3, +1) == pytest.approx(np.exp(-0.5))
    assert framing.thirds(1 / 3, 2 / 3 - 0.12, -1) == pytest.approx(np.exp(-0.5))


def test_the_lower_third_and_the_wrong_side_score_next_to_nothing():
    assert framing.thirds(1 / 3, 1 / 3, -1) < 0.03
    assert framing.thirds(2 / 3, 2 / 3, -1) < 0.03


def test_headroom_of_a_cut_head_is_negative():
    np.testing.assert_allclose(framing.headroom([0.9, 1.05]), [0.1, -0.05])


def test_headroom_targets_grow_with_the_shot():
    k = np.geomspace(0.15, 5, 40)
    targets = framing.headroom_target(k)
    assert (np.diff(targets) >= 0).all() and targets[0] == 0.03 and targets[-1] == 0.12


@pytest.mark.parametrize(
    ("u", "gaze", "score"),
    [(1 / 3, 1, 1.0), (0.5, 1, 0.0), (5 / 12, 1, 0.5), (0.1, 1, 1.0), (2 / 3, -1, 1.0), (1 / 3, -1, 0.0)],
)
def test_lead_room(u, gaze, score):
    assert framing.lead_room(u, gaze) == pytest.approx(score)
