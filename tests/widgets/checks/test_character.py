"""The checkers of lesson 09: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

pytest.importorskip("mujoco")

from rlfilm_lib.media import quaternion
from rlfilm_lib.widgets.checks import character


def dot(p, q):
    return np.sum(p * q, axis=-1)


def servo(stiffness=600, damping=30, strength=150):
    def torque(target, angle, velocity):
        return np.clip(stiffness * (target - angle) - damping * velocity, -strength, strength)

    return torque


def joints(pose, reference, alpha=2.0):
    apart = quaternion.angle(quaternion.multiply(quaternion.conjugate(reference.rotations), pose.rotations))
    return np.exp(-alpha * np.sum(apart**2, axis=1))


def ends(pose, reference):
    return np.exp(-40 * np.sum((pose.ends - reference.ends) ** 2, axis=(1, 2)))


def larger_away(pose, reference):
    return 1 - joints(pose, reference)


def window(delay):
    return float(0.15 <= delay <= 0.4)


ANSWERS = [
    (character.turn_between, lambda p, q: 2 * np.arccos(np.minimum(np.abs(dot(p, q)), 1)), "✓"),
    (
        character.turn_between,
        lambda p, q: quaternion.angle(quaternion.multiply(quaternion.conjugate(p), q)),
        "✓",
    ),
    (character.turn_between, lambda p, q: None, "not done yet"),
    (character.turn_between, lambda p, q: np.arccos(np.abs(dot(p, q))), "a factor 2 is missing"),
    (character.turn_between, lambda p, q: 2 * np.arccos(dot(p, q)), "q and -q are the same turn"),
    (character.turn_between, lambda p, q: np.degrees(2 * np.arccos(np.abs(dot(p, q)))), "in degrees"),
    (character.turn_between, lambda p, q: np.abs(dot(p, q)), "the cosine of half the angle"),
    (character.torque, servo(), "✓"),
    (character.torque, lambda target, angle, velocity: None, "not done yet"),
    (character.torque, servo(strength=1e9), "nothing limits it"),
    (character.torque, servo(damping=-30), "it has to act against it"),
    (character.torque, servo(damping=0), "would swing for ever"),
    (character.torque, servo(stiffness=-600), "exchanged"),
    (character.torque, lambda t, a, v: min(600 * (t - a) - 30 * v, 150), "only one side is limited"),
    (character.torque, lambda t, a, v: np.clip(600 * (t - a), -150, 150) - 30 * v, "the limit holds for the sum"),
    (character.half_angle, np.degrees(np.sqrt(np.log(2) / 26)), "✓"),
    (character.half_angle, None, "not done yet"),
    (character.half_angle, np.sqrt(np.log(2) / 26), "this is in rad"),
    (character.half_angle, np.degrees(np.sqrt(np.log(2) / 2)), "all 13 joints add up"),
    (character.half_angle, np.degrees(np.log(2) / 26), "take the root"),
    (character.half_angle, np.degrees(np.sqrt(np.log(2) / 13)), "the exponent is 2"),
    (character.reward, joints, "✓"),
    (character.reward, lambda pose, reference: None, "not done yet"),
    (character.reward, ends, "Which joints does your reward not look at?"),
    (character.reward, lambda pose, reference: joints(pose, reference, 60.0), "not tricked, but lost"),
    (character.reward, larger_away, "earns more than the reference itself"),
    (character.reward, lambda pose, reference: pose.com, "yours stopped with ValueError: rewards of shape"),
    (character.reaction, window, "✓"),
    (character.reaction, lambda delay: np.exp(-abs(delay - 0.25) / 0.2), "✓"),
    (character.reaction, lambda delay: None, "not done yet"),
    (character.reaction, lambda delay: float(delay < 0.4), "tricked: beginning at once"),
    (character.reaction, lambda delay: float(delay >= 0), "tricked: beginning with the cue"),
    (character.reaction, lambda delay: 0.5 * window(delay), "nobody guesses, but"),
    (character.reaction, lambda delay: -delay, "a term lies between 0 and 1"),
    (character.reaction, lambda delay: 1 / (delay - 0.25), "yours stopped with ZeroDivisionError"),
    (character.quiz, {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"}, "✓"),
    (character.quiz, {1: "b", 2: "b", 3: "c", 4: "b", 5: "c"}, "Question 2: exp(-α · err) is nearly flat"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")


def test_strategies_are_averaged_over_the_cues():
    """The cue comes at one of 15 steps, 10 to 24 of 1/24 s; a guess at 0.7 s is 0.15 to 0.4 s late for four of them."""
    scores = character.strategies(window)
    assert scores["guessing at 0.7 s"] == pytest.approx(4 / 15)
    assert scores["reacting after 0.25 s"] == 1.0
    assert scores["beginning at once, without waiting for the cue"] == 0.0
