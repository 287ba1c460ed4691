"""Checkers of lesson 09_character."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.envs.character import CUE_TIME, DT
from rlfilm_lib.media import quaternion
from rlfilm_lib.widgets import pose_search
from rlfilm_lib.widgets.checks import verdict

MEANT = {"bow": 1.1, "point": 1.1}
"""Moments, in seconds, of the gestures that a reward is tried on."""
NEAR = 12.0
"""Degrees off, root mean square over the joints, up to which a pose counts as the one that was meant."""
STRATEGIES = {
    "beginning at once, without waiting for the cue": lambda cue: np.zeros_like(cue),
    "guessing at 0.7 s": lambda cue: np.full_like(cue, 0.7),
    "beginning with the cue, as nobody can": lambda cue: cue + DT,
    "reacting after 0.25 s": lambda cue: cue + 0.25,
    "dawdling for 0.9 s": lambda cue: cue + 0.9,
}
"""When an actor begins, in seconds into the take, given the cue's."""
MEANT_STRATEGY = "reacting after 0.25 s"


def turn_between(answer: Callable) -> None:
    """turn_between(p, q): the angle in rad between unit quaternions (..., 4), 2 arccos |p · q|."""
    axes = np.array([[0.6, 0.0, 0.0], [0.0, -1.2, 0.3], [0.4, 0.4, 2.0]])
    turned, resting = quaternion.from_rotvec(axes), quaternion.from_rotvec(axes[::-1] / 3)

    def angle(p, q, fold=np.abs, factor=2.0):
        return factor * np.arccos(np.clip(fold(np.sum(p * q, axis=-1)), -1, 1))

    cases = [(turned, resting), (turned, -resting), (turned[0], quaternion.IDENTITY)]
    verdict.function(
        answer,
        [(case, angle(*case)) for case in cases],
        {
            "a quaternion holds half the angle: a factor 2 is missing": lambda p, q: angle(p, q, factor=1.0),
            "q and -q are the same turn: take the absolute value of the product": lambda p, q: angle(p, q, lambda d: d),
            "this is in degrees; the answer is to be in rad": lambda p, q: np.degrees(angle(p, q)),
            "sum over the last axis alone: one angle for each pair": lambda p, q: angle(p.ravel(), q.ravel()),
            "this is the distance of the four numbers, not the angle": lambda p, q: np.linalg.norm(p - q, axis=-1),
            "this is the cosine of half the angle": lambda p, q: np.abs(np.sum(p * q, axis=-1)),
        },
        "0 for the same turn, whichever of q and -q stands for it, and π at most",
    )


def torque(answer: Callable) -> None:
    """torque(target, angle, velocity): 600 (target - angle) - 30 velocity, at most 150 N m either way."""

    def servo(target, angle, velocity, stiffness=600.0, damping=30.0, strength=150.0):
        return float(np.clip(stiffness * (target - angle) - damping * velocity, -strength, strength))

    cases = [(0.2, 0.1, 0.5), (1.5, 0.0, 0.0), (-1.0, 0.5, 1.0), (0.3, 0.3, -2.0)]
    verdict.function(
        answer,
        [(case, servo(*case)) for case in cases],
        {
            "nothing limits it: muscles give 150 N m at most": lambda t, a, v: servo(t, a, v, strength=1e9),
            "the damping pushes along with the velocity; it has to act against it": lambda t, a, v: servo(
                t, a, v, damping=-30.0
            ),
            "the damping is missing: this joint would swing for ever": lambda t, a, v: servo(t, a, v, damping=0.0),
            "target and angle are exchanged: it pushes away from the target": lambda t, a, v: servo(
                t, a, v, stiffness=-600.0
            ),
            "only one side is limited: it can pull back without end": lambda t, a, v: min(
                servo(t, a, v, strength=1e9), 150.0
            ),
            "the spring alone is limited; the limit holds for the sum": lambda t, a, v: float(
                np.clip(600 * (t - a), -150, 150) - 30 * v
            ),
        },
        "a spring to the target, a brake on the velocity, and no more than muscles can do",
    )


def half_angle(answer: float | None) -> None:
    """Degrees by which each of 13 joints is off where exp(-2 Σ angle²) is 1/2: 9.36."""
    verdict.value(
        None if answer is None else round(float(answer), 1),
        9.4,
        {
            "this is in rad; the question is about degrees": round(float(np.sqrt(np.log(2) / 26)), 1),
            "all 13 joints add up": 33.7,
            "this is the sum of all squares, not the angle of one joint": round(float(np.log(2) / 2), 1),
            "two places have a square: take the root": round(float(np.degrees(np.log(2) / 26)), 1),
            "the exponent is 2, not 1": 13.2,
        },
        "about 9 degrees: less than a hand's breadth at the elbow, and half the reward is gone",
    )


def reward(answer: Callable) -> None:
    """reward(pose, reference), (n,): what a search finds for it has to be the pose that was meant."""
    tricked, lines = None, []
    for gesture, seconds in MEANT.items():
        reference = pose_search.moment(gesture, seconds)
        try:
            if answer(reference, reference) is None:
                print("not done yet")
                return
            found = pose_search.search(answer, reference)
            right = float(np.asarray(answer(reference, reference), float)[0])
        except Exception as error:
            print(f"✗ on the {gesture} yours stopped with {type(error).__name__}: {error}")
            return
        lines.append(f"{gesture} {found.off:.0f}°")
        if found.off > NEAR:
            tricked = gesture, found, right
            break
    if tricked is None:
        print(f"✓ what earns most is what was meant: joints off by {', '.join(lines)}")
        return
    gesture, found, right = tricked
    if found.reward < 0.5 * right:
        print(
            f"✗ not tricked, but lost: on the {gesture} the search earns {found.reward:.2f} where the reference earns "
            f"{right:.2f}. From standing it feels no slope: is an exponent too large, or are terms multiplied?"
        )
    elif found.reward > right + 0.01:
        print(f"✗ tricked: on the {gesture} a pose {found.off:.0f}° off earns more than the reference itself")
    else:
        print(
            f"✗ tricked: on the {gesture} a pose whose joints are {found.off:.0f}° off earns {found.reward:.2f}, the "
            f"reference {right:.2f}. Which joints does your reward not look at?"
        )


def strategies(reaction: Callable) -> dict[str, float]:
    """Mean of a reaction term over all times at which the cue may come, for each way to choose when to begin.

    >>> scores = strategies(lambda delay: float(delay < 0.4))  # the sooner the better
    >>> scores["beginning at once, without waiting for the cue"], scores["dawdling for 0.9 s"]
    (1.0, 0.0)
    """
    steps = np.arange(round(CUE_TIME[0] / DT), round(CUE_TIME[1] / DT) + 1)
    cue = steps * DT
    return {
        name: float(np.mean([reaction(float(delay)) for delay in begin(cue) - cue]))
        for name, begin in STRATEGIES.items()
    }


def reaction(answer: Callable) -> None:
    """reaction(delay): a term in [0, 1] of the seconds from cue to beginning that no guess can earn."""
    try:
        values = [answer(delay) for delay in (-0.5, 0.05, 0.25, 0.7)]
    except Exception as error:
        print(f"✗ yours stopped with {type(error).__name__}: {error}")
        return
    if all(value is None for value in values):
        print("not done yet")
        return
    try:
        numbers = np.array(values, float)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if numbers.shape != (4,) or not ((numbers >= 0) & (numbers <= 1)).all():
        print(f"✗ a term lies between 0 and 1; yours gives {verdict.tidy(values)} for -0.5, 0.05, 0.25 and 0.7 s")
        return
    scores = strategies(answer)
    others = {name: score for name, score in scores.items() if name != MEANT_STRATEGY}
    best = max(others, key=lambda name: others[name])
    if others[best] > scores[MEANT_STRATEGY] - 0.2:
        print(f"✗ tricked: {best} earns {others[best]:.2f}, {MEANT_STRATEGY} {scores[MEANT_STRATEGY]:.2f}")
    elif scores[MEANT_STRATEGY] < 0.8:
        print(f"✗ nobody guesses, but {MEANT_STRATEGY} earns only {scores[MEANT_STRATEGY]:.2f}: let it have 1")
    else:
        print(f"✓ {MEANT_STRATEGY} earns {scores[MEANT_STRATEGY]:.2f}; next comes {best} with {others[best]:.2f}")


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on imitation."""
    verdict.quiz(
        answers,
        {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"},
        {
            1: "every joint holds its angle; what tips over is the whole.",
            2: "exp(-α · err) is nearly flat where α · err is large: nothing there says which way is better.",
            3: "it never gets to see the states that come later, if it falls on the way there.",
            4: "look at what the wrists leave open: everything between them and the feet.",
            5: "a guess is right by luck; only what follows the cue tells that it was heard.",
        },
    )
