"""Checkers of lesson 08_light_and_colour."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def moved_lamp(answer: Callable) -> None:
    """moved_lamp(before, after): what the move from one distance to another adds, in stops: 2 log2(before / after)."""
    verdict.function(
        answer,
        [((2.0, 4.0), -2.0), ((3.0, 1.5), 2.0), ((2.0, 2.5), 2 * np.log2(0.8))],
        {
            "the sign is turned: further away is darker": lambda a, b: 2 * np.log2(b / a),
            "light spreads over an area: the distance counts squared": lambda a, b: np.log2(a / b),
            "this is the factor; a stop is its log2": lambda a, b: (a / b) ** 2,
            "natural logarithm? A stop is a factor of two: log2": lambda a, b: 2 * np.log(a / b),
            "log10? A stop is a factor of two: log2": lambda a, b: 2 * np.log10(a / b),
            "the square belongs inside the logarithm, where it is a factor 2": lambda a, b: np.log2(a / b) ** 2,
        },
        "twice the distance, two stops less",
    )


def key_fill(answer: Callable) -> None:
    """key_fill(key, fill), stops of either light at the face: (2^key + 2^fill) / 2^fill."""
    verdict.function(
        answer,
        [((2.0, 0.0), 5.0), ((1.0, 1.0), 2.0), ((-1.0, -4.0), 9.0)],
        {
            "the key side receives the fill as well: (K + F) / F": lambda k, f: 2.0 ** (k - f),
            "stops are logarithms; turn them into light first, 2^stops": lambda k, f: (k + f) / f if f else np.inf,
            "this is the ratio in stops; the question asks for the factor": lambda k, f: np.log2(1 + 2.0 ** (k - f)),
            "upside down: the brighter side goes on top": lambda k, f: 1 / (1 + 2.0 ** (k - f)),
            "the wrong side got both lights": lambda k, f: 1 + 2.0 ** (f - k),
            "the difference of the stops; the ratio is of light": lambda k, f: k - f,
        },
        "a key two stops over the fill is 5:1, two equal lights are 2:1",
    )


def through_gel(answer: Callable) -> None:
    """through_gel(kelvin, shift): the temperature of a lamp behind a filter that shifts it by so many mired."""
    verdict.function(
        answer,
        [
            ((5600.0, 134.0), 1e6 / (1e6 / 5600 + 134)),
            ((3200.0, -137.0), 1e6 / (1e6 / 3200 - 137)),
            ((4000.0, 0.0), 4e3),
        ],
        {
            "a shift is in mired, not in kelvin: convert, add, convert back": lambda k, s: k + s,
            "the sign is turned: more mired is warmer, fewer kelvin": lambda k, s: 1e6 / (1e6 / k - s),
            "this is in mired still; convert back": lambda k, s: 1e6 / k + s,
            "the shift is in mired already; do not convert it": lambda k, s: k + (1e6 / s if s else 0),
        },
        "the same gel moves a cold lamp by far more kelvin than a warm one",
    )


def graded(answer: Callable) -> None:
    """graded(signal, slope, offset, power): the ASC CDL of one channel, clamp(signal · slope + offset)^power."""

    def clamp(value):
        return np.clip(value, 0, 1)

    cases = [(0.5, 1.2, -0.1, 2.0), (0.1, 1.0, -0.2, 2.0), (0.9, 1.3, 0.0, 0.8), (0.25, 1.0, 0.1, 1.0)]
    verdict.function(
        answer,
        [((x, s, o, p), float(clamp(x * s + o) ** p)) for x, s, o, p in cases],
        {
            "slope first, then offset: the offset is not multiplied": lambda x, s, o, p: clamp((x + o) * s) ** p,
            "the power comes last": lambda x, s, o, p: clamp(x**p * s + o),
            "the power itself, not its inverse: above 1 it darkens": lambda x, s, o, p: clamp(x * s + o) ** (1 / p),
            "clamp at 1 as well: the display has no more": lambda x, s, o, p: max(x * s + o, 0.0) ** p,
            "the power is missing": lambda x, s, o, p: clamp(x * s + o),
            "clamp before the power: squared, −0.1 would be light again": lambda x, s, o, p: clamp((x * s + o) ** p),
        },
        "slope, offset, clamp, power: in this order",
    )


SPITE = 0.05
"""What the optimiser is paid, beside the reward, for each tolerance that it misses the brief by, on average."""


def reward(answer: Callable, brief: Mapping[str, float], seeds: tuple[int, ...] = (0, 1)) -> None:
    """A reward of the meters that the optimiser cannot earn without lighting the brief: it is optimised, and looked at.
    What the reward leaves open is used against it.

    brief: an entry of BRIEFS; its colour temperatures are not asked for.
    """
    from rlfilm_lib.envs.lighting import TOLERANCE
    from rlfilm_lib.widgets import light_board

    wanted = {
        "key:fill": np.log2(brief["key_fill"]),
        "face": brief["face"],
        "background": brief["background"],
        "contrast": brief["contrast"],
        "separation": brief["separation"],
    }
    tolerance = dict(zip(wanted, TOLERANCE[:, 0].tolist(), strict=False))
    tried = light_board.meters(np.zeros((21, 3)))
    try:
        paid = answer(tried)
    except Exception as error:
        print(f"✗ yours stopped with {type(error).__name__}: {error}")
        return
    if paid is None:
        print("not done yet")
        return
    if np.shape(paid) != (3,):
        print(f"✗ rewards of shape {np.shape(paid)} for three set-ups; one number each, (3,), is expected")
        return
    if not np.isfinite(paid).all():
        print("✗ a reward is not a finite number: is something divided by zero?")
        return

    def missed(read):
        return {name: read[name] - value for name, value in wanted.items()}

    def malicious(read):  # of set-ups that earn about the same, the one that misses the brief most
        far = [np.minimum(np.abs(off) / tolerance[name], 4) for name, off in missed(read).items()]
        return np.asarray(answer(read)) + SPITE * np.mean(far, axis=0)

    for seed in seeds:
        found = light_board.meters(light_board.best_set_up(malicious, seed)[:, None])
        earned = float(np.asarray(answer(found))[0])
        off = {name: float(value[0]) for name, value in missed(found).items()}
        worst = max(off, key=lambda name: abs(off[name]) / tolerance[name])
        clipped = float(found["clipping"][0])
        if clipped > 0.05:
            print(f"✗ tricked: it earned {earned:.2f}, and {clipped:.0%} of the patches are pure white or black")
            return
        if abs(off[worst]) > tolerance[worst]:
            read, asked = light_board.said(worst, float(found[worst][0])), light_board.said(worst, float(wanted[worst]))
            print(f"✗ tricked: it earned {earned:.2f}, and the meter reads {worst} {read} where {asked} is asked for")
            return
    print("✓ whatever earns your reward has the mood that was asked for")


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on light, colour and rewards."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"},
        {
            1: "twice the distance is two stops, and two stops are a factor of four.",
            2: "the key side gets 4 + 1, the fill side 1.",
            3: "10⁶/2500 - 10⁶/3000 against 10⁶/8000 - 10⁶/9000: which is more?",
            4: "what is clipped is the same number for all: no curve can tell it apart again.",
            5: "the agent maximises what is written, and what was not written is free to be spent.",
        },
    )
