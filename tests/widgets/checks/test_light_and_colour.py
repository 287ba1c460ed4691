"""The checkers of lesson 08 pass what is right and name the mistakes they know."""

import numpy as np
import pytest

from rlfilm_lib.envs.lighting import BRIEFS
from rlfilm_lib.film import colour, light
from rlfilm_lib.widgets.checks import light_and_colour

NOIR = {"key:fill": 4.0, "face": -0.2, "background": -3.2, "contrast": 4.8, "separation": 1.5}


def bell(error, tolerance=0.5):
    return np.exp(-(error**2) / (2 * tolerance**2))


def noir(read, names=tuple(NOIR), price=0.5):
    return sum(bell(read[name] - NOIR[name]) for name in names) / len(names) - price * read["clipping"]


def by_the_library(signal, *numbers):
    return colour.grade(np.full(3, signal), np.append(np.repeat(numbers, 3), 1.0))[0]


ANSWERS = [
    (light_and_colour.moved_lamp, lambda a, b: np.log2(a**2 / b**2), "✓"),
    (light_and_colour.moved_lamp, lambda a, b: None, "not done yet"),
    (light_and_colour.moved_lamp, lambda a, b: 2 * np.log2(b / a), "sign"),
    (light_and_colour.moved_lamp, lambda a, b: np.log2(a / b), "counts squared"),
    (light_and_colour.moved_lamp, lambda a, b: (a / b) ** 2, "this is the factor"),
    (light_and_colour.moved_lamp, lambda a, b: np.log(a**2 / b**2), "natural logarithm"),
    (light_and_colour.moved_lamp, lambda a, b: np.log10(a**2 / b**2), "log10"),
    (light_and_colour.moved_lamp, lambda a, b: np.log2(a / b) ** 2, "inside the logarithm"),
    (light_and_colour.key_fill, lambda k, f: light.key_fill_ratio(2.0**k, 2.0**f), "✓"),
    (light_and_colour.key_fill, lambda k, f: None, "not done yet"),
    (light_and_colour.key_fill, lambda k, f: 2.0 ** (k - f), "receives the fill"),
    (light_and_colour.key_fill, lambda k, f: (k + f) / f if f else np.inf, "turn them into light"),
    (light_and_colour.key_fill, lambda k, f: np.log2(2.0 ** (k - f) + 1), "ratio in stops"),
    (light_and_colour.key_fill, lambda k, f: 2.0**f / (2.0**k + 2.0**f), "upside down"),
    (light_and_colour.key_fill, lambda k, f: (2.0**k + 2.0**f) / 2.0**k, "wrong side"),
    (light_and_colour.key_fill, lambda k, f: k - f, "difference"),
    (light_and_colour.through_gel, lambda k, s: colour.mired(colour.mired(k) + s), "✓"),
    (light_and_colour.through_gel, lambda k, s: None, "not done yet"),
    (light_and_colour.through_gel, lambda k, s: k + s, "in mired, not in kelvin"),
    (light_and_colour.through_gel, lambda k, s: 1e6 / (1e6 / k - s), "sign"),
    (light_and_colour.through_gel, lambda k, s: 1e6 / k + s, "convert back"),
    (light_and_colour.through_gel, lambda k, s: k + (1e6 / s if s else 0), "in mired already"),
    (light_and_colour.graded, by_the_library, "✓"),
    (light_and_colour.graded, lambda *_: None, "not done yet"),
    (light_and_colour.graded, lambda x, s, o, p: np.clip((x + o) * s, 0, 1) ** p, "slope first"),
    (light_and_colour.graded, lambda x, s, o, p: np.clip(x**p * s + o, 0, 1), "the power comes last"),
    (light_and_colour.graded, lambda x, s, o, p: np.clip(x * s + o, 0, 1) ** (1 / p), "not its inverse"),
    (light_and_colour.graded, lambda x, s, o, p: np.maximum(x * s + o, 0) ** p, "clamp at 1"),
    (light_and_colour.graded, lambda x, s, o, p: np.clip(x * s + o, 0, 1), "power is missing"),
    (light_and_colour.graded, lambda x, s, o, p: np.clip((x * s + o) ** p, 0, 1), "clamp before the power"),
    (light_and_colour.quiz, {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"}, "✓"),
    (light_and_colour.quiz, {1: "b", 2: "b", 3: "a", 4: "c", 5: "b"}, "4 of 5 right. Question 2"),
]


@pytest.mark.parametrize(("check", "answer", "words"), ANSWERS)
def test_each_answer_gets_its_remark(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert words in out
    assert out.startswith("✓") == (words == "✓")


REWARDS = [
    (noir, "✓"),
    (lambda read: None, "not done yet"),
    (lambda read: (2 ** read["contrast"] - 1) / (2 ** read["contrast"] + 1), "pure white or black"),
    *((lambda read, left_out=name: noir(read, tuple(NOIR.keys() - {left_out})), "tricked: it earned") for name in NOIR),
    (lambda read: noir(read) * np.ones((2, 1)), "of shape (2, 3)"),
    (lambda read: read["brightness"], "stopped with KeyError"),
    (lambda read: read["face"] * np.nan, "not a finite number"),
]


@pytest.mark.parametrize(("answer", "words"), REWARDS)
def test_a_reward_is_judged_by_what_earns_it(capsys, answer, words):
    light_and_colour.reward(answer, BRIEFS["noir"])
    out = capsys.readouterr().out
    assert words in out
    assert out.startswith("✓") == (words == "✓")
