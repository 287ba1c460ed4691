"""Ways from noise to clips against a velocity that is known; what is drawn; the shell, and an unknown word."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest

from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import Encoder
from rlfilm_lib.widgets import clip_scrubber
from rlfilm_lib.widgets.clip_scrubber import GAP, PAPER, ClipScrubber, Ways, moving, record, strip

SHAPE = (4, 3)


def to_the_point_3():
    """A flow whose data is one clip, all 3."""
    return SimpleNamespace(
        config=SimpleNamespace(sampling_steps=5, guidance=1.0),
        velocity=lambda conditions, guidance: lambda x, t: (3 - x) / (1 - t)[:, None, None],
        noise=lambda count, rng: rng.standard_normal((count, *SHAPE)),
    )


def test_of_one_clip_every_noise_is_heading_for_it_from_the_beginning():
    ways = record(to_the_point_3(), np.zeros((2, 1)), seed=4)
    assert ways.steps == 5 and ways.x.shape == ways.heading.shape == (6, 2, *SHAPE)
    np.testing.assert_allclose(ways.heading, 3, rtol=1e-12)
    np.testing.assert_array_equal(ways.x[0], np.random.default_rng(4).standard_normal((2, *SHAPE)))
    np.testing.assert_allclose(ways.x[2], 0.6 * ways.x[0] + 0.4 * 3, rtol=1e-12)
    assert record(to_the_point_3(), np.zeros((2, 1)), steps=8).steps == 8


def test_the_sentence_says_how_far_it_is_to_the_end():
    x = np.zeros((3, 1, *SHAPE))
    ways = Ways(x, np.stack([x[0] + 2, x[0] + 0.5, x[0]]))
    assert "t = 0.00" in clip_scrubber.sentence(ways, "a clip", 0) and "2.00 from" in clip_scrubber.sentence(
        ways, "a", 0
    )
    assert "t = 0.50" in clip_scrubber.sentence(ways, "a clip", 1) and "0.50 from" in clip_scrubber.sentence(
        ways, "a", 1
    )
    assert "0.00 from" in clip_scrubber.sentence(ways, "a clip", 2)


def test_frames_stand_from_left_to_right_and_clips_below_one_another():
    clips = np.arange(2 * 3)[:, None, None, None] * np.ones((2, 2, 3), int)
    sheet = strip(clips.reshape(2, 3, 2, 2, 3).astype(np.uint8), scale=1)
    assert sheet.shape == (2 * (2 + GAP) + GAP, 3 * (2 + GAP) + GAP, 3)
    assert (sheet[0] == PAPER).all() and (sheet[:, 0] == PAPER).all()
    inner = sheet[GAP :: 2 + GAP, GAP :: 2 + GAP, 0]
    np.testing.assert_array_equal(inner[:, :3], [[0, 1, 2], [3, 4, 5]])


def test_a_moving_clip_holds_all_frames_without_loss():
    image = pytest.importorskip("PIL.Image")
    frames = np.random.default_rng(0).integers(256, size=(5, 4, 4, 3), dtype=np.uint8)
    data = base64.b64decode(re.search(r"base64,([^\"]+)", moving(frames, "noise").html)[1])
    with image.open(io.BytesIO(data)) as file:
        assert file.n_frames == 5 and file.info["loop"] == 0 and file.info["duration"] == 125
        for number, frame in enumerate(frames):
            file.seek(number)
            np.testing.assert_array_equal(np.asarray(file.convert("RGB")), frame)


PROMPTS = ("a red disc moves fast up", "a blue two circles slowly down")


@pytest.fixture
def encoder():
    frames = np.random.default_rng(0).integers(256, size=(40, 16, 16, 3), dtype=np.uint8)
    return Encoder(PCA.fit(frames, 3), frames=4)


@pytest.fixture
def flow(encoder, backend):
    from rlfilm_lib.video.flow import FlowConfig
    from rlfilm_lib.video.generator import Size

    twin = pytest.importorskip(f"rlfilm_lib.{'pytorch' if backend == 'pytorch' else 'tf'}.flow")
    config = FlowConfig(width=8, layers=1, heads=1, sampling_steps=4)
    made = twin.Flow(config, Size(4, 3, encoder.size), device="cpu")
    rng = np.random.default_rng(0)
    made.set_weights(
        {name: w + 0.3 * rng.standard_normal(w.shape).astype(np.float32) for name, w in made.weights().items()}
    )
    return made


def test_a_recorded_clip_is_the_sampled_one(flow, encoder):
    conditions = encoder(captions=PROMPTS)
    ways = record(flow, conditions, seed=2)
    np.testing.assert_allclose(ways.x[-1], flow.sample(conditions, np.random.default_rng(2)), rtol=1e-5, atol=1e-6)
    again = record(flow, conditions, seed=3)
    assert not np.allclose(again.x[-1], ways.x[-1])


def test_the_shell_follows_prompt_time_and_noise_and_names_a_word_it_does_not_know(flow, encoder):
    pytest.importorskip("ipywidgets")
    shell = ClipScrubber(flow, encoder, PROMPTS)
    assert shell.time.value == 4 and "t = 1.00" in shell.words.value and PROMPTS[0] in shell.words.value
    end = shell.picture.value
    shell.time.value = 1
    assert "t = 0.25" in shell.words.value and shell.picture.value != end
    first = shell.picture.value
    shell.prompts.value = PROMPTS[1]
    assert PROMPTS[1] in shell.words.value and shell.picture.value != first
    second = shell.picture.value
    shell.own.value = "a pink disc moves fast up"
    assert "pink" in shell.words.value and shell.picture.value == second
    shell.own.value = "a white six moves fast up"
    assert "white six" in shell.words.value and shell.picture.value != second
    third = shell.picture.value
    shell.noise.value = 7
    assert "white six" in shell.words.value and shell.picture.value != third
    assert PROMPTS[0] in clip_scrubber.still(shell.ways, encoder.codec, PROMPTS[0]).text
