"""The checkers of lesson 04: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import reinforce


def to_go(rewards, gamma):
    total, out = 0.0, []
    for reward in reversed(rewards):
        total = reward + gamma * total
        out.append(total)
    return out[::-1]


ANSWERS = [
    (reinforce.gaussian_score, lambda a, m, s: (a - m) / s**2, "✓"),
    (reinforce.gaussian_score, lambda a, m, s: None, "not done yet"),
    (reinforce.gaussian_score, lambda a, m, s: (m - a) / s**2, "derivative with respect to the action"),
    (reinforce.gaussian_score, lambda a, m, s: (a - m) / s, "σ has to be squared"),
    (reinforce.gaussian_score, lambda a, m, s: a - m, "division by σ² is missing"),
    (reinforce.gaussian_score, lambda a, m, s: 2 * (a - m) / s**2, "is a factor 1/2 missing?"),
    (reinforce.gaussian_score, lambda a, m, s: (a - m) / s**2 / 2, "½ in front of it cancel"),
    (reinforce.gaussian_score, lambda a, m, s: ((a - m) / s) ** 2 - 1, "score of log σ"),
    (reinforce.reward_to_go, to_go, "✓"),
    (reinforce.reward_to_go, lambda r, g: np.array(to_go(r, g)), "✓"),
    (reinforce.reward_to_go, lambda r, g: None, "not done yet"),
    (reinforce.reward_to_go, lambda r, g: np.cumsum(r), "earned so far"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, g)[::-1], "the last entry comes first"),
    (reinforce.reward_to_go, lambda r, g: [*to_go(r, g)[1:], 0.0], "own reward is missing"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, 1.0), "the discount is missing"),
    (reinforce.reward_to_go, lambda r, g: to_go([g**t * x for t, x in enumerate(r)], 1.0), "count from its own step"),
    (reinforce.reward_to_go, lambda r, g: [to_go(r, g)[0]] * len(r), "the whole return at every step"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, g)[0], "one number"),
    (reinforce.leave_one_out, lambda r: (r.sum() - r) / (len(r) - 1), "✓"),
    (reinforce.leave_one_out, lambda r: [np.mean(np.delete(r, i)) for i in range(len(r))], "✓"),
    (reinforce.leave_one_out, lambda r: None, "not done yet"),
    (reinforce.leave_one_out, lambda r: 0 * r + r.mean(), "shrinks by (n − 1)/n"),
    (reinforce.leave_one_out, lambda r: r.mean(), "one number"),
    (reinforce.leave_one_out, lambda r: (r.sum() - r) / len(r), "divide by n − 1"),
    (reinforce.leave_one_out, lambda r: r.sum() - r, "their mean is asked for"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1) / np.sqrt(len(x)), "✓"),
    (reinforce.standard_error, lambda x: None, "not done yet"),
    (reinforce.standard_error, lambda x: np.std(x) / np.sqrt(len(x)), "ddof=1"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1), "√n times surer"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1) / len(x), "divide by √n, not by n"),
    (reinforce.standard_error, lambda x: np.var(x, ddof=1) / len(x), "square root"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")


def test_the_quiz_knows_its_answers(capsys):
    reinforce.quiz({1: "b", 2: "c", 3: "a", 4: "b", 5: "c"})
    reinforce.quiz({1: None, 2: None, 3: None, 4: None, 5: None})
    reinforce.quiz({1: "b", 2: "c", 3: "b", 4: "b", 5: "c"})
    right, undone, wrong = capsys.readouterr().out.splitlines()
    assert right == "✓ all 5 right" and undone == "not done yet" and "Question 3: half" in wrong
