"""Agents side by side: rewards against the environment's, what is not made yet, and the shell."""

import re

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("PIL")

from rlfilm_lib.envs.frame_gen import Critics, FrameGen
from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data
from rlfilm_lib.widgets import frame_by_frame
from rlfilm_lib.widgets.clip_scrubber import GAP
from rlfilm_lib.widgets.frame_by_frame import FrameByFrame, record


def standstill(observations):
    """An agent that shows the frame before it again."""
    return observations[:, :32]


@pytest.fixture(scope="module")
def asked():
    return data.make(3, seed=5, frames=8)


@pytest.fixture(scope="module")
def rollouts(asked):
    return record({"real": None, "standstill": standstill}, asked)


def test_the_real_clips_are_shown_as_the_codec_keeps_them_and_a_standstill_shows_the_reference(asked, rollouts):
    codec = Critics.load().codec
    np.testing.assert_array_equal(rollouts.frames["real"], codec.decode(codec.encode(asked.frames)))
    reference = codec.decode(codec.encode(asked.reference))
    np.testing.assert_array_equal(rollouts.frames["standstill"], np.repeat(reference[:, None], 8, axis=1))
    assert rollouts.captions == [caption.text for caption in asked.captions] and rollouts.length == 8


def test_the_reward_is_the_weighted_sum_of_the_terms_and_real_clips_earn_more(rollouts):
    for name, terms in rollouts.terms.items():
        total = sum(FrameGen.weights[term] * course for term, course in terms.items())
        np.testing.assert_allclose(rollouts.rewards[name], total, rtol=1e-6)
    assert rollouts.rewards["real"].mean() > rollouts.rewards["standstill"].mean() + 0.1


def test_the_sentence_adds_up(rollouts):
    earned = rollouts.rewards["real"][1]
    words = frame_by_frame.sentence(rollouts, 1, 4)
    assert f"real {earned[4]:.2f}, {earned[:5].sum():.2f} so far" in words and "frame 5 of 8" in words


def test_what_is_not_made_yet_is_grey(rollouts):
    sheet = frame_by_frame.sheet(rollouts, 0, frame=2, scale=1)
    tiles = [sheet[GAP : GAP + 16, GAP + t * (16 + GAP) : GAP + t * (16 + GAP) + 16] for t in range(8)]
    np.testing.assert_array_equal(tiles[2], rollouts.frames["real"][0, 2])
    assert all((tile == 225).all() for tile in tiles[3:])


def test_a_panel_for_each_term_and_a_line_for_each_agent(rollouts):
    svg = frame_by_frame.chart(rollouts, 0, 7).html
    import base64

    drawn = base64.b64decode(re.search(r"base64,([^\"]+)", svg)[1]).decode()
    assert drawn.count("<polyline") == 5 * 2 and all(f">{term}<" in drawn for term in FrameGen.weights)
    last = drawn.split("<polyline")[1].split('points="')[1].split('"')[0].split(" ")
    heights = [40 + 92 * (1 - value) for value in rollouts.terms["real"]["realism"][0]]
    np.testing.assert_allclose([float(point.split(",")[1]) for point in last], heights, atol=0.06)


def test_more_agents_than_colours_are_refused(asked):
    with pytest.raises(UserError, match="5 agents cannot be shown"):
        record({f"{i}": standstill for i in range(5)}, asked)


def test_the_shell_follows_clip_and_frame(rollouts):
    pytest.importorskip("ipywidgets")
    shell = FrameByFrame(rollouts)
    assert "frame 8 of 8" in shell.words.value and rollouts.captions[0] in shell.words.value
    first = shell.picture.value
    shell.frame.value = 2
    assert "frame 3 of 8" in shell.words.value and shell.picture.value != first
    shell.clip.value = 2
    assert rollouts.captions[2] in shell.words.value
    assert "frame 8 of 8" in frame_by_frame.still(rollouts, 1).text
