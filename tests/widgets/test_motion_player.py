"""The motion player shows what the environment played, and its menus and slider do what they are labelled with."""

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.envs import character
from rlfilm_lib.envs.character import DT, Character
from rlfilm_lib.widgets import motion_player
from rlfilm_lib.widgets.motion_player import (
    MotionPlayer,
    Performance,
    curves,
    perform,
    sentence,
    stage,
    tracking,
    view,
)

BRIEF = {"gesture": "wave", "cue": "look", "arc": [(0, 0.5, 0.0), (4, 1.0, 0.5)]}


def nothing(observations, deterministic=True):
    return np.zeros((len(observations), 32), np.float32)


def at_once(observations, deterministic=True):
    return np.eye(32, dtype=np.float32)[[3] * len(observations)]


@pytest.fixture(scope="module")
def fallen():
    return perform(nothing, stage(BRIEF), seed=3)


def test_a_take_begins_at_the_top_and_holds_a_state_more_than_steps(fallen):
    assert fallen.states[0]["elapsed"][0] == 0 and len(fallen.states) == len(fallen) + 1
    assert {len(values) for values in fallen.terms.values()} == {len(fallen)}
    assert fallen.fell and len(fallen) < Character.episode_steps
    assert 0.4 <= fallen.cue <= 1.0


def test_who_does_not_begin_is_prompted_a_second_after_the_cue(fallen):
    assert fallen.began == pytest.approx(fallen.cue + 1.0)
    assert perform(at_once, stage(BRIEF), seed=3).began == 0.0


def test_the_reference_stands_until_the_gesture_begins_and_then_follows_the_file(fallen):
    track, onset = character.track("wave"), round(fallen.began / DT)
    for step, state in enumerate(fallen.references):
        frame = max(step - onset, 0)
        np.testing.assert_array_equal(state["physics"][0, 1:44], track["qpos"][frame])
    np.testing.assert_allclose(fallen.references[0]["face"], [[0.3, 0.0, 0.5]], atol=1e-6)
    np.testing.assert_allclose(fallen.references[48]["face"][0, 1:], [0.25, 0.75], atol=1e-3)


def test_the_score_counts_the_steps_after_a_fall_as_nothing(fallen):
    weights = np.array([0.65, 0.10, 0.15, 0.10])
    steps = weights @ [fallen.terms[name] for name in motion_player.IMITATION]
    assert fallen.score == pytest.approx(steps.sum() / 120)
    assert fallen.score < len(fallen) / 120


def test_many_takes_are_judged_as_single_ones(fallen):
    judged = tracking(nothing, Character(2, brief=BRIEF), seed=2)  # environment 1 has seed 3
    assert judged["imitation"][1] == pytest.approx(fallen.score)
    assert judged["seconds"][1] == pytest.approx(len(fallen) * DT)
    for name, values in fallen.terms.items():
        assert judged[name][1] == pytest.approx(values.sum() / 120)


def test_reference_and_figure_are_seen_apart_once_it_falls(fallen):
    first, last = (motion_player.pair(fallen, step).astype(int) for step in (0, len(fallen)))
    assert first.shape == (2, 240, 180, 3)
    assert np.abs(first[0] - first[1]).mean() < 1 < 4 < np.abs(last[0] - last[1]).mean()


def test_the_sentence_names_the_worst_term_and_the_story(fallen):
    assert sentence(fallen, 0).startswith(f"Step 0 of {len(fallen)}, 0.00 s: the take begins (cue at ")
    last = sentence(fallen, len(fallen))
    worst = min(fallen.terms, key=lambda name: fallen.terms[name][-1])
    assert f"worst term {worst.replace('_', ' ')} (" in last and f"fallen at {len(fallen) * DT:.2f} s" in last


def test_the_cursor_stands_at_its_time(fallen):
    import base64
    import re

    svg = base64.b64decode(re.search('base64,([^"]+)', curves(fallen, 24).html)[1]).decode()
    assert 'x1="124.0" x2="124.0"' in svg  # 40 + 420 · (1 s of 5)
    assert svg.count("<polyline") == 6


def test_a_gesture_that_never_begins():
    env = stage(BRIEF)
    env.reset(seed=3, options={"start": "top"})
    early = Performance(env, [env.state()] * 2, {name: np.ones(1) for name in env.weights}, False)
    assert early.began is None and "never begun" in sentence(early, 1)
    assert "imitation 1.00 of 1" in sentence(early, 1)


def test_the_player_follows_its_controls(monkeypatch):
    monkeypatch.setattr(motion_player, "render", lambda env, states: np.zeros((len(states), 4, 4, 3), np.uint8))
    player = MotionPlayer({"nobody": lambda env: nothing, "hasty": lambda env: at_once}, BRIEF)
    assert player.gesture.value == "wave" and player.performance.began > 1
    player.step.value = 20
    assert 'data-step="20"' in player.picture.value
    assert view(player.performance, 20).html == player.picture.value
    player.step.value = player.step.max
    shown = player.picture.value
    player.who.value = "hasty"
    assert player.performance.began == 0.0 and player.picture.value != shown
    player.gesture.value = "bow"
    assert player.performance.env.brief["gesture"] == "bow" and player.performance.env.brief["cue"] == "look"
    assert player.step.max == player.play.max == len(player.performance)
