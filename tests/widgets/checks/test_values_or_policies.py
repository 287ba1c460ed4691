"""The checkers of lesson 02: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import values_or_policies as check

ANSWERS = [
    (check.action_value, lambda r, p, v, g: r + g * p @ v, "✓"),
    (check.action_value, lambda r, p, v, g: r + g * sum(p * v), "✓"),
    (check.action_value, lambda r, p, v, g: None, "not done yet"),
    (check.action_value, lambda r, p, v, g: r + p @ v, "the discount is missing"),
    (check.action_value, lambda r, p, v, g: g * (r + p @ v), "γ does not touch it"),
    (check.action_value, lambda r, p, v, g: g * p @ v, "reward of this step is missing"),
    (check.action_value, lambda r, p, v, g: r + g * v.mean(), "weigh each value"),
    (check.action_value, lambda r, p, v, g: r + g * v[p > 0].max(), "chance chooses the state"),
    (check.action_value, lambda r, p, v, g: r + g * p * v, "add the products up"),
    (check.q_target, lambda r, q, a, over, g: r + (0 if over else g * max(q)), "✓"),
    (check.q_target, lambda r, q, a, over, g: None, "not done yet"),
    (check.q_target, lambda r, q, a, over, g: r + g * max(q), "after the end nothing comes"),
    (check.q_target, lambda r, q, a, over, g: r + g * over * max(q), "turned round"),
    (check.q_target, lambda r, q, a, over, g: r + g * (not over) * q[a], "this is SARSA's target"),
    (check.q_target, lambda r, q, a, over, g: r + g * (not over) * np.argmax(q), "its value is max"),
    (check.q_target, lambda r, q, a, over, g: r + (not over) * max(q), "the discount is missing"),
    (check.q_target, lambda r, q, a, over, g: g * (not over) * max(q), "reward of this step is missing"),
    (check.sarsa_target, lambda r, q, a, over, g: r + (0 if over else g * q[a]), "✓"),
    (check.sarsa_target, lambda r, q, a, over, g: None, "not done yet"),
    (check.sarsa_target, lambda r, q, a, over, g: r + g * q[a], "after the end nothing comes"),
    (check.sarsa_target, lambda r, q, a, over, g: r + g * over * q[a], "turned round"),
    (check.sarsa_target, lambda r, q, a, over, g: r + g * (not over) * max(q), "this is Q-learning's target"),
    (check.sarsa_target, lambda r, q, a, over, g: r + g * (not over) * q.mean(), "the mean over all actions"),
    (check.sarsa_target, lambda r, q, a, over, g: r + (not over) * q[a], "the discount is missing"),
    (check.sarsa_target, lambda r, q, a, over, g: g * (not over) * q[a], "reward of this step is missing"),
    (check.arrives, lambda e, n, a: (1 - e / a) ** n, "✓"),
    (check.arrives, lambda e, n, a: None, "not done yet"),
    (check.arrives, lambda e, n, a: (1 - e) ** n, "only one in five"),
    (check.arrives, lambda e, n, a: 1 - (1 - e / a) ** n, "the chance of arriving is the rest"),
    (check.arrives, lambda e, n, a: 1 - n * e / a, "multiplied, not added"),
    (check.arrives, lambda e, n, a: 1 - e / a, "this is one panel"),
    (check.arrives, lambda e, n, a: (1 - e * (a - 1) / a) ** n, "count the one that crosses"),
    (check.table_size, lambda b, s, a: b ** (s + a), "✓"),
    (check.table_size, lambda b, s, a: b**s * b**a, "✓"),
    (check.table_size, lambda b, s, a: None, "not done yet"),
    (check.table_size, lambda b, s, a: b**s, "the number of states"),
    (check.table_size, lambda b, s, a: b * s * b * a, "combined, not listed"),
    (check.table_size, lambda b, s, a: b**s + b**a, "multiply"),
    (check.table_size, lambda b, s, a: s**b * a**b, "changed places"),
    (check.table_size, lambda b, s, a: b**s * a, "each action is a number"),
    (check.quiz, {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}, "✓ all 5 right"),
    (check.quiz, {1: "a", 2: "c", 3: "a", 4: "b", 5: "c"}, "4 of 5 right. Question 1: its target"),
    (check.quiz, dict.fromkeys(range(1, 6)), "not done yet"),
]


@pytest.mark.parametrize(("judge", "answer", "words"), ANSWERS)
def test_the_remark_fits_the_answer(judge, answer, words, capsys):
    judge(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == words.startswith("✓")
