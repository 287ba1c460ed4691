"""The checkers of lesson 03: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import policy_gradient as check


def softmax_score(a, p):
    return np.eye(len(p))[a] - p


def gaussian(a, m, s):
    return np.array([(a - m) / s**2, (a - m) ** 2 / s**2 - 1])


def said(a, r, m, s):
    return r[:, None] * (a - m) / s**2


ANSWERS = [
    (check.softmax_score, softmax_score, "✓"),
    (check.softmax_score, lambda a, p: [(k == a) - p[k] for k in range(len(p))], "✓"),
    (check.softmax_score, lambda a, p: None, "not done yet"),
    (check.softmax_score, lambda a, p: p - np.eye(len(p))[a], "sign is turned round"),
    (check.softmax_score, lambda a, p: p[a] * softmax_score(a, p), "divide by p(a)"),
    (check.softmax_score, lambda a, p: np.eye(len(p))[a], "log Σ exp θ has the gradient p"),
    (check.softmax_score, lambda a, p: np.eye(len(p))[a] / p, "differentiates by the probabilities"),
    (check.softmax_score, lambda a, p: 1 - p[a], "one number per logit"),
    (check.softmax_score, lambda a, p: -p, "the 1 of the chosen action"),
    (check.gaussian_score, gaussian, "✓"),
    (check.gaussian_score, lambda a, m, s: ((a - m) / s**2, ((a - m) / s) ** 2 - 1), "✓"),
    (check.gaussian_score, lambda a, m, s: None, "not done yet"),
    (check.gaussian_score, lambda a, m, s: gaussian(a, m, s) / [1, s], "by log σ, not by σ"),
    (check.gaussian_score, lambda a, m, s: [(a - m) / s**2, ((a - m) / s) ** 2], "where is its derivative"),
    (check.gaussian_score, lambda a, m, s: [(a - m) / s**2, ((a - m) / s) ** 2 / 2 - 1], "no factor ½"),
    (check.gaussian_score, lambda a, m, s: [(a - m) / s, ((a - m) / s) ** 2 - 1], "σ² below the line"),
    (check.gaussian_score, lambda a, m, s: gaussian(a, m, s) * [-1, 1], "derivative by the action"),
    (check.gaussian_score, lambda a, m, s: gaussian(a, m, s)[::-1], "the other way round"),
    (check.gaussian_score, lambda a, m, s: (a - m) / s**2, "give log σ's as well"),
    (check.estimate, lambda a, r, m, s: said(a, r, m, s).mean(axis=0), "✓"),
    (check.estimate, lambda a, r, m, s: None, "not done yet"),
    (check.estimate, lambda a, r, m, s: said(a, r, m, s).sum(axis=0), "this is the sum"),
    (check.estimate, lambda a, r, m, s: said(a, r, m, s).mean(), "axis=0"),
    (check.estimate, lambda a, r, m, s: r.mean() * ((a - m) / s**2).mean(axis=0), "not the product of the means"),
    (check.estimate, lambda a, r, m, s: (r[:, None] * (a - m)).mean(axis=0), "division by σ²"),
    (check.estimate, lambda a, r, m, s: -said(a, r, m, s).mean(axis=0), "sign is turned round"),
    (check.estimate, lambda a, r, m, s: np.mean(r * (a - m), axis=0), "yours stopped with ValueError"),
    (check.step_weight, lambda t, gamma: gamma**t, "✓"),
    (check.step_weight, lambda t, gamma: None, "not done yet"),
    (check.step_weight, lambda t, gamma: 1, "no weight at all"),
    (check.step_weight, lambda t, gamma: gamma ** (t + 1), "its weight is 1"),
    (check.step_weight, lambda t, gamma: gamma * t, "multiply, do not add"),
    (check.step_weight, lambda t, gamma: gamma ** (-t), "upside down"),
    (check.step_weight, lambda t, gamma: gamma**t * (1 - gamma), "fails right here"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    out = capsys.readouterr().out
    assert words in out
    assert out.startswith("✓") == (words == "✓")


def test_the_scores_are_the_slopes_of_the_log_probabilities():
    """The checkers' right answers, by central differences of log π itself."""
    logits, h = np.array([0.5, -1.0, 0.2]), 1e-6

    def log_p(x):
        return x - np.log(np.exp(x).sum())

    slopes = [(log_p(logits + h * k)[1] - log_p(logits - h * k)[1]) / (2 * h) for k in np.eye(3)]
    np.testing.assert_allclose(slopes, softmax_score(1, np.exp(log_p(logits))), atol=1e-8)

    def log_density(mean, log_std):
        return -((0.7 - mean) ** 2) / (2 * np.exp(2 * log_std)) - log_std

    by_mean = (log_density(0.2 + h, -0.4) - log_density(0.2 - h, -0.4)) / (2 * h)
    by_log_std = (log_density(0.2, -0.4 + h) - log_density(0.2, -0.4 - h)) / (2 * h)
    np.testing.assert_allclose([by_mean, by_log_std], gaussian(0.7, 0.2, np.exp(-0.4)), atol=1e-8)


def test_the_quiz_knows_its_answers(capsys):
    check.quiz({1: "c", 2: "b", 3: "a", 4: "c", 5: "b"})
    check.quiz(dict.fromkeys(range(1, 6)))
    check.quiz({1: "c", 2: "b", 3: "b", 4: "c", 5: "b"})
    right, undone, wrong = capsys.readouterr().out.splitlines()
    assert right == "✓ all 5 right" and undone == "not done yet" and "Question 3: with σ small" in wrong
