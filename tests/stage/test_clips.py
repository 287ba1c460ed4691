"""Clips filmed on the stage: what the words say is what the take does, and what the pictures show."""

import itertools

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.stage import clips
from rlfilm_lib.stage.clips import Shot, parse
from rlfilm_lib.video import data


def staging(x=0.0, heading=0.0):
    return clips.Staging(np.array([x, clips.FIGURE_Y]), np.array(heading), np.array([5600.0, 5600.0]))


def test_every_caption_is_read_as_it_was_written():
    every = [Shot(*phrases) for phrases in itertools.product(*clips.VOCABULARY.values())]
    assert len(every) == 3 * 8 * 3
    assert [parse(shot.text) for shot in every] == every
    assert clips.decode(clips.encode(every)) == every


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a runing figure, the camera holds, lit from the left", "unknown pose 'runing'"),
        ("a walking figure, the camera pushs in, lit from the left", "did you mean 'pushes in'?"),
        ("a walking figure, lit from the left", "is not of three parts; write it as"),
    ],
)
def test_a_prompt_outside_the_grammar(text, message):
    with pytest.raises(UserError) as error:
        parse(text)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("move", clips.MOVES)
def test_the_camera_goes_so_far_in_a_second(move):
    take = clips.take(Shot("standing", move, "the left"), staging(), np.zeros(data.FPS + 1))
    right, ahead, up, turned = clips.MOVES[move]
    np.testing.assert_allclose(take.camera_position[-1] - take.camera_position[0], [right, ahead, up], atol=1e-12)
    np.testing.assert_allclose(take.camera_rotation[-1, 2], [np.sin(turned), np.cos(turned), 0], atol=1e-12)


def test_only_a_walking_figure_walks():
    for pose in clips.POSES:
        take = clips.take(Shot(pose, "holds", "the left"), staging(heading=0.3), np.zeros(9))
        skull = take.capsule_start[:, take.capsule_name.index("skull")]
        gone = skull[-1, :2] - skull[0, :2]
        assert np.linalg.norm(gone) == pytest.approx(clips.PACE if pose == "walking" else 0, abs=1e-9)
        assert (skull[0, 2] < 1.4) == (pose == "sitting")


def test_a_beat_flares_the_key_and_nothing_else():
    shot, pulse = Shot("standing", "holds", "the left"), np.array([0.0, 1.0, 0.5])
    take = clips.take(shot, staging(), pulse)
    np.testing.assert_allclose(take.light_stops[:, 0] - clips.KEY, clips.FLARE * pulse)
    assert np.all(take.light_stops[:, 1] == clips.FILL)


def test_the_light_comes_from_its_side():
    """The side of the head towards the key is brighter, and from the front both are about the same."""
    contrast = {}
    for side in clips.SIDES:
        place = clips.Staging(*(part[None] for part in staging()))
        frame = clips.film([Shot("standing", "holds", side)], place, np.zeros((1, 8)), 64).reference[0].astype(float)
        body = frame[20:44, 27:37].mean(axis=(0, 2))
        contrast[side] = np.log2(body[:5].mean() / body[5:].mean())
    assert contrast["the left"] > contrast["the front"] + 0.15 > contrast["the right"] + 0.3


def test_one_seed_one_set_of_clips_and_a_file_that_keeps_them(tmp_path, monkeypatch):
    made = clips.make(2, seed=5, size=16, frames=8, cache=tmp_path)
    again = clips.make(2, seed=5, size=16, frames=8)
    monkeypatch.setattr(clips, "film", None)
    read = clips.make(2, seed=5, size=16, frames=8, cache=tmp_path)
    for other in (again, read):
        assert other.captions == made.captions
        assert all(np.array_equal(*pair) for pair in zip(other[::2], made[::2], strict=True))
        assert np.array_equal(other.onsets, made.onsets)
    assert made.frames.shape == (2, 8, 16, 16, 3) and made.reference.shape == (2, 16, 16, 3)
    assert not np.array_equal(made.frames[0], made.frames[1])


def test_refused():
    with pytest.raises(UserError, match="8 pixels"):
        clips.make(1, seed=0, size=8)
    with pytest.raises(UserError, match="0 clips"):
        clips.make(0, seed=0)
