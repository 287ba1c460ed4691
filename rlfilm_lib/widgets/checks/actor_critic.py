"""Checkers of lesson 05_actor_critic."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rlfilm_lib.rl import returns
from rlfilm_lib.widgets.checks import verdict


def td_errors(answer: Callable) -> None:
    """td_errors(rewards (B,), values (B, 1), following (B, 1), gamma) = r + γ V(s') - V(s), (B,)."""

    def errors(rewards, values, following, gamma):
        return rewards + gamma * following[:, 0] - values[:, 0]

    cases = [
        (np.array([1.0, 0.5, 0.0]), np.array([[2.0], [1.0], [4.0]]), np.array([[1.0], [4.0], [2.0]]), 0.5),
        (np.array([0.2, 0.8]), np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]), 0.9),
    ]
    verdict.function(
        answer,
        [(case, errors(*case)) for case in cases],
        {
            "still (B, B): a column (B, 1) meets a row (B,) and every reward is paired with every value": (
                lambda r, v, f, g: r + g * f - v
            ),
            "still (B, B): both the values of now and those that follow are columns": (
                lambda r, v, f, g: r + g * f[:, 0] - v
            ),
            "still (B, B): the values that follow are a column, too": lambda r, v, f, g: r + g * f - v[:, 0],
            "right, but as a column (B, 1): the next row (B,) it meets will spread it again; make it (B,)": (
                lambda r, v, f, g: errors(r, v, f, g)[:, None]
            ),
            "one number: a mean hides the shape; return the error of every step": (
                lambda r, v, f, g: errors(r, v, f, g).mean()
            ),
            "the sign is turned: what came minus what was expected": lambda r, v, f, g: -errors(r, v, f, g),
            "the discount γ belongs to the value that follows": lambda r, v, f, g: errors(r, v, f, 1.0),
        },
        "one error per step, and the critic keeps its states apart",
    )


def looked_ahead(answer: Sequence[float | None]) -> None:
    """The four values that the TD errors of the table look ahead to."""
    if all(value is None for value in answer):
        print("not done yet")
        return
    verdict.value(
        [np.nan if value is None else value for value in answer],
        [6.0, 0.0, 7.0, 4.0],
        {
            "row 2: the clock cut the take, but the scene would have gone on; it is worth what its last picture is": (
                [6.0, 0.0, 0.0, 4.0]
            ),
            "row 1: the take is spoiled, nothing more will be earned in it: 0": [6.0, 5.0, 7.0, 4.0],
            "rows 1 and 2: the first picture of the next take has nothing to do with this one": [6.0, 2.0, 2.0, 4.0],
            "row 2: the first picture of the next take has nothing to do with this one": [6.0, 0.0, 2.0, 4.0],
            "row 1: the first picture of the next take has nothing to do with this one": [6.0, 2.0, 7.0, 4.0],
            "row 3: only the rollout ends here; the take goes on": [6.0, 0.0, 7.0, 0.0],
            "rows 2 and 3: neither take came to an end of its own": [6.0, 0.0, 0.0, 0.0],
        },
        "0 only where nothing more can be earned",
    )


def gae(answer: Callable) -> None:
    """gae(rewards, values, ended, bootstrap, gamma, gae_lambda): advantages (T,) of one row of takes."""

    def advantages(rewards, values, ended, bootstrap, gamma, gae_lambda):
        columns = (np.asarray(array)[:, None] for array in (rewards, values, ended))
        return returns.gae(*columns, gamma, gae_lambda, np.asarray(bootstrap)[:, None])[:, 0]

    yes, no = True, False  # ended?
    cases = [
        (np.array([1.0, 0.5, 2.0]), np.array([2.0, 1.0, 3.0]), np.array([no, no, no]), np.array([0, 0, 4.0]), 0.5, 0.5),
        (
            np.array([1.0, 1.0, 0.5, 0.2, 1.0]),
            np.array([3.0, 2.0, 1.0, 4.0, 2.0]),
            np.array([no, yes, no, yes, no]),
            np.array([0.0, 0.0, 0.0, 5.0, 3.0]),
            0.9,
            0.8,
        ),
    ]
    verdict.function(
        answer,
        [(case, advantages(*case)) for case in cases],
        {
            "the trace runs on into the next take: where a take ended, A of the next row must not enter": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, b, g, g * trace, cut_trace=False)
            ),
            "the bootstrap is not used: a take that was cut by the clock, and the last row, still have a future": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, 0 * b, g, g * trace)
            ),
            "the last row: its take goes on; look ahead to bootstrap[-1]": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, np.where(e, b, 0), g, g * trace)
            ),
            "where a take ended, its TD error looks ahead into the next take; there it is the bootstrap's turn": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, b, g, g * trace, cut_errors=False)
            ),
            "the trace fades by γ · λ per step; the γ is missing": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, b, g, trace)
            ),
            "the trace fades by γ · λ per step; the λ is missing": (
                lambda r, v, e, b, g, trace: _recursion(r, v, e, b, g, g)
            ),
            "these are the returns, A + V; the advantages are asked for": (
                lambda r, v, e, b, g, trace: advantages(r, v, e, b, g, trace) + v
            ),
            "these are the TD errors alone; add γλ times the advantage of the next step": (
                lambda r, v, e, b, g, trace: advantages(r, v, e, b, g, 0.0)
            ),
            "the last entry comes first: turn the list round before you return it": (
                lambda r, v, e, b, g, trace: advantages(r, v, e, b, g, trace)[::-1]
            ),
        },
        "each surprise is passed back, fading, to the actions before it, and never across a cut",
    )


def _recursion(rewards, values, ended, bootstrap, gamma, trace, cut_errors=True, cut_trace=True):
    """The recursion, in which the TD errors, or the trace that fades by `trace`, may forget where takes end."""
    out, then = np.zeros(len(rewards)), 0.0
    following = np.where(ended & cut_errors, bootstrap, np.append(values[1:], bootstrap[-1]))
    for t in reversed(range(len(rewards))):
        then = rewards[t] + gamma * following[t] - values[t] + trace * then * (not (ended[t] and cut_trace))
        out[t] = then
    return out


def deterministic_gradient(answer: Callable) -> None:
    """deterministic_gradient(states, theta, c) = mean(∂Q/∂a · s) at a = θ s, Q's slope c₁ + c₂ s + 2 c₃ a."""

    def gradient(s, theta, c):
        return float(np.mean((c[1] + c[2] * s + 2 * c[3] * theta * s) * s))

    cases = [
        (np.array([0.5, 1.0, 1.5]), 0.5, np.array([1.0, 0.0, 4.0, -1.0])),
        (np.array([1.0, 2.0]), -1.0, np.array([0.0, 0.5, 1.0, 0.25])),
    ]
    verdict.function(
        answer,
        [(case, gradient(*case)) for case in cases],
        {
            "the chain rule has a second link: the action θ s changes with θ by s": (
                lambda s, theta, c: float(np.mean(c[1] + c[2] * s + 2 * c[3] * theta * s))
            ),
            "is a factor 2 missing? The slope of c₃ a² is 2 c₃ a": (
                lambda s, theta, c: float(np.mean((c[1] + c[2] * s + c[3] * theta * s) * s))
            ),
            "the slope at a = θ is taken; the action in state s is θ s": (
                lambda s, theta, c: float(np.mean((c[1] + c[2] * s + 2 * c[3] * theta) * s))
            ),
            "this is Q's slope by the state; it is wanted by the action": (
                lambda s, theta, c: float(np.mean(c[2] * theta * s * s))
            ),
            "take the mean over the states, not the sum": lambda s, theta, c: gradient(s, theta, c) * len(s),
            "one number per state: take their mean": lambda s, theta, c: (c[1] + c[2] * s + 2 * c[3] * theta * s) * s,
            "the sign is turned: this goes down; the return is to go up": lambda s, theta, c: -gradient(s, theta, c),
        },
        "the critic says which way the action should go, the chain rule takes it to θ",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on critics and advantages."""
    verdict.quiz(
        answers,
        {1: "a", 2: "b", 3: "b", 4: "c", 5: "c"},
        {
            1: "with λ = 0 the credit is r + γ V(s') − V(s), and a critic that says 0 leaves r.",
            2: "its targets are made of its own values: it agrees with itself, not with the rewards.",
            3: "the scene would have gone on, so its last picture still has a value.",
            4: "a column minus a row is a table: every reward is paired with every value.",
            5: "V(s) does not know the action, so it has no slope towards it; log μ(s) is no log-probability.",
        },
    )
