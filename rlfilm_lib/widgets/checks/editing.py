"""Checkers of lesson 14_editing."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def average_shot_length(answer: Callable) -> None:
    """average_shot_length(seconds, cuts): a film with so many cuts has one shot more."""
    verdict.function(
        answer,
        [((30.0, 5), 5.0), ((90.0, 0), 90.0), ((5400.0, 1079), 5.0)],
        {
            "five cuts make six shots: the last one needs no cut": lambda s, c: s / c if c else np.inf,
            "these are shots per second; the length is the other way up": lambda s, c: (c + 1) / s,
            "one too few: a film without a cut is one shot": lambda s, c: s / (c - 1) if c != 1 else np.inf,
            "these are cuts per minute": lambda s, c: 60 * c / s,
        },
        "ASL = T / (cuts + 1)",
    )


ASL, SEEDS = 4.0, (0, 1, 2, 3)


def rhythm_reward(answer: Callable) -> None:
    """rhythm_reward(length, target), seconds → what one shot is worth: a film cut for the sum of it, exactly, must have
    about the average shot length asked for, and shots of different lengths."""
    from rlfilm_lib.widgets import pace_dial

    try:
        tried = answer(4.0, 4.0)
        if tried is None:
            print("not done yet")
            return
        if np.ndim(tried) or not np.isfinite(tried):
            print(f"✗ of one shot of 4 s where 4 s are asked for yours is {tried}; one finite number is expected")
            return
        for seed in SEEDS:
            lengths = pace_dial.best_lengths(answer, pace_dial.asked_for(ASL, seed))
            average, spread = float(np.mean(lengths)), pace_dial.variation(lengths)
            found = f"the best film for it has {pace_dial.describe(lengths)}"
            if len(lengths) == 1:
                print(f"✗ tricked: {found}. Every further shot costs more than it is worth")
                return
            if abs(average / ASL - 1) > 0.25:
                why = "a cut more pays a reward more" if average < ASL else "a shot more costs more than it is worth"
                print(f"✗ tricked: {found}, where {ASL:g} s are asked for; {why}. How much film does a shot stand for?")
                return
            if spread < 0.3:
                print(f"✗ tricked: {found}. All alike is no rhythm: does the target count?")
                return
    except Exception as error:
        print(f"✗ yours stopped with {type(error).__name__}: {error}")
        return
    print("✓ the best film for it has the pace asked for, and shots long and short")


def one_step(answer: Callable) -> None:
    """one_step(worth, value, before, beat) = max over angle ≠ before and end > beat of worth + value[end, angle]."""
    rng = np.random.default_rng(0)
    angles, beats = 3, 6
    worth = rng.normal(1.0, 1.0, (angles, angles, beats, beats + 1))
    for start in range(beats):
        worth[:, :, start, : start + 1] = -np.inf
    worth[range(angles), range(angles)] = -np.inf
    value = rng.normal(2.0, 1.0, (beats + 1, angles))
    value[beats] = 0

    def best(worth, value, before, beat, after=lambda value, angle, end, before: value[end, angle]):
        return max(
            worth[before, angle, beat, end] + after(value, angle, end, before)
            for angle in range(angles)
            for end in range(beat + 1, beats + 1)
        )

    verdict.function(
        answer,
        [((worth, value, before, beat), best(worth, value, before, beat)) for before, beat in ((0, 1), (2, 3), (1, 5))],
        {
            "this shot alone is not all: add the value of what follows it": partial(best, after=lambda *_: 0.0),
            "what follows goes on from the new angle: value[end, angle]": partial(
                best, after=lambda value, angle, end, before: value[end, before]
            ),
            "the value is that at the end of the new shot, not at its beginning": lambda w, v, p, b: best(
                w, v, p, b, lambda value, angle, end, before: value[b, angle]
            ),
            "a shot may last longer than one beat: go through all ends": lambda w, v, p, b: max(
                w[p, angle, b, b + 1] + v[b + 1, angle] for angle in range(angles)
            ),
            "the best of both together, not the best of each": lambda w, v, p, b: (
                w[p, :, b, b + 1 :].max() + v[b + 1 :].max()
            ),
            "the last end, after the last beat, is missing": lambda w, v, p, b: max(
                (w[p, a, b, e] + v[e, a] for a in range(angles) for e in range(b + 1, beats)), default=-np.inf
            ),
            "an average; the best way on is asked for": lambda w, v, p, b: np.mean(
                [w[p, a, b, e] + v[e, a] for a in range(angles) if a != p for e in range(b + 1, beats + 1)]
            ),
        },
        "one line, and with it every cut there is has been compared",
    )


def preference_gradient(answer: Callable) -> None:
    """preference_gradient(first, second, preferred): of -log P by the two rewards: (σ(r₁ - r₂) - y) · (1, -1)."""

    def chance(first, second):
        return 1 / (1 + np.exp(second - first))

    def gradient(first, second, y):
        return (chance(first, second) - y) * np.array([1.0, -1.0])

    cases = [(1.0, 0.0, 1.0), (0.5, 2.0, 1.0), (-1.0, -1.0, 0.0), (0.3, 0.1, 0.5)]
    verdict.function(
        answer,
        [(case, gradient(*case)) for case in cases],
        {
            "the sign is turned: the gradient of the loss points uphill, a step goes against it": lambda a, b, y: (
                -gradient(a, b, y)
            ),
            "by the first reward alone; the second one gets the opposite": lambda a, b, y: chance(a, b) - y,
            "the second reward enters with a minus: its slope has the other sign": lambda a, b, y: (
                (chance(a, b) - y) * np.ones(2)
            ),
            "this is the gradient of P, not of -log P": lambda a, b, y: (
                chance(a, b) * (1 - chance(a, b)) * np.array([1.0, -1.0])
            ),
            "what the viewer said is missing": lambda a, b, y: chance(a, b) * np.array([1.0, -1.0]),
            "of a squared error; the loss is -log P": lambda a, b, y: (
                2 * gradient(a, b, y) * chance(a, b) * (1 - chance(a, b))
            ),
        },
        "what was expected, less what was said: a surprise moves the rewards most",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on cutting."""
    verdict.quiz(
        answers,
        {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"},
        {
            1: "in a J cut the ear arrives first: the letter's hook reaches to the left, under the picture before.",
            2: "every density below 1 has a negative logarithm; what is a further shot worth?",
            3: "a shot's reward needs its beginning, its end, and the angle before, and nothing earlier.",
            4: "the scale runs from random to the optimum, not from nothing.",
            5: "the model was asked about cuts like those it has seen; the optimiser goes elsewhere.",
        },
    )
