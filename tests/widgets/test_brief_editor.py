"""The brief editor writes briefs that the environment takes, and shows the take that comes of them."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.envs.camera_move import BRIEFS, MOVEMENTS, CameraMove
from rlfilm_lib.widgets.brief_editor import BriefEditor, words


@pytest.fixture(scope="module")
def editor():
    return BriefEditor()


@pytest.mark.parametrize("name", BRIEFS)
def test_every_preset_is_a_brief_that_the_environment_takes(editor, name):
    editor.preset.value = name
    for entry, value in BRIEFS[name].items():
        assert editor.brief[entry] == pytest.approx(value) if isinstance(value, float) else editor.brief[entry] == value
    CameraMove(1).reset(seed=0, options={"brief": editor.brief})
    assert editor.brief["movement"] in editor.words.value


@pytest.mark.parametrize("movement", MOVEMENTS)
@pytest.mark.parametrize("rate", [-10.0, 0.0, 10.0])
def test_every_movement_has_a_rate_within_its_range_or_none(editor, movement, rate):
    editor.controls["movement"].value = movement
    slider = editor.controls["rate"]
    slider.value = min(max(rate, slider.min), slider.max)
    assert ("rate" in editor.brief) == (MOVEMENTS[movement].rate[1] > 0) != slider.disabled
    CameraMove(1).reset(seed=0, options={"brief": editor.brief})


def test_a_blur_is_asked_for_only_where_one_is_chosen(editor):
    editor.preset.value = "hero"
    assert "blur" not in editor.brief
    editor.controls["blur"].value = 0.02
    assert editor.brief["blur"] == 0.02 and "2.0 %" in editor.words.value


def test_the_button_shoots_the_brief_with_the_policy_given():
    seen = []

    def policy(observations, deterministic):
        seen.append(observations)
        return np.zeros((len(observations), 8), np.float32)

    editor = BriefEditor("interview", policy)
    assert not editor.result.value
    editor.button.click()
    assert len(seen) == CameraMove.episode_steps
    assert "static; MCU (k = 0.38); eye level" in editor.result.value and "return" in editor.result.value


def test_words_say_only_what_is_asked_for():
    assert words({"side": "centre"}) == "eyes in the centre"
    assert words({"movement": "static", "f_stop": 4.0}) == "static; light for f/4.0"
