"""The brief editor says what it shows, and its brief is one that the environment takes."""

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")

from rlfilm_lib.envs.character import Character
from rlfilm_lib.widgets import character_brief
from rlfilm_lib.widgets.character_brief import BriefEditor, at, face, mood, sentence, view, weights


def test_feelings_become_blend_weights():
    np.testing.assert_allclose(weights([1, 0, -1], [0, 1, -1]), [[0.6, 0, 1], [0.4, 1, 0], [-1, -1, -1]])


def test_an_arc_is_straight_between_its_points():
    arc = [(1, 0.0, 1.0), (3, 1.0, -1.0)]
    np.testing.assert_allclose(at(arc, [0, 1, 1.5, 3, 5]), [[0, 1], [0, 1], [0.25, 0.5], [1, -1], [1, -1]])


@pytest.mark.parametrize(
    ("valence", "arousal", "word"),
    [
        (1, 0, "pleased"),
        (0, 1, "aroused"),
        (-0.7, 0.7, "alarmed"),
        (-1, -0.1, "miserable"),
        (-0.6, -0.6, "sad"),
        (0, -1, "sleepy"),
        (0.5, -0.5, "relaxed"),
        (0.1, -0.1, "neutral"),
    ],
)
def test_places_on_the_circumplex_have_their_words(valence, arousal, word):
    assert mood(valence, arousal) == word


def test_a_smile_is_seen_at_the_mouth_and_wide_eyes_at_the_eyes():
    neutral, smiling, staring = face([[0, 0, 0], [0, 0, 1], [0, 1, 0]]).astype(int)
    assert neutral.shape == (120, 120, 3)
    smile, stare = (np.abs(one - neutral).sum(axis=(1, 2)) for one in (smiling, staring))
    assert smile.argmax() > stare.argmax() + 10  # rows from the top
    assert smile[: stare.argmax()].sum() == 0


def test_the_sentence():
    brief = {"gesture": "bow", "cue": "touch", "arc": [(0, 0, 0), (2, -0.8, 0.1), (5, 0.9, 0.0)]}
    assert sentence(brief) == "bow at a touch on the shoulder; neutral → miserable → pleased."
    assert str(view(brief)) == sentence(brief)


def test_the_editor_gives_a_brief_that_the_environment_takes(monkeypatch):
    monkeypatch.setattr(character_brief, "face", lambda blend: np.zeros((len(blend), 4, 4, 3), np.uint8))
    editor = BriefEditor("wave", "look", arc=[(0, -0.5, 0.5), (5, 0.5, -0.5)])
    assert editor.brief["arc"] == [(0.0, -0.5, 0.5), (2.5, 0.0, 0.0), (5.0, 0.5, -0.5)]
    shown = editor.picture.value, editor.words.value
    editor.sliders[1][0].value = 1.0
    editor.gesture.value, editor.cue.value = "sit", "touch"
    assert editor.picture.value != shown[0] and "sit at a touch" in editor.words.value
    env = Character(1, brief=editor.brief)
    env.reset(seed=0, options={"start": "top"})
    arc = env.state()["arc"][0]
    assert arc[60] == pytest.approx(1.0, abs=0.02) and arc[120] == pytest.approx(0.5)


def test_every_slider_is_labelled():
    editor = BriefEditor()
    labels = [slider.description for pair in editor.sliders for slider in pair]
    assert labels[:2] == ["valence, 0 s", "arousal, 0 s"] and len(set(labels)) == 6
