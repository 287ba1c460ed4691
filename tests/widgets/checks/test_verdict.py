"""What a student reads: right, not done yet, or what went wrong."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import verdict

CASES = [((3.0, 50.0), 0.84), ((2.0, 25.0), 1.12)]


def height(d, f):
    return d * 14.0 / f


def upside_down(d, f):
    return f * 14.0 / d


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (height, "✓ well measured"),
        (lambda d, f: None, "not done yet"),
        (upside_down, "✗ d and f are swapped"),
        (lambda d, f: 2 * height(d, f), "(3.0, 50.0) the answer is 0.84; yours gives 1.68, twice the expected value"),
        (lambda d, f: -height(d, f), "minus the expected value"),
        (lambda d, f: height(d, f) + 1, "yours gives 1.84"),
        (lambda d, f: np.full(3, height(d, f)), "of shape (3,) where () is expected"),
        (lambda d, f: float("nan"), "not a finite number"),
        (lambda d, f: "0.84 m", "yours gives '0.84 m'"),
        (lambda d, f: d / 0, "✗ for (3.0, 50.0) yours stopped with ZeroDivisionError"),
        (lambda d: d, "yours stopped with TypeError"),
        (lambda d, f: 0.84 if d == 3.0 else 0.0, "for (2.0, 25.0) the answer is 1.12"),
        (lambda d, f: 0.84 if d == 3.0 else None, "yours gives None"),
    ],
)
def test_a_function_gets_the_answer_it_deserves(capsys, answer, words):
    verdict.function(answer, CASES, {"d and f are swapped": upside_down}, "well measured")
    assert words in capsys.readouterr().out


def test_rounding_is_forgiven_and_a_percent_is_not(capsys):
    verdict.value(0.333333, 1 / 3, {}, "a third")
    assert capsys.readouterr().out == "✓ a third\n"
    verdict.value(0.33, 1 / 3, {}, "a third")
    assert capsys.readouterr().out.startswith("✗")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({1: None, 2: None}, "not done yet"),
        ({1: " B ", 2: "c"}, "✓ all 2 right"),
        ({1: "b", 2: None}, "✗ 1 of 2 right. Question 2: look at the lens"),
        ({1: "a", 2: "a"}, "✗ 0 of 2 right. Question 1: count the stops Question 2: look at the lens"),
    ],
)
def test_a_quiz_says_which_and_why(capsys, answers, words):
    verdict.quiz(answers, {1: "b", 2: "c"}, {1: "count the stops", 2: "look at the lens"})
    assert capsys.readouterr().out.strip() == words
