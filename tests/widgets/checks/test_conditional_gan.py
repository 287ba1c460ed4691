"""The checkers of lesson 11: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.video import gan
from rlfilm_lib.widgets.checks import conditional_gan


def hinge(real, made):
    return np.clip(1 - real, 0, None).mean() + np.clip(1 + made, 0, None).mean()


def both(theta, psi, r1, step):
    return theta + step * psi, psi - step * (theta + r1 * psi)


def one_by_one(theta, psi, r1, step):
    theta = theta + step * psi
    return theta, psi + step * (-theta - r1 * psi)


def judge_first(theta, psi, r1, step):
    psi = psi + step * (-theta - r1 * psi)
    return theta + step * psi, psi


def pairs(alone, seen, asked):
    return np.einsum("bd,od->bo", seen, asked) + alone[:, None]


def within(made, again):
    return ((made - again) ** 2).mean()


def total(made, again):
    return np.concatenate([made, again]).var(axis=0).mean()


def asking(scores, noise, std):
    """As a student may write it: a loop."""
    parts = [(score - np.delete(scores, k).mean()) * noise[k] / std for k, score in enumerate(scores)]
    return sum(parts) / len(parts)


def with_baseline(baseline):
    return lambda scores, noise, std: ((scores - baseline(scores)) * noise / std).mean()


CHECK = conditional_gan
ANSWERS = [
    (CHECK.hinge, hinge, "✓"),
    (CHECK.hinge, lambda real, made: None, "not done yet"),
    (CHECK.hinge, lambda real, made: hinge(made, real), "mixed up"),
    (CHECK.hinge, lambda real, made: (1 - real).mean() + (1 + made).mean(), "max(0, ·) missing"),
    (CHECK.hinge, lambda real, made: hinge(1 + real, made - 1), "not at 0"),
    (CHECK.hinge, lambda real, made: hinge(real, made) / 2, "not averaged"),
    (CHECK.hinge, lambda real, made: -hinge(real, made), "a minus too much"),
    (CHECK.hinge, lambda real, made: np.maximum(0, 1 - real).sum() + np.maximum(0, 1 + made).sum(), "takes the sum"),
    (
        CHECK.hinge,
        lambda real, made: np.maximum(0, 1 - np.concatenate([real, -made])).mean(),
        "however many films",
    ),
    (CHECK.both_step, both, "✓"),
    (CHECK.both_step, lambda *_: None, "not done yet"),
    (CHECK.both_step, one_by_one, "your judge sees"),
    (CHECK.both_step, judge_first, "your film sees"),
    (CHECK.both_step, lambda theta, psi, r1, h: both(theta, psi, 0, h), "where is the penalty"),
    (CHECK.both_step, lambda theta, psi, r1, h: both(theta, psi, r1 / 2, h), "its derivative"),
    (CHECK.both_step, lambda theta, psi, r1, h: both(theta, psi, -r1, h), "drives it away"),
    (CHECK.both_step, lambda theta, psi, r1, h: (theta + h * psi, psi + h * (theta - r1 * psi)), "pushes ψ down"),
    (CHECK.both_step, lambda theta, psi, r1, h: (theta - h * psi, psi - h * (theta + r1 * psi)), "judge points"),
    (
        CHECK.both_step,
        lambda theta, psi, r1, h: (theta + h * (1 - r1) * psi, psi - h * (theta + r1 * psi)),
        "the judge's alone",
    ),
    (CHECK.both_step, lambda theta, psi, r1, h: (h * psi, -h * (theta + r1 * psi)), "from where they are"),
    (CHECK.all_pairs, pairs, "✓"),
    (CHECK.all_pairs, lambda *_: None, "not done yet"),
    (CHECK.all_pairs, lambda a, s, e: pairs(a, s, e).T, "other way round"),
    (CHECK.all_pairs, lambda a, s, e: a + s @ e.T, "(B, 1)"),
    (CHECK.all_pairs, lambda a, s, e: a + (s * e).sum(axis=1), "the diagonal"),
    (CHECK.all_pairs, lambda a, s, e: s @ e.T, "where is alone"),
    (CHECK.all_pairs, lambda a, s, e: a[:, None] + s @ s.T, "with one another"),
    (CHECK.all_pairs, lambda a, s, e: a + s * e, "yours stopped with ValueError"),
    (CHECK.spread, gan.spread, "✓"),
    (CHECK.spread, lambda *_: None, "not done yet"),
    (CHECK.spread, lambda *c: within(*c) / total(*c), "a factor 1/2"),
    (CHECK.spread, lambda *c: within(*c) / 2, "set it against"),
    (CHECK.spread, lambda *c: 1 - within(*c) / 2 / total(*c), "other way round"),
    (CHECK.spread, lambda *c: within(*c) / 2 / np.concatenate(c).var(), "between numbers"),
    (CHECK.spread, lambda *c: within(*c) / 2 / c[0].var(axis=0).mean(), "yours has one"),
    (CHECK.spread, lambda a, b: (a - b).mean() / 2 / total(a, b), "squares are missing"),
    (CHECK.spread, lambda *c: within(*c) / 2 / np.concatenate(c).std(axis=0).mean(), "standard deviation"),
    (CHECK.by_asking, asking, "✓"),
    (CHECK.by_asking, lambda *_: None, "not done yet"),
    (CHECK.by_asking, with_baseline(np.mean), "OTHER"),
    (CHECK.by_asking, lambda s, e, std: (s * e / std).mean(), "where is the baseline"),
    (CHECK.by_asking, lambda s, e, std: asking(s, e, 1.0), "the division missing"),
    (CHECK.by_asking, lambda s, e, std: asking(s, e, std**2), "once too often"),
    (CHECK.by_asking, lambda *c: -asking(*c), "pushes it away"),
    (CHECK.by_asking, lambda s, e, std: asking(s, e, std) * len(s), "takes the sum"),
    (CHECK.by_asking, lambda s, e, std: asking(s, e, std) * std**2, "not multiply"),
    (CHECK.quiz, {1: "c", 2: "a", 3: "b", 4: "a", 5: "b"}, "✓"),
    (CHECK.quiz, dict.fromkeys(range(1, 6)), "not done yet"),
    (CHECK.quiz, {1: "c", 2: "a", 3: "b", 4: "a", 5: "c"}, "Question 5: viewers have no slope"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")
