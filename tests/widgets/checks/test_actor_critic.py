"""The checkers of lesson 05: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import actor_critic


def advantages(rewards, values, ended, bootstrap, gamma, gae_lambda, *, ahead=True, cut=True, last=True, decay=None):
    """A student's loop: ahead, cut, last: whether it minds the ends in the TD errors, in the trace, in the last row."""
    out, advantage = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        if t == len(rewards) - 1:
            following = bootstrap[t] if last or ended[t] else 0.0
        else:
            following = bootstrap[t] if ended[t] and ahead else values[t + 1]
        error = rewards[t] + gamma * following - values[t]
        if ended[t] and cut:
            advantage = 0.0
        advantage = error + (gamma * gae_lambda if decay is None else decay(gamma, gae_lambda)) * advantage
        out[t] = advantage
    return out


def gradient(s, theta, c):
    return np.mean((c[1] + c[2] * s + 2 * c[3] * theta * s) * s)


ANSWERS = [
    (actor_critic.td_errors, lambda r, v, f, g: r + g * f[:, 0] - v[:, 0], "✓"),
    (actor_critic.td_errors, lambda r, v, f, g: r + g * f.squeeze(-1) - v.squeeze(-1), "✓"),
    (actor_critic.td_errors, lambda r, v, f, g: None, "not done yet"),
    (actor_critic.td_errors, lambda r, v, f, g: r + g * f - v, "every reward is paired with every value"),
    (actor_critic.td_errors, lambda r, v, f, g: r + g * f - v[:, 0], "the values that follow are a column, too"),
    (actor_critic.td_errors, lambda r, v, f, g: r[:, None] + g * f - v, "as a column (B, 1)"),
    (actor_critic.td_errors, lambda r, v, f, g: v[:, 0] - g * f[:, 0] - r, "the sign is turned"),
    (actor_critic.td_errors, lambda r, v, f, g: r + f[:, 0] - v[:, 0], "the discount γ"),
    (actor_critic.td_errors, lambda r, v, f, g: np.mean(r + g * f[:, 0] - v[:, 0]), "a mean hides the shape"),
    (actor_critic.gae, advantages, "✓"),
    (actor_critic.gae, lambda *case: advantages(*case).tolist(), "✓"),
    (actor_critic.gae, lambda *case: None, "not done yet"),
    (actor_critic.gae, lambda *case: advantages(*case, cut=False), "the trace runs on into the next take"),
    (actor_critic.gae, lambda *case: advantages(*case, ahead=False), "looks ahead into the next take"),
    (actor_critic.gae, lambda *case: advantages(*case, last=False), "look ahead to bootstrap[-1]"),
    (actor_critic.gae, lambda r, v, e, b, g, trace: advantages(r, v, e, 0 * b, g, trace), "bootstrap is not used"),
    (actor_critic.gae, lambda *case: advantages(*case, decay=lambda g, trace: trace), "the γ is missing"),
    (actor_critic.gae, lambda *case: advantages(*case, decay=lambda g, trace: g), "the λ is missing"),
    (actor_critic.gae, lambda r, v, *rest: advantages(r, v, *rest) + v, "these are the returns"),
    (actor_critic.gae, lambda *case: advantages(*case, decay=lambda g, trace: 0.0), "the TD errors alone"),
    (actor_critic.gae, lambda *case: advantages(*case)[::-1], "the last entry comes first"),
    (actor_critic.looked_ahead, [6, 0, 7, 4], "✓"),
    (actor_critic.looked_ahead, [None] * 4, "not done yet"),
    (actor_critic.looked_ahead, [6, 0, 0, 4], "row 2: the clock cut the take"),
    (actor_critic.looked_ahead, [6, 5, 7, 4], "row 1: the take is spoiled"),
    (actor_critic.looked_ahead, [6, 2, 2, 4], "rows 1 and 2: the first picture"),
    (actor_critic.looked_ahead, [6, 0, 2, 4], "row 2: the first picture"),
    (actor_critic.looked_ahead, [6, 0, 7, 0], "row 3: only the rollout ends"),
    (actor_critic.looked_ahead, [6, 0, None, None], "✗"),
    (actor_critic.deterministic_gradient, gradient, "✓"),
    (actor_critic.deterministic_gradient, lambda s, t, c: None, "not done yet"),
    (actor_critic.deterministic_gradient, lambda s, t, c: np.mean(c[1] + c[2] * s + 2 * c[3] * t * s), "chain rule"),
    (actor_critic.deterministic_gradient, lambda s, t, c: np.mean((c[1] + c[2] * s + c[3] * t * s) * s), "factor 2"),
    (actor_critic.deterministic_gradient, lambda s, t, c: np.mean((c[1] + c[2] * s + 2 * c[3] * t) * s), "a = θ is"),
    (actor_critic.deterministic_gradient, lambda s, t, c: len(s) * gradient(s, t, c), "not the sum"),
    (actor_critic.deterministic_gradient, lambda s, t, c: (c[1] + (c[2] + 2 * c[3] * t) * s) * s, "take their mean"),
    (actor_critic.deterministic_gradient, lambda s, t, c: -gradient(s, t, c), "the sign is turned"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")


def test_the_quiz_knows_its_answers(capsys):
    actor_critic.quiz({1: "a", 2: "b", 3: "b", 4: "c", 5: "c"})
    actor_critic.quiz(dict.fromkeys(range(1, 6)))
    actor_critic.quiz({1: "a", 2: "b", 3: "b", 4: "c", 5: "b"})
    right, undone, wrong = capsys.readouterr().out.splitlines()
    assert right == "✓ all 5 right" and undone == "not done yet" and "Question 5: V(s) does not know" in wrong
