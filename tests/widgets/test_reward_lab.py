"""Terms are tricked in the reward lab as the lesson says, and mended ones are not."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

from rlfilm_lib.film import lens
from rlfilm_lib.widgets import reward_lab
from rlfilm_lib.widgets.lens_viewfinder import BACKDROP, Camera


def sharp(blur, background, stops):
    return np.exp(-(blur**2) / (2 * 0.05**2))


def soft_behind(blur, background, stops):
    return sharp(blur, background, stops) * np.exp(-(np.log2(background / 0.2) ** 2) / (2 * 0.75**2))


def whole(blur, background, stops):
    return soft_behind(blur, background, stops) * np.exp(-(stops**2) / 2)


@pytest.mark.parametrize(
    ("term", "focal_length", "f_stop"),
    [(sharp, 18, 22.0), (soft_behind, 18, 1.4), (whole, 85, 4.0), (lambda *readings: 0.5, 18, 1.4)],
)
def test_the_camera_that_wins(term, focal_length, f_stop):
    camera, scores = reward_lab.best_camera(term)
    assert (camera.focal_length, camera.f_stop) == (focal_length, f_stop)
    assert scores.shape == (6, 9) and scores.max() == pytest.approx(reward_lab.judged(term, camera))


def test_a_term_is_judged_over_ten_tries_at_the_focus():
    camera = Camera(focal_length=50, f_stop=2.8, distance=3.0, focus=3.0)
    focus = 3.0 * (1 + 0.05 * reward_lab.TRIES)
    assert abs(reward_lab.TRIES.mean()) < 1e-12 and reward_lab.TRIES.std() == pytest.approx(1, abs=0.07)
    eyes, wall = (lens.blur_circle(distance, focus, 50, 2.8).mean() for distance in (3.0, 3.0 + BACKDROP))
    assert reward_lab.judged(lambda blur, background, stops: blur, camera) == pytest.approx(eyes)
    assert reward_lab.judged(lambda blur, background, stops: background, camera) == pytest.approx(wall)
    assert reward_lab.judged(lambda blur, background, stops: stops, camera) == pytest.approx(camera.stops)


def test_the_shot_has_one_size_with_every_lens():
    assert {camera.size for line in reward_lab.cameras() for camera in line} == {"MS"}
    assert all(camera.blur == 0 for line in reward_lab.cameras() for camera in line)


def test_the_moves_are_what_they_are_called():
    moves = reward_lab.moves()
    seconds = 1 / reward_lab.STEPS_PER_SECOND
    assert moves["rush"].sum() * seconds <= reward_lab.ROOM
    assert abs(moves["shaking"].mean()) < 1e-12 and np.abs(moves["shaking"]).min() == 1.5
    np.testing.assert_array_equal(moves["steady pull"], -moves["steady push"])
    assert moves["shaky push"].mean() == pytest.approx(moves["steady push"].mean())


def test_speed_is_won_by_shaking_and_its_average_by_nobody_alone():
    speed = reward_lab.move_scores(lambda velocity: np.abs(velocity).mean() / 1.5)
    assert max(speed, key=speed.get) == "shaking" and speed["shaking"] == 1.0
    average = reward_lab.move_scores(lambda velocity: np.exp(-((velocity.mean() - 0.3) ** 2) / 0.02))
    assert average["steady push"] == pytest.approx(average["shaky push"]) and average["rush"] < 0.7
    step = reward_lab.move_scores(lambda velocity: np.mean(np.exp(-((velocity - 0.3) ** 2) / 0.02)))
    assert step["steady push"] > 0.8 and max(score for name, score in step.items() if name != "steady push") < 0.1


def test_the_screens_name_the_winner():
    assert "18 mm at f/22, backdrop blur 0.012 mm, exposed -4.9 stops" in str(reward_lab.show_focus(sharp))
    assert "shaking 1.00; shaky push 0.60" in str(reward_lab.show_moves(lambda velocity: np.abs(velocity).mean() / 1.5))
