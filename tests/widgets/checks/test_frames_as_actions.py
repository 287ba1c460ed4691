"""The checkers of lesson 10: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import frames_as_actions as check


def rows(z, c, A):
    """As a student may write it, row by row."""
    return np.stack([one + A @ (place - one) for place, one in zip(z, c, strict=True)])


def springs(e, A, alpha, beta, gamma):
    """The place at which the three forces cancel, solved for."""
    return np.stack([np.linalg.solve((alpha + beta + gamma) * np.eye(2), alpha * A @ one + beta * one) for one in e])


def penalised(reward, action, likeliest, pull, sigma):
    """By the divergence of two bells, per dimension."""
    divergence = (((action - likeliest) / sigma) ** 2 / 2).sum(axis=1)
    return reward - pull * divergence / action.shape[1]


@pytest.mark.parametrize(
    ("checker", "answer"), [(check.likeliest, rows), (check.best_step, springs), (check.pulled, penalised)]
)
def test_a_right_answer_passes_and_an_empty_one_is_not_done(checker, answer, capsys):
    checker(answer)
    assert capsys.readouterr().out.startswith("✓")
    checker(lambda *_: None)
    assert capsys.readouterr().out == "not done yet\n"


@pytest.mark.parametrize(
    ("checker", "answer", "words"),
    [
        (check.likeliest, lambda z, c, A: z @ A.T, "about c"),
        (check.likeliest, lambda z, c, A: c + z @ A.T, "not to z"),
        (check.likeliest, lambda z, c, A: (z - c) @ A.T, "add c"),
        (check.likeliest, lambda z, c, A: c + (z - c) @ A, "the other way"),
        (check.likeliest, lambda z, c, A: z + (z - c) @ A.T, "not a step from z"),
        (check.likeliest, lambda z, c, A: c + (c - z) @ A.T, "it is z - c"),
        (check.best_step, lambda e, A, a, b, g: (a * e @ A.T + b * e) / (a + b), "gamma belongs"),
        (check.best_step, lambda e, A, a, b, g: a * e @ A.T + b * e, "divide by the sum"),
        (check.best_step, lambda e, A, a, b, g: a * e @ A.T / (a + b + g), "coherence pulls"),
        (check.best_step, lambda e, A, a, b, g: (a * e @ A.T + b * e + g * e) / (a + b + g), "adds nothing"),
        (check.best_step, lambda e, A, a, b, g: e @ A.T, "the likeliest"),
        (check.best_step, lambda e, A, a, b, g: (a * e @ A + b * e) / (a + b + g), "the other way"),
        (check.pulled, lambda r, a, m, p, s: r + p * ((a - m) ** 2).mean(1) / (2 * s**2), "a pull costs"),
        (check.pulled, lambda r, a, m, p, s: r - p * ((a - m) ** 2).mean(1) / s**2, "1/2"),
        (check.pulled, lambda r, a, m, p, s: r - p * ((a - m) ** 2).sum(1) / (2 * s**2), "per dimension"),
        (check.pulled, lambda r, a, m, p, s: r - p * ((a - m) ** 2).mean(1) / (2 * s), "deviation enters squared"),
        (check.pulled, lambda r, a, m, p, s: r - p * abs(a - m).mean(1) / (2 * s**2), "distance enters squared"),
        (check.pulled, lambda r, a, m, p, s: r - p * ((a - m) ** 2).mean() / (2 * s**2), "of its own"),
    ],
)
def test_each_usual_mistake_is_named(checker, answer, words, capsys):
    checker(answer)
    out = capsys.readouterr().out
    assert out.startswith("✗") and words in out


def test_the_quiz(capsys):
    check.quiz({1: "b", 2: "c", 3: "a", 4: "b"})
    assert capsys.readouterr().out == "✓ all 4 right\n"
    check.quiz({1: "a", 2: "c", 3: "a", 4: "b"})
    assert "3 of 4 right. Question 1" in capsys.readouterr().out
