"""The viewfinder shows what the environment says, and its sliders, buttons and agent do what they are labelled with."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.envs.movie_scene import MovieScene
from rlfilm_lib.widgets import viewfinder
from rlfilm_lib.widgets.viewfinder import LENS, Viewfinder, look, opening, readout, sentence, still, takeover


@pytest.fixture
def env():
    return MovieScene(1, brief="medium")


@pytest.fixture
def solved(env):
    """A state with which the expert ends: every term near its best."""
    state, _ = list(takeover(env, opening(env, seed=1), env.expert_policy()))[-1]
    return state


@pytest.fixture
def finder(monkeypatch):
    monkeypatch.setattr(viewfinder, "FPS", 1e6)
    return Viewfinder("close")


def moved(state, entry, axis, by):
    state = {name: array.copy() for name, array in state.items()}
    state[entry][0, axis] += by
    return state


def test_looking_changes_nothing(env):
    state = opening(env, seed=1)
    first, second = look(env, state), look(env, state)
    assert first.terms == second.terms
    np.testing.assert_array_equal(first.frame, second.frame)
    for name, array in env.state().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)


def test_the_reward_is_the_weighted_sum_and_rest_is_smooth(env):
    view = look(env, opening(env, seed=1))
    assert view.reward == pytest.approx(sum(env.weights[name] * term for name, term in view.terms.items()))
    assert view.terms["smoothness"] == 1.0


def test_each_term_answers_its_own_knob(env, solved):
    """More key light spoils exposure and contrast, not the framing; a step back spoils the framing alone."""
    best = look(env, solved).terms
    brighter, back = (look(env, moved(solved, *move)).terms for move in (("lights", 0, 3.0), ("camera", 1, -1.5)))
    assert max(brighter["exposure"], brighter["key_fill"]) < 0.1
    assert brighter["shot_size"] == best["shot_size"] and brighter["thirds"] == best["thirds"]
    assert back["shot_size"] < best["shot_size"] - 0.2 and back["exposure"] == best["exposure"]


def test_a_longer_lens_is_a_tighter_shot(env, solved):
    longer = {name: array.copy() for name, array in solved.items()}
    longer["brief"][0, LENS] = 85.0
    assert (look(env, solved).size, look(env, longer).size) == ("MS", "MCU")


def test_the_agent_plays_an_episode_from_where_things_stand(env):
    begun = moved(opening(env, seed=1), "character", 0, 0.1)
    played = list(takeover(env, begun, lambda observations, deterministic: np.zeros((1, 9), np.float32)))
    assert len(played) == MovieScene.episode_steps
    np.testing.assert_array_equal(played[-1][0]["character"], begun["character"])


def test_a_collision_ends_the_take_and_shows(env):
    forward = np.zeros((1, 9), np.float32)
    forward[0, 1] = 1.0
    played = list(takeover(env, opening(env, seed=1), lambda observations, deterministic: forward))
    assert len(played) < MovieScene.episode_steps
    assert played[-1][1].terms["collision"] == 1.0 and played[-1][1].reward < -4


def test_the_words_name_size_lens_best_and_worst(env):
    view = look(env, opening(env, seed=1))
    text = sentence(view, env.weights)
    assert f"Shot size {view.size} on the 50 mm lens; reward {view.reward:.2f}" in text
    assert "collision" not in text
    assert f'data-reward="{view.reward:.4f}"' in readout(view, env.weights)
    assert str(still(view, env.weights, "Start")) == f"Start: {text}"


def test_a_slider_changes_picture_bars_and_state(finder):
    picture, bars = finder.picture.value, finder.readout.value
    finder.sliders["camera", 0].value += 0.3
    assert finder.picture.value != picture and finder.readout.value != bars
    assert finder.state["camera"][0, 0] == pytest.approx(finder.sliders["camera", 0].value)


def test_the_agent_improves_the_shot_and_the_sliders_follow(finder):
    before = look(finder.env, finder.state).reward
    finder.play.click()
    assert look(finder.env, finder.state).reward > max(0.9, before)
    for (entry, axis), slider in finder.sliders.items():
        assert slider.value == pytest.approx(finder.state[entry][0, axis], abs=1e-6), slider.description
    finder.again.click()
    assert look(finder.env, finder.state).reward == before


def test_every_control_is_labelled_with_its_unit(finder):
    assert all(slider.description.endswith(("(m)", "(stops)")) for slider in finder.sliders.values())
    assert len(finder.sliders) == 9 and len(Viewfinder("wide", controls=("camera",)).sliders) == 3
