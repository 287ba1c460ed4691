"""Storyboard drawings: paper and ink, strokes where they are asked for, and set-ups of the size and angle they name."""

import numpy as np

from rlfilm_lib.film import framing
from rlfilm_lib.stage import sketch


def test_white_is_paper_and_black_is_all_washes():
    assert sketch.draw(np.full((8, 8, 3), 255, np.uint8)).tolist() == np.tile([250, 247, 238], (4, 4, 1)).tolist()
    ink = sum(strength for _, strength in sketch.WASHES)
    expected = sketch.PAPER + ink * (sketch.INK - sketch.PAPER)
    np.testing.assert_allclose(sketch.draw(np.zeros((8, 8, 3), np.uint8))[1, 1], expected, atol=0.5)


def test_an_edge_is_inked_where_it_is():
    picture = np.full((20, 20, 3), 255, np.uint8)
    picture[:, 10:] = 200  # lighter than any wash
    drawn = sketch.draw(picture).astype(int)
    dark = (drawn.sum(axis=2) < 700).any(axis=0).nonzero()[0]
    assert dark.tolist() == [4]  # the step from pixel 9 to 10, at half the size


def test_a_stroke_covers_its_line_and_leaves_the_rest():
    picture = np.zeros((20, 30, 3), np.uint8)
    sketch.stroke(picture, [(5, 10), (25, 10)], (255, 255, 255), 3)
    rows, columns = (picture[..., 0] == 255).nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 11, 4, 26)
    sketch.stroke(picture, [(-50, -50), (-40, -40), (400, 300)], (9, 9, 9), 3)  # beyond the picture: nothing breaks


def test_an_arrow_has_its_head_at_the_end():
    picture = np.zeros((40, 80, 3), np.uint8)
    sketch.arrow(picture, (10, 20), (70, 20), (255, 0, 0))
    height = (picture[..., 0] > 128).sum(axis=0)
    assert height[15:50].max() <= 5 and height[58:70].max() > 8


def test_the_camera_shows_the_size_and_stands_at_the_angle():
    """Against the definitions: k from distance and lens; the angle between the axis (along y) and the line of the two
    heads, positive while the nearer one stands on the left of the picture."""
    k, angle = np.array([1.9, 0.44, 0.18]), np.array([80.0, 20.0, -10.0])
    take = sketch.setups(k, angle)
    visible = framing.visible_height(-take.camera_position[:, 1], take.focal_length)
    np.testing.assert_allclose(visible / framing.STATURE, k)
    skulls = [take.capsule_start[:, take.capsule_name.index(f"{who} skull"), :2] for who in ("listener", "speaker")]
    line = skulls[0] - skulls[1]  # from the nearer one to the one the camera is on
    np.testing.assert_allclose(np.degrees(np.arctan2(line[:, 0], line[:, 1])), angle, atol=1.5)
    np.testing.assert_allclose(np.linalg.norm(line, axis=1), sketch.APART, atol=0.03)


def test_across_the_line_left_and_right_change_places():
    """The back of the one who listens fills the left of the picture on this side, the right on the other."""
    weights = []
    for angle in (20.0, -20.0):
        ink = 255 - sketch.panel(0.68, angle)[:60].astype(float).mean(axis=2)
        weights.append(np.average(np.arange(sketch.WIDTH), weights=ink.sum(axis=0)))
    assert weights[0] < weights[1] - 10


def test_set_ups_are_cut_together():
    take = sketch.setups([0.44, 0.18], [20.0, 50.0], frames=6)
    assert len(take) == 12
    changes = np.abs(np.diff(take.capsule_start, axis=0)).max(axis=(1, 2))
    assert changes.nonzero()[0].tolist() == [5]
