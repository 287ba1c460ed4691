"""The figure stands on the floor, keeps its bones' lengths, and walks without sliding."""

import numpy as np
import pytest

from rlfilm_lib.film.framing import EYES_BELOW_TOP
from rlfilm_lib.stage import figure
from rlfilm_lib.stage.figure import NAMES, RADIUS

TOPS = np.linspace(figure.SEATED, figure.STATURE, 10)


def part(ends, name):
    return ends[:, NAMES.index(name)]


def standing(count=1, top=figure.STATURE, **more):
    return figure.figure(np.tile([0.5, 4.0], (count, 1)), np.full(count, top), **more)


def test_the_parts_have_one_name_radius_and_albedo_each():
    assert len(NAMES) == len(set(NAMES)) == len(RADIUS) == len(figure.ALBEDO)
    assert (RADIUS > 0).all() and (figure.ALBEDO > 0).all() and (figure.ALBEDO < 1).all()


@pytest.mark.parametrize("top", [figure.SEATED, 1.5, figure.STATURE])
def test_the_head_reaches_its_height_and_the_eyes_lie_where_framing_has_them(top):
    start, end = standing(top=top)
    highest = (np.maximum(start, end)[..., 2] + RADIUS).max()
    assert highest == pytest.approx(top, abs=0.012)
    eyes = [part(start, f"{side} eye")[0] for side in ("left", "right")]
    np.testing.assert_allclose(np.mean(eyes, axis=0), [0.5, 4.0 - 0.08, top - EYES_BELOW_TOP], atol=0.01)


def test_both_soles_are_on_the_floor_from_seated_to_standing():
    start, end = figure.figure(np.tile([0.0, 4.0], (10, 1)), TOPS)
    for side in ("left", "right"):
        lowest = np.minimum(part(start, f"{side} shoe")[:, 2], part(end, f"{side} shoe")[:, 2])
        np.testing.assert_allclose(lowest, RADIUS[NAMES.index("left shoe")], atol=1e-6)


def test_bones_keep_their_lengths():
    start, end = figure.figure(np.tile([0.0, 4.0], (10, 1)), TOPS, np.linspace(-1, 1, 10))
    for bone, length in (("thigh", 0.43), ("shank", 0.43), ("upper arm", 0.30), ("forearm", 0.26)):
        for side in ("left", "right"):
            bones = np.linalg.norm(part(end, f"{side} {bone}") - part(start, f"{side} {bone}"), axis=-1)
            np.testing.assert_allclose(bones, length, rtol=0.02)


def test_the_stool_is_under_whoever_sits_and_gone_for_whoever_stands():
    for top, under in ((figure.SEATED, True), (1.5, True), (figure.STATURE, False)):
        start, _ = standing(top=top)
        seat, hip = part(start, "stool seat")[0, 2], part(start, "left thigh")[0, 2]
        assert (0 < seat < hip) if under else seat < -0.1


def test_heading_turns_the_face_towards_plus_x():
    start, end = standing(heading=np.array([np.pi / 2]))
    nose = part(end, "nose")[0] - part(start, "skull")[0]
    assert nose[0] > 0.09 and abs(nose[1]) < 1e-9


@pytest.mark.parametrize("way", [(0, -1), (1, 0), (0.6, -0.8)])
def test_one_foot_is_always_planted_while_the_figure_walks(way):
    walked = np.arange(96) * 0.05
    start, end = figure.figure([0, 4] + walked[:, None] * np.array(way), np.full(96, 1.75), 0.0, walked)
    sliding = [np.abs(np.diff(part(start, f"{side} shoe")[8:-8, :2], axis=0)).max(-1) for side in ("left", "right")]
    assert np.quantile(np.minimum(*sliding), 0.9) < 1e-6  # but for the step over from one foot to the other
    ankles = part(end, "left shank")[8:-8, 2]
    assert np.ptp(ankles) > 0.05  # and it does lift its feet


def test_whoever_does_not_walk_does_not_swing():
    still = figure.figure(np.tile([0.0, 4.0], (12, 1)), np.full(12, 1.75), 0.0, np.full(12, 0.3))
    for ends in still:
        np.testing.assert_allclose(ends, np.broadcast_to(ends[:1], ends.shape), atol=1e-12)


def test_frames_are_independent_of_the_others_when_standing():
    start, _ = figure.figure(np.tile([0.0, 4.0], (10, 1)), TOPS)
    alone, _ = figure.figure([[0.0, 4.0]], TOPS[3:4])
    np.testing.assert_allclose(start[3], alone[0], atol=1e-12)
