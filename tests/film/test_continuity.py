"""The rules of continuity on set-ups worked out by hand."""

import numpy as np
import pytest

from rlfilm_lib.film import continuity

A, B = np.array([-0.6, 2.0, 1.6]), np.array([0.6, 2.0, 1.6])
MASTER, OVER_B, OVER_A, ACROSS = (np.array(p) for p in ([0.0, -2, 1.6], [1.0, 1, 1.6], [-1.0, 1, 1.6], [1.0, 3, 1.6]))


def test_the_line_is_crossed_behind_the_subjects_only():
    kept = continuity.keeps_line(MASTER, np.stack([OVER_A, OVER_B, ACROSS]), A, B)
    assert kept.tolist() == [True, True, False]
    assert continuity.keeps_line(MASTER, [5.0, 2.0, 1.0], A, B), "a camera on the line may be cut to from both sides"


def test_the_line_turns_with_the_subjects():
    """Anything turned about the up axis stays on its side; exchanging A and B exchanges the sides."""
    turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    for camera in (MASTER, ACROSS):
        side = continuity.line_side(camera, A, B)
        assert continuity.line_side(camera @ turn, A @ turn, B @ turn) == side == -continuity.line_side(camera, B, A)


def test_viewing_angle_of_a_reverse():
    assert np.degrees(continuity.viewing_angle(OVER_A, OVER_B, (A + B) / 2)) == pytest.approx(90)
    assert continuity.viewing_angle(MASTER, MASTER, A) == 0


def test_thirty_degrees_is_one_exactly_where_nothing_jumps():
    rng = np.random.default_rng(0)
    angle, first, second = rng.uniform(0, 1, 1000), rng.uniform(0.2, 1.2, 1000), rng.uniform(0.2, 1.2, 1000)
    jumps = continuity.jump_cut(angle, first, second)
    assert 0.05 < jumps.mean() < 0.95
    np.testing.assert_array_equal(continuity.thirty_degrees(angle, first, second) < 1, jumps)
    np.testing.assert_array_equal(jumps, continuity.jump_cut(angle, second, first))


def test_eyeline_needs_opposite_sides_and_one_pitch():
    assert continuity.eyeline(0.2, -0.9, 0.1, 0.1) == 1
    assert continuity.eyeline(-0.2, -0.9, 0.1, 0.1) == 0
    assert continuity.eyeline(0.2, -0.9, np.radians(-10), np.radians(10)) == pytest.approx(np.exp(-2))


def test_match_on_action_is_the_cosine_and_ignores_speed():
    turned = [[3 * np.cos(a), 3 * np.sin(a)] for a in np.radians([0, 60, 90, 180])]
    np.testing.assert_allclose(continuity.match_on_action([0.1, 0], turned), [1, 0.75, 0.5, 0], atol=1e-12)
    assert continuity.match_on_action([0, 0], [0, 0]) == 1
