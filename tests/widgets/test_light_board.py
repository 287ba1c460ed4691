"""The light board shows what the environment says; light adds up; sliders, agent and optimiser do what they say."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.envs import lighting
from rlfilm_lib.envs.lighting import BRIEFS, KNOBS, Lighting
from rlfilm_lib.film import colour, scopes
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import light_board
from rlfilm_lib.widgets.light_board import CONTROLS, BriefEditor, LightBoard, knobs, meters, view, with_knobs


@pytest.fixture(scope="module")
def env():
    return Lighting(1)


@pytest.fixture(scope="module")
def day(env):
    return light_board.lit(env, "day interior")


@pytest.fixture
def board(monkeypatch):
    monkeypatch.setattr(light_board, "FPS", 1e6)
    monkeypatch.setattr(light_board, "WIDTH", 64)
    monkeypatch.setattr(light_board, "HEIGHT", 36)
    return LightBoard("noir", controls=tuple(CONTROLS))


def row(name):
    return [knob.name for knob in KNOBS].index(name)


def test_knobs_stand_in_the_order_of_the_environment(env, day):
    np.testing.assert_array_equal(knobs(day)[16], day["exposure"][:, 0])
    turned = np.arange(21.0)
    np.testing.assert_array_equal(knobs(with_knobs(day, turned))[:, 0], turned)
    env.restore(with_knobs(day, knobs(day)))
    *_, terms = env.advance(np.zeros((1, 21), np.float32))
    assert terms[list(env.weights).index("steadiness"), 0] == 1.0


def test_mixed_light_groups_are_the_picture_that_is_rendered(env, day):
    """Superposition: four renders added with their stops and colours, against one render of all four."""
    take = env.take([day])
    groups = light_board.light_groups(take, 64, 36)
    rendered = next(preview.scene_linear(take, 64, 36))
    np.testing.assert_allclose(light_board.under(groups, day), rendered, atol=1e-3)
    assert groups.shape == (5, 36, 64, 3)


def test_one_stop_more_in_one_lamp_adds_its_group_once_more(env, day):
    groups = light_board.light_groups(env.take([day]), 32, 18)
    white = np.full(4, lighting.WHITE_BALANCE)
    before, after = (light_board.mixed(groups, np.array([stops, -1, -2, -3]), white) for stops in (0, 1))
    np.testing.assert_allclose(after - before, groups[1], atol=1e-4)


def test_the_patch_of_the_face_has_the_zone_that_the_meter_says(env, day):
    """The face's exposure is that of the light; false colour adds what the skin reflects."""
    seen = view(env, day)
    reflected = scopes.stops_over_grey(lighting.recorded(knobs(day))[lighting.KEY, :, 0])
    skin = lighting.CORRECT[lighting.KEY] - np.log2(0.18)
    assert reflected == pytest.approx(seen.readings["face"] + skin, abs=1e-3)


def test_the_view_is_what_the_environment_pays(env, day):
    seen = view(env, day)
    assert seen.reward == pytest.approx(sum(env.weights[name] * term for name, term in seen.terms.items()))
    assert seen.reward > 0.98 and seen.terms["steadiness"] == 1.0
    for name, value in env.state().items():
        np.testing.assert_array_equal(value, day[name], err_msg=name)
    assert 2 ** seen.wanted["key:fill"] == pytest.approx(BRIEFS["day interior"]["key_fill"])
    assert seen.wanted["face colour"] == pytest.approx(1e6 / BRIEFS["day interior"]["face_kelvin"])


def test_the_words_hold_the_readings(env, day):
    seen = view(env, day)
    words = light_board.sentence(seen, env.weights)
    assert words.startswith("Key:fill 3.0:1, face +0.2 stops") and f"reward {seen.reward:.2f}" in words
    assert f'data-reward="{seen.reward:.4f}"' in light_board.readout(seen, env.weights)
    assert str(light_board.still(seen, env.weights, "Day")) == f"Day: {words}"


def test_the_panels_are_pictures_of_one_size_and_the_waveform_shows_black_at_the_bottom():
    black = light_board.View(np.zeros((20, 30, 3)), np.zeros((20, 30, 3), np.uint8), {}, {}, {}, 0.0)
    white = replace(black, frame=np.full((20, 30, 3), 255, np.uint8))
    for seen, bright in ((black, -1), (white, 0)):
        shown = light_board.panels(seen)
        assert {panel.shape for panel in shown.values()} == {(20, 30, 3)}
        wave = shown["waveform"].sum(axis=(1, 2))
        assert wave.argmax() in (bright, bright % 20)


def test_the_optimiser_finds_a_known_optimum_and_leaves_colours_alone():
    found = light_board.best_set_up(lambda read: -((read["face"] + 1.0) ** 2) - (read["background"] + 2.0) ** 2)
    read = meters(found[:, None])
    assert read["face"][0] == pytest.approx(-1, abs=0.02) and read["background"][0] == pytest.approx(-2, abs=0.02)
    assert found[row("key colour")] == light_board.HELD["key colour"] and found[row("saturation")] == 1.0
    low, high = np.array([knob.low for knob in KNOBS]), np.array([knob.high for knob in KNOBS])
    assert ((found >= low) & (found <= high)).all()


def test_michelson_contrast_is_earned_in_full_by_a_spoiled_face():
    """The trick of the lesson: the term is 1, the environment's own reward and clipping say what it cost."""
    found = light_board.best_set_up(lambda read: (2 ** read["contrast"] - 1) / (2 ** read["contrast"] + 1))
    read = meters(found[:, None])
    assert read["contrast"][0] > 7 and read["clipping"][0] > 1 / 3 and read["face"][0] > 1.5


def test_every_slider_turns_its_own_knob(board):
    for control, slider in board.sliders.items():
        before = knobs(board.state)[:, 0]
        if control in CONTROLS["colour"]:
            options = [value for _, value in slider.options]
            slider.value = options[(options.index(slider.value) + 5) % len(options)]
        else:
            slider.value = slider.min if slider.value > slider.min else slider.max
        after = knobs(board.state)[:, 0]
        assert after[control.row] == pytest.approx(slider.value / control.scale, abs=1e-4), control.label
        np.testing.assert_array_equal(np.delete(after, control.row), np.delete(before, control.row))
    assert len(board.sliders) == 21


def test_a_slider_changes_all_panels_and_the_table(board):
    shown = {name: image.value for name, image in board.screen.images.items()}
    table = board.screen.readout.value
    key = next(slider for control, slider in board.sliders.items() if control.label == "key (stops)")
    key.value += 1.5
    assert all(image.value != shown[name] for name, image in board.screen.images.items())
    assert board.screen.readout.value != table


def test_the_agent_lights_the_brief_and_the_sliders_follow(board):
    before = view(board.env, board.state).reward
    board.play.click()
    assert view(board.env, board.state).reward > max(0.9, before)
    exposure = next(slider for control, slider in board.sliders.items() if control.label == "exposure (stops)")
    assert exposure.value == pytest.approx(board.state["exposure"][0, 0], abs=1e-5)
    board.again.click()
    assert view(board.env, board.state).reward == before


def test_every_control_is_labelled(board):
    labels = [slider.description for slider in board.sliders.values()]
    assert len(set(labels)) == 21 and {"key (stops)", "key colour (K)", "key azimuth (°)", "power"} <= set(labels)


def test_the_brief_editor_lights_a_mood_and_answers_an_edit():
    editor = BriefEditor("candle-lit")
    assert editor.brief["key_fill"] == 8.0 and editor.brief["face_kelvin"] == pytest.approx(2700, abs=40)
    assert view(editor.env, editor.state).reward > 0.95
    editor.sliders["face"].value = 0.4
    assert view(editor.env, editor.state).readings["face"] == pytest.approx(0.4, abs=0.1)
    editor.mood.value = "moonlight"
    assert editor.brief["face"] == BRIEFS["moonlight"]["face"]
    assert 'class="rlfilm-lightboard"' in editor.screen.readout.value


def test_what_cannot_be_had_costs_a_term():
    """An even light cannot be shown as four stops of contrast: the power of the grade ends at 1.5."""
    editor = BriefEditor("day interior")
    editor.sliders["key_fill"].value = 1.0
    editor.sliders["contrast"].value = 5.0
    assert view(editor.env, editor.state).reward < 0.9


def test_kelvin_sliders_step_evenly_in_mired():
    steps = np.diff([value for _, value in light_board.KELVIN])
    np.testing.assert_allclose(steps, -10)
    assert light_board.KELVIN[0][0] == "2000 K" and colour.mired(light_board.KELVIN[-1][1]) == 12500
