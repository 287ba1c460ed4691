"""Checkers of lesson 02_values_or_policies."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def action_value(answer: Callable) -> None:
    """action_value(reward, probabilities, values, gamma) = r + γ Σ p v."""

    def right(r, p, v, g):
        return float(r + g * np.dot(p, v))

    cases = [
        (0.75, np.array([0.2, 0.8]), np.array([1.0, 3.0]), 0.9),
        (-0.05, np.array([0.0, 1.0, 0.0]), np.array([5.0, 2.0, 7.0]), 0.97),
        (1.0, np.array([0.5, 0.5]), np.array([-4.0, 2.0]), 0.5),
    ]
    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "the discount is missing: what follows counts γ times": lambda r, p, v, g: right(r, p, v, 1.0),
            "the reward is of this step: γ does not touch it": lambda r, p, v, g: g * right(r, p, v, 1.0),
            "the reward of this step is missing": lambda r, p, v, g: right(0.0, p, v, g),
            "not every next state is as likely: weigh each value by its probability": lambda r, p, v, g: float(
                r + g * np.mean(v)
            ),
            "this takes the best that may happen; the agent chooses the action, chance chooses the state": (
                lambda r, p, v, g: float(r + g * np.max(np.where(p > 0, v, -np.inf)))
            ),
            "add the products up: one action has one value": lambda r, p, v, g: r + g * p * v,
        },
        "the reward of this step, and γ times the mean of what it leads to",
    )


TARGETS = [
    (-0.05, np.array([1.0, 3.0, 2.0]), 2, False, 0.9),
    (0.95, np.array([-1.0, -3.0, -2.0]), 1, False, 0.5),
    (-5.05, np.array([1.0, 3.0, 2.0]), 0, True, 0.9),
]
"""(reward, values of the next state's actions, the action taken there, terminated, γ)."""


def _q_target(r, q, a, over, g):
    return float(r + g * (not over) * q.max())


def _sarsa_target(r, q, a, over, g):
    return float(r + g * (not over) * q[a])


def q_target(answer: Callable) -> None:
    """q_target(reward, next_q, next_action, terminated, gamma) = r + γ max q, or r alone at the end."""
    verdict.function(
        answer,
        [(case, _q_target(*case)) for case in TARGETS],
        {
            "after the end nothing comes: the target there is the reward alone": lambda r, q, a, over, g: float(
                r + g * q.max()
            ),
            "`terminated` is turned round: the value counts while the story goes on": lambda r, q, a, over, g: float(
                r + g * over * q.max()
            ),
            "this is SARSA's target: Q-learning does not ask what is done next": _sarsa_target,
            "argmax says which action is best; its value is max": lambda r, q, a, over, g: float(
                r + g * (not over) * q.argmax()
            ),
            "the discount is missing": lambda r, q, a, over, g: _q_target(r, q, a, over, 1.0),
            "the reward of this step is missing": lambda r, q, a, over, g: _q_target(0.0, q, a, over, g),
        },
        "the reward, and the best that could be done from there",
    )


def sarsa_target(answer: Callable) -> None:
    """sarsa_target(reward, next_q, next_action, terminated, gamma) = r + γ q[a'], or r alone at the end."""
    verdict.function(
        answer,
        [(case, _sarsa_target(*case)) for case in TARGETS],
        {
            "after the end nothing comes: the target there is the reward alone": lambda r, q, a, over, g: float(
                r + g * q[a]
            ),
            "`terminated` is turned round: the value counts while the story goes on": lambda r, q, a, over, g: float(
                r + g * over * q[a]
            ),
            "this is Q-learning's target: SARSA takes the value of the action that is taken next": _q_target,
            "this is the mean over all actions; SARSA takes the one that is taken": lambda r, q, a, over, g: float(
                r + g * (not over) * q.mean()
            ),
            "the discount is missing": lambda r, q, a, over, g: _sarsa_target(r, q, a, over, 1.0),
            "the reward of this step is missing": lambda r, q, a, over, g: _sarsa_target(0.0, q, a, over, g),
        },
        "the reward, and what is really done from there, slips included",
    )


def arrives(answer: Callable) -> None:
    """arrives(epsilon, panels, actions) = (1 - ε / actions) ** panels."""
    cases = [(0.1, 11, 5), (0.2, 4, 5), (1.0, 2, 4)]
    verdict.function(
        answer,
        [(case, (1 - case[0] / case[2]) ** case[1]) for case in cases],
        {
            "a slip is any of the actions: only one in five of them crosses the line": lambda e, n, a: (1 - e) ** n,
            "this is the chance of crossing; the chance of arriving is the rest": lambda e, n, a: 1 - (1 - e / a) ** n,
            "chances of several panels in a row are multiplied, not added": lambda e, n, a: 1 - n * e / a,
            "this is one panel; there are several": lambda e, n, a: 1 - e / a,
            "all other slips are harmless: count the one that crosses": lambda e, n, a: (1 - e * (a - 1) / a) ** n,
        },
        "every panel next to the line is a throw of the dice",
    )


def table_size(answer: Callable) -> None:
    """table_size(bins, observations, actions) = bins ** observations · bins ** actions."""
    cases = [(10, 30, 9), (2, 3, 1), (5, 2, 2)]
    verdict.function(
        answer,
        [((float(bins), states, actions), float(bins) ** (states + actions)) for bins, states, actions in cases],
        {
            "this is the number of states; every state has a row of actions": lambda b, s, a: b**s,
            "numbers are combined, not listed: every bin of one with every bin of the other": lambda b, s, a: (
                b * s * b * a
            ),
            "states and actions are combined as well: multiply": lambda b, s, a: b**s + b**a,
            "b numbers of n bins are n to the b; base and exponent changed places": lambda b, s, a: s**b * a**b,
            "each action is a number with bins, too": lambda b, s, a: b**s * a,
        },
        "bins to the power of all numbers together",
    )


KEY = {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}
WHY = {
    1: "its target is the maximum over actions; which one is taken next does not come into it.",
    2: "its values are those of the hand it has; the fewer slips, the less there is to fear.",
    3: "the clock ended it, not the story: what would have come still counts.",
    4: "every step has to find the largest of infinitely many values.",
    5: "play alone: neither asked for the model.",
}


def quiz(answers: Mapping[int, str | None]) -> None:
    """The quiz at the end of the lesson."""
    verdict.quiz(answers, KEY, WHY)
