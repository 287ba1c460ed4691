"""The checkers of lesson 14 pass what is right and name the mistakes they know."""

import numpy as np
import pytest

from rlfilm_lib.film import pacing
from rlfilm_lib.widgets.checks import editing


def step(worth, value, before, beat):
    return (worth[before, :, beat] + value.T).max()


def slope(first, second, preferred):
    margin = first - second
    wide = 1e-6

    def loss(margin):
        return np.logaddexp(0, margin) - preferred * margin

    by_first = (loss(margin + wide) - loss(margin - wide)) / (2 * wide)
    return np.array([by_first, -by_first])


def chance(first, second):
    return 1 / (1 + np.exp(second - first))


ANSWERS = [
    (editing.average_shot_length, lambda seconds, cuts: seconds / (cuts + 1), "✓"),
    (editing.average_shot_length, lambda seconds, cuts: None, "not done yet"),
    (editing.average_shot_length, lambda seconds, cuts: seconds / cuts if cuts else np.inf, "five cuts"),
    (editing.average_shot_length, lambda seconds, cuts: (cuts + 1) / seconds, "other way up"),
    (editing.average_shot_length, lambda seconds, cuts: 60 * cuts / seconds, "cuts per minute"),
    (editing.rhythm_reward, lambda length, target: length * pacing.rhythm(length, target), "✓"),
    (editing.rhythm_reward, lambda length, target: None, "not done yet"),
    (editing.rhythm_reward, lambda length, target: pacing.rhythm(length, target), "a cut more pays"),
    (editing.rhythm_reward, lambda length, target: -1.0, "Every further shot costs"),
    (editing.rhythm_reward, lambda length, target: length * pacing.rhythm(length, 4.0), "All alike"),
    (editing.rhythm_reward, lambda length, target: length / (target - 4.0) ** 2 / 0, "stopped with ZeroDivisionError"),
    (editing.rhythm_reward, lambda length, target: np.ones(3), "one finite number"),
    (editing.one_step, step, "✓"),
    (editing.one_step, lambda *_: None, "not done yet"),
    (editing.one_step, lambda w, v, p, b: w[p, :, b].max(), "add the value"),
    (editing.one_step, lambda w, v, p, b: (w[p, :, b] + v[:, p]).max(), "from the new angle"),
    (editing.one_step, lambda w, v, p, b: (w[p, :, b] + v[b][:, None]).max(), "not at its beginning"),
    (editing.one_step, lambda w, v, p, b: (w[p, :, b, b + 1] + v[b + 1]).max(), "go through all ends"),
    (editing.one_step, lambda w, v, p, b: w[p, :, b].max() + v[b + 1 :].max(), "not the best of each"),
    (editing.preference_gradient, slope, "✓"),
    (editing.preference_gradient, lambda *_: None, "not done yet"),
    (editing.preference_gradient, lambda a, b, y: -slope(a, b, y), "sign"),
    (editing.preference_gradient, lambda a, b, y: slope(a, b, y)[0], "the opposite"),
    (editing.preference_gradient, lambda a, b, y: slope(a, b, y)[0] * np.ones(2), "enters with a minus"),
    (editing.preference_gradient, lambda a, b, y: chance(a, b) * np.array([1, -1]), "said is missing"),
    (editing.quiz, {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"}, "✓"),
    (editing.quiz, {1: "a", 2: "a", 3: "c", 4: "b", 5: "c"}, "4 of 5 right. Question 1"),
]


@pytest.mark.parametrize(("check", "answer", "words"), ANSWERS)
def test_each_answer_gets_its_remark(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert words in out
    assert out.startswith("✓") == (words == "✓")
