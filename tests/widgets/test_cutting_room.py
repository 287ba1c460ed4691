"""What a cut is worth agrees with the environment and the optimum; buttons do what they say."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.envs import film_edit
from rlfilm_lib.envs.coverage import ANGLES, BEATS
from rlfilm_lib.envs.film_edit import WEIGHTS, FilmEdit, Shot
from rlfilm_lib.widgets import cutting_room
from rlfilm_lib.widgets.cutting_room import CuttingRoom

SEED = 3


@pytest.fixture(scope="module")
def scene():
    return cutting_room.scene(SEED)


@pytest.fixture(scope="module")
def best(scene):
    return film_edit.optimum(scene)


@pytest.fixture
def room(monkeypatch):
    monkeypatch.setattr(cutting_room, "random_return", lambda pace: 27.0)
    shown = np.zeros((8, 32, 3), np.uint8)
    monkeypatch.setattr(cutting_room, "monitor", lambda scene, beat, angle: shown + 10 * angle)
    return CuttingRoom(SEED)


def test_the_score_of_any_cut_is_what_the_environment_pays(scene):
    env, rng = FilmEdit(1, pace="medium"), np.random.default_rng(0)
    for _ in range(5):
        taken = np.where(rng.random(BEATS) < 0.6, 0, rng.integers(0, 17, BEATS))
        env.reset(seed=SEED)
        paid = np.array([env.advance(np.array([action]))[-1][:, 0] for action in taken]).sum(axis=0)
        paid[:-1] /= BEATS  # rhythm, the last term, is paid in shares of the whole
        scored = cutting_room.score(scene, film_edit.shots(taken))
        np.testing.assert_allclose([scored[name] for name in WEIGHTS], paid, atol=1e-5)


def test_the_optimum_earns_what_it_promises_and_has_no_regret(scene, best):
    earned = cutting_room.score(scene, best[1])["return"]
    assert earned == pytest.approx(best[0], abs=1e-4)
    assert cutting_room.regret(earned, best[0], 27.0) == pytest.approx(0, abs=1e-3)
    assert cutting_room.regret(27.0, best[0], 27.0) == pytest.approx(100)


def test_the_best_of_every_small_cut_is_the_optimum():
    small = cutting_room.part(cutting_room.scene(SEED, "fast"), 3, 6, start=10)
    table = cutting_room.table(small)
    tried = [cutting_room.added_up(table, way) for way in cutting_room.every_cut(3, 6)]
    assert len(tried) == 3**6
    assert max(tried) == pytest.approx(film_edit.optimum(small)[0], abs=1e-5)


def test_a_cut_lasts_until_the_next_and_taking_it_out_heals():
    shots = cutting_room.cut([Shot(0, 0), Shot(20, 1)], 10, 2, film_edit.LEAD)
    assert shots == [Shot(0, 0), Shot(10, 2, film_edit.LEAD), Shot(20, 1)]
    assert cutting_room.uncut(shots, 15) == [Shot(0, 0), Shot(20, 1)]
    assert cutting_room.cut(shots, 10, 0) == [Shot(0, 0), Shot(20, 1)]
    assert cutting_room.uncut(shots, 5) == shots


def test_a_first_shot_is_not_joined_to_anything():
    assert cutting_room.cut([Shot(0, 0)], 0, 3, film_edit.DISSOLVE) == [Shot(0, 3)]


def test_the_timeline_says_what_it_shows(scene, best):
    drawn = cutting_room.timeline(scene, {"you": [Shot(0, 0)], "optimum": best[1]}, 27.0, best[0])
    assert drawn.text.startswith("you: 1 shot, 30.0 s on average, regret ")
    assert drawn.text.endswith("regret 0.0 %.") or drawn.text.endswith("regret -0.0 %.")


def test_the_readout_has_every_term_and_every_shot(scene, best):
    shown = cutting_room.readout(scene, {"you": best[1]}, "you")
    assert all(name.replace("_", " ") in shown for name in WEIGHTS)
    assert shown.count("costs most") == 1 and shown.count("<tr>") == len(WEIGHTS) + len(best[1]) + 3


def test_the_monitor_shows_four_angles_and_frames_one(scene):
    plain, framed = (cutting_room.monitor(scene, 10, angle, 64, 36) for angle in (None, 2))
    assert plain.shape == (36, 64 * len(ANGLES), 3)
    changed = (plain != framed).any(axis=(0, 2)).reshape(len(ANGLES), 64).any(axis=1)
    assert changed.tolist() == [False, False, True, False]


def test_buttons_cut_take_out_and_start_over(room):
    before = room.words.value
    room.beat.value, room.angle.value, room.join.value = 12, 1, film_edit.TRAIL
    room.make.click()
    assert room.shots == [Shot(0, 0), Shot(12, 1, film_edit.TRAIL)] and room.words.value != before
    room.drop.click()
    assert room.shots == [Shot(0, 0)]
    room.make.click()
    room.again.click()
    assert room.shots == [Shot(0, 0)] and room.words.value == before


def test_the_monitor_follows_the_playhead_and_the_cut(room):
    room.beat.value, room.angle.value = 12, 2
    on_master = room.screen.value
    room.make.click()
    assert room.screen.value != on_master
    room.beat.value = 11
    assert room.screen.value == on_master


def test_comparing_adds_the_optimum(room):
    assert list(room.cuts) == ["you"]
    alone = room.drawn.value
    room.compare.value = True
    assert list(room.cuts) == ["you", "optimum"] and room.drawn.value != alone
    assert "optimum:" in str(room.still())


def test_an_agent_cuts_the_scene_that_is_shown(scene):
    env = FilmEdit(1, pace="medium")
    shots = cutting_room.played(env.random_policy(seed=0), SEED)
    assert shots[0].start == 0 and len(shots) > 10
    held = cutting_room.played(lambda observations, deterministic: np.zeros(1, int), SEED)
    assert held == [Shot(0, 0)]
