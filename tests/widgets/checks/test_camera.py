"""The checkers of lesson 07 pass what is right and name the mistakes and the tricks they know."""

import numpy as np
import pytest

pytest.importorskip("PIL")

from rlfilm_lib.film import lens
from rlfilm_lib.widgets.checks import camera


def limits(focus, focal_length, f_stop):
    return tuple(float(limit) for limit in lens.depth_of_field(focus, focal_length, f_stop))


def endless(focus, focal_length, f_stop):
    f, beyond = focal_length / 1000, float(lens.hyperfocal(focal_length, f_stop))
    return limits(focus, focal_length, f_stop)[0], focus * (beyond - f) / (beyond - focus)


def jerk(position, dt):
    return np.mean((np.diff(position, 3) / dt**3) ** 2)


def focus(blur, background, stops, sharp=1, soft=1, light=1):
    off = sharp * (blur / 0.05) ** 2 + soft * (np.log2(background / 0.2) / 0.75) ** 2 + light * stops**2
    return np.exp(-off / 2)


def step_by_step(velocity):
    return np.mean(np.exp(-((velocity - 0.3) ** 2) / 0.02))


def average_and_jerk(velocity):
    average = np.exp(-((velocity.mean() - 0.3) ** 2) / 0.02)
    return average / (1 + jerk(np.cumsum(velocity) / 12, 1 / 12) / 20**2)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (camera.sharp_range, limits),
        (camera.sharp_range, lambda s, f, n: list(limits(s, f, n))),
        (camera.dolly_speed, lambda d, z: d * np.log(2) * z),
        (camera.squared_jerk, jerk),
        (camera.focus_term, focus),
        (camera.focus_term, lambda *readings: max(0.0, focus(*readings) - 0.01)),
        (camera.movement_term, step_by_step),
        (camera.movement_term, average_and_jerk),
        (camera.quiz, {1: "b", 2: "c", 3: "a", 4: "b", 5: "c", 6: "a"}),
    ],
)
def test_the_right_answer_passes(capsys, check, answer):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (camera.sharp_range, lambda s, f, n: None, "not done yet"),
        (camera.sharp_range, endless, "infinite there"),
        (camera.sharp_range, lambda s, f, n: limits(s, f, 1 / n), "smaller hole"),
        (camera.sharp_range, lambda s, f, n: tuple(1000 * x for x in limits(s, f, n)), "millimetres"),
        (camera.sharp_range, lambda s, f, n: limits(s, f, n * f), "squared"),
        (camera.sharp_range, lambda s, f, n: limits(s, f, n)[::-1], "changed places"),
        (camera.dolly_speed, lambda d, z: d * z, "ln 2"),
        (camera.dolly_speed, lambda d, z: -d * np.log(2) * z, "sign"),
        (camera.dolly_speed, lambda d, z: np.log(2) * z, "distance is missing"),
        (camera.dolly_speed, lambda d, z: d * 2**z, "second later"),
        (camera.dolly_speed, lambda d, z: d * (2**z - 1), "derivative"),
        (camera.squared_jerk, lambda x, dt: np.mean((np.diff(x, 2) / dt**2) ** 2), "acceleration"),
        (camera.squared_jerk, lambda x, dt: np.mean((np.diff(x, 3) / dt) ** 2), "dt³"),
        (camera.squared_jerk, lambda x, dt: np.mean(np.diff(x, 3) / dt**3) ** 2, "before you take the mean"),
        (camera.squared_jerk, lambda x, dt: np.sum((np.diff(x, 3) / dt**3) ** 2), "sum"),
        (camera.focus_term, lambda *readings: None, "not done yet"),
        (camera.focus_term, lambda *readings: focus(*readings, soft=0, light=0), "f/22"),
        (camera.focus_term, lambda *readings: focus(*readings, light=0), "f/1.4"),
        (camera.focus_term, lambda *readings: focus(*readings, soft=0), "of the background"),
        (camera.focus_term, lambda *readings: focus(*readings, sharp=0), "still a focus term"),
        (camera.focus_term, lambda *readings: 2 * focus(*readings), "between 0 and 1"),
        (camera.focus_term, lambda blur: 1.0, "yours stopped with TypeError"),
        (camera.movement_term, lambda velocity: None, "not done yet"),
        (camera.movement_term, lambda velocity: np.abs(velocity).mean() / 1.5, "gets nowhere"),
        (camera.movement_term, lambda velocity: min(abs(velocity.mean()) / 0.3, 1.0), "times too fast"),
        (camera.movement_term, lambda velocity: np.exp(-((velocity.mean() - 0.3) ** 2) / 0.02), "judge step by step"),
        (camera.movement_term, lambda velocity: step_by_step(np.abs(velocity)), "which sign"),
        (camera.movement_term, lambda velocity: 1.0, "never moves"),
        (camera.movement_term, lambda velocity: 10 * velocity.mean(), "between 0 and 1"),
        (camera.movement_term, lambda velocity: velocity / "a", "yours stopped with"),
        (camera.quiz, {1: "a", 2: "c", 3: "a", 4: "b", 5: "c", 6: "a"}, "5 of 6 right. Question 1"),
    ],
)
def test_a_usual_mistake_is_named(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert not out.startswith("✓") and words in out
