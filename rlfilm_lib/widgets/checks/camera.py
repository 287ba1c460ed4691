"""Checkers of lesson 07_camera."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.film.lens import CIRCLE_OF_CONFUSION
from rlfilm_lib.widgets import reward_lab
from rlfilm_lib.widgets.checks import verdict


def sharp_range(answer: Callable) -> None:
    """sharp_range(focus, focal_length, f_stop) = (near, far) in m, from H = f² / (N c) + f with c = 0.025 mm."""

    def limits(focus, focal_length, f_stop, endless=True):
        f = focal_length / 1000
        beyond = f * focal_length / (f_stop * CIRCLE_OF_CONFUSION) + f
        near = focus * (beyond - f) / (beyond + focus - 2 * f)
        far = np.inf if endless and focus >= beyond else focus * (beyond - f) / (beyond - focus)
        return near, far

    cases = [(3.0, 50.0, 2.8), (2.0, 25.0, 5.6), (2.5, 85.0, 2.0), (5.0, 25.0, 8.0)]
    verdict.function(
        answer,
        [(case, limits(*case)) for case in cases],
        {
            "from the hyperfocal distance on everything behind is sharp: far is infinite there, np.inf, not "
            "negative": lambda s, f, n: limits(s, f, n, endless=False),
            "near and far have changed places": lambda s, f, n: limits(s, f, n)[::-1],
            "H is squared in f: f² / (N c) + f": lambda s, f, n: limits(s, f, n * f),
            "a larger f-number is a smaller hole: N belongs in the denominator of H": lambda s, f, n: limits(
                s, f, 1 / n
            ),
            "these are millimetres; the answer is to be in metres": lambda s, f, n: tuple(
                1000 * one for one in limits(s, f, n)
            ),
        },
        "the wide lens stopped down sees sharp to infinity",
    )


def dolly_speed(answer: Callable) -> None:
    """dolly_speed(distance, zoom_rate) = d · ln 2 · zoom rate, m/s away from the subject."""

    def speed(distance, zoom_rate):
        return distance * np.log(2) * zoom_rate

    cases = [(3.0, 0.25), (1.5, -0.1), (6.0, 0.5)]
    verdict.function(
        answer,
        [(case, speed(*case)) for case in cases],
        {
            "an octave is a factor of 2, and d 2^(z t) grows by ln 2 · z of itself: ln 2 is missing": lambda d, z: (
                d * z
            ),
            "the sign: zooming in makes the figure larger, so the camera has to go away": lambda d, z: -speed(d, z),
            "the distance is missing: far away it takes a longer way to change the size": lambda d, z: np.log(2) * z,
            "this is how far away the camera stands a second later; the speed at this moment is the derivative": (
                lambda d, z: d * 2**z
            ),
            "this is how far it goes in a whole second; the speed at this moment is the derivative": (
                lambda d, z: d * (2**z - 1)
            ),
        },
        "d / f stays, and so does the figure",
    )


def squared_jerk(answer: Callable) -> None:
    """squared_jerk(position, dt): mean square of the third difference of the positions (T,) over dt³."""

    def mean(position, dt, order=3, power=3.0):
        return float(np.mean((np.diff(position, order) / dt**power) ** 2))

    time = np.arange(12) / 4
    cases = [(time**3, 0.25), (np.sin(time), 0.25), (np.cumsum(time % 3), 0.5)]
    verdict.function(
        answer,
        [(case, mean(*case)) for case in cases],
        {
            "this is the squared acceleration: jerk is one derivative more": lambda x, dt: mean(x, dt, 2, 2),
            "this is the squared velocity": lambda x, dt: mean(x, dt, 1, 1),
            "each difference is divided by dt: three of them by dt³": lambda x, dt: mean(x, dt, 3, 1),
            "dt is missing": lambda x, dt: mean(x, dt, 3, 0),
            "square before you take the mean: jerks of either sign cancel": lambda x, dt: float(
                np.mean(np.diff(x, 3) / dt**3) ** 2
            ),
            "square it": lambda x, dt: float(np.mean(np.diff(x, 3) / dt**3)),
            "this is the sum; the mean does not grow with the length of the take": lambda x, dt: float(
                np.sum((np.diff(x, 3) / dt**3) ** 2)
            ),
            "one number per step: take their mean": lambda x, dt: (np.diff(x, 3) / dt**3) ** 2,
        },
        "0 for a move at constant acceleration, large for a hand that trembles",
    )


def focus_term(answer: Callable) -> None:
    """focus_term(blur, background, stops): the camera it likes most is sharp, soft behind as asked, exposed right."""
    wanted = reward_lab.WANTED_BLUR
    try:
        if answer(0.0, wanted, 0.0) is None:
            print("not done yet")
            return
        camera, scores = reward_lab.best_camera(answer)
        perfect, soft = answer(0.0, wanted, 0.0), answer(0.15, wanted, 0.0)
    except Exception as error:
        print(f"✗ yours stopped with {type(error).__name__}: {error}")
        return
    won = reward_lab.winner(camera, scores.max())
    if not np.isfinite(scores).all() or scores.min() < -1e-9 or scores.max() > 1 + 1e-9:
        print(f"✗ a term lies between 0 and 1; yours goes from {scores.min():.2f} to {scores.max():.2f}")
    elif abs(camera.stops) > 1:
        print(f"✗ tricked: {won}. Nothing in your term asks for the light")
    elif abs(np.log2(max(camera.background_blur, 1e-6) / wanted)) > 0.75:
        print(f"✗ tricked: {won}, and the brief asks for {wanted} mm. What does yours say of the background?")
    elif not soft < 0.8 * perfect:
        print(f"✗ soft eyes (0.15 mm) earn {soft:.2f}, sharp ones {perfect:.2f}: it is still a focus term")
    else:
        print(f"✓ {won}: the eyes sharp, the room soft, and light on both")


def movement_term(answer: Callable) -> None:
    """movement_term(velocity): of the six moves, the steady push at the wanted speed wins clearly."""
    try:
        if answer(np.zeros(reward_lab.STEPS)) is None:
            print("not done yet")
            return
        scores = reward_lab.move_scores(answer)
    except Exception as error:
        print(f"✗ yours stopped with {type(error).__name__}: {error}")
        return
    found = np.array(list(scores.values()))
    best = max(scores, key=lambda name: scores[name])
    rivals = {name: score for name, score in scores.items() if name != "steady push"}
    rival = max(rivals, key=lambda name: rivals[name])
    reasons = {
        "lock-off": "a camera that never moves earns it",
        "steady pull": "it goes away from the subject: which sign has the wanted velocity?",
        "shaky push": "on average its velocity is right, at every moment it is wrong: judge step by step",
        "shaking": "it gets nowhere: speed without direction is not a movement",
        "rush": f"it is {1.5 / reward_lab.WANTED_SPEED:.0f} times too fast and stands still for the rest",
    }
    if not np.isfinite(found).all() or found.min() < -1e-9 or found.max() > 1 + 1e-9:
        print(f"✗ a term lies between 0 and 1; yours goes from {found.min():.2f} to {found.max():.2f}")
    elif best != "steady push" or rivals[rival] > scores["steady push"] - 0.2:
        worst = rival if rivals[rival] > scores["steady push"] - 0.2 else best
        print(
            f"✗ tricked: {worst} earns {scores[worst]:.2f}, a steady push {scores['steady push']:.2f}. {reasons[worst]}"
        )
    else:
        print(f"✓ the steady push earns {scores['steady push']:.2f}; next comes {rival} with {rivals[rival]:.2f}")


def quiz(answers: Mapping[int, str | None]) -> None:
    """Six questions on lenses, movement and rewards."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "b", 5: "c", 6: "a"},
        {
            1: "perspective is where you stand; the lens only cuts out.",
            2: "two stops are a factor of four in light, and the f-number doubles with its square root of four.",
            3: "with d/f held, a longer lens is as many times further away; what changes is how large the room is.",
            4: "a pan turns about the lens: near and far things keep their places before one another.",
            5: "jerk is the third derivative: constant velocity and constant acceleration have none.",
            6: "ask of every term: what is the cheapest way to fill it?",
        },
    )
