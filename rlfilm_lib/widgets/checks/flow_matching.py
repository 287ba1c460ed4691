"""Checkers of lesson 12_flow_matching."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets import flow_field
from rlfilm_lib.widgets.checks import verdict


def exact_velocity(answer: Callable) -> None:
    """exact_velocity(x, t, data) = Σ w_i (x_i - x) / (1 - t), w = softmax(-‖x - t x_i‖² / 2 (1 - t)²); x (N, 2)."""

    def written(logits, ends=lambda weights, x, t, data: (weights @ data - x) / (1 - t), normal=True):
        def answered(x, t, data):
            weights = np.exp(logits(x, t, data))
            return ends(weights / weights.sum(axis=1, keepdims=True) if normal else weights, x, t, data)

        return answered

    def right(x, t, data):
        return -_squared(x, t * data) / (2 * (1 - t) ** 2)

    rng = np.random.default_rng(0)
    data = np.array([[1.0, 0.5], [-0.5, 1.0], [0.5, -1.5]])
    cases = [(rng.standard_normal((4, 2)), t, points) for t, points in ((0.4, data), (0.0, data), (0.7, data[:2]))]

    def nearest(x, t, data):
        return (data[_squared(x, t * data).argmin(axis=1)] - x) / (1 - t)

    def direction(weights, x, t, data):
        return weights @ data - x

    verdict.function(
        answer,
        [(case, flow_field.velocity(*case)) for case in cases],
        {
            "all lines count alike in yours; that is so at t = 0 alone": written(
                lambda x, t, data: 0 * right(x, t, data)
            ),
            "you follow the likeliest line; the velocity is the average of all": nearest,
            "compare x with where the line to x_i stands at time t, which is around t·x_i, not x_i": written(
                lambda x, t, data: -_squared(x, data) / (2 * (1 - t) ** 2)
            ),
            "the noise shrinks on the way: its standard deviation at time t is 1 - t": written(
                lambda x, t, data: -_squared(x, t * data) / 2
            ),
            "the variance is (1 - t)²: is the square missing?": written(
                lambda x, t, data: -_squared(x, t * data) / (2 * (1 - t))
            ),
            "the bell has a 2 in its exponent: -‖·‖² / 2σ²": written(lambda x, t, data: 2 * right(x, t, data)),
            "a bell falls with the distance: is a minus missing?": written(lambda x, t, data: -right(x, t, data)),
            "the weights must add up to 1 for each particle": written(right, normal=False),
            "this is where it ends on the average; the velocity is how fast it must go to be there at t = 1": written(
                right, lambda weights, x, t, data: weights @ data
            ),
            "this is the way that is left; there is 1 - t of the time left for it": written(right, direction),
            "it goes from x to the data, not back": written(right, lambda *a: -direction(*a) / (1 - a[2])),
        },
        "the average of all lines through a point, each by how likely it is",
    )


def _squared(x, points):
    return ((x[:, None] - points) ** 2).sum(axis=-1)


def training_pair(answer: Callable) -> None:
    """training_pair(noise, clips, t) → x_t = (1 - t) ε + t x₁ and the target x₁ - ε; noise, clips (B, 2), t (B,)."""
    rng = np.random.default_rng(0)
    cases = []
    for times in (np.array([0.0, 0.25, 0.8]), np.array([0.5, 1.0])):
        noise, clips = rng.standard_normal((2, len(times), 2))
        cases.append((noise, clips, times))

    def pair(x, target):
        def answered(noise, clips, t):
            return x(noise, clips, t[:, None]), target(noise, clips, t[:, None])

        return answered

    def line(noise, clips, t):
        return (1 - t) * noise + t * clips

    def way(noise, clips, t):
        return clips - noise

    verdict.function(
        lambda *arguments: _stacked(answer(*arguments)),
        [(case, np.stack(pair(line, way)(*case))) for case in cases],
        {
            "time runs the other way here: noise at t = 0, the clip at t = 1": pair(
                lambda noise, clips, t: (1 - t) * clips + t * noise, way
            ),
            "time and target both run from the clip to the noise; here noise is at t = 0": pair(
                lambda noise, clips, t: (1 - t) * clips + t * noise, lambda noise, clips, t: noise - clips
            ),
            "the place is right; the velocity leads from the noise to the clip": pair(
                line, lambda noise, clips, t: noise - clips
            ),
            "the place is right; the target is a velocity, not the clip itself": pair(
                line, lambda noise, clips, t: clips
            ),
            "the place is right; the target is the velocity of the whole line, not the way that is left": pair(
                line, lambda noise, clips, t: clips - line(noise, clips, t)
            ),
            "the line is straight: weights t and 1 - t, no roots": pair(
                lambda noise, clips, t: np.sqrt(1 - t) * noise + np.sqrt(t) * clips, way
            ),
        },
        "a place on the line, and the velocity of that line",
    )


def _stacked(pair):
    return None if pair is None else np.stack([np.asarray(part, float) for part in pair])


def euler(answer: Callable) -> None:
    """euler(velocity, noise, steps): x ← x + v(x, t) / steps from t = 0, 1 / steps, …; velocity(x, t), t a number."""
    fields = {
        "v = 3 - x": lambda x, t: 3 - x,
        "v = 2 t": lambda x, t: 0 * x + 2 * t,
        "v = t (2 - x)": lambda x, t: t * (2 - x),
    }

    def walk(times=lambda step, steps: step / steps, stride=lambda steps: 1 / steps, place=lambda x, start: x):
        def answered(name, noise, steps):
            x = start = noise
            for step in range(steps):
                x = x + fields[name](place(x, start), times(step, steps)) * stride(steps)
            return x

        return answered

    noise = np.array([[0.5, -1.0], [2.0, 0.0]])
    cases = [(name, noise, steps) for name, steps in zip(fields, (4, 5, 3), strict=True)]
    verdict.function(
        lambda name, noise, steps: answer(fields[name], noise, steps),
        [(case, walk()(*case)) for case in cases],
        {
            "ask for the velocity at the time where the step begins, not where it ends": walk(
                times=lambda step, steps: (step + 1) / steps
            ),
            "a step lasts 1 / steps: is it missing?": walk(stride=lambda steps: 1),
            "ask for the velocity where the particle is now, not where it set off": walk(place=lambda x, start: start),
            "the time does not move in yours: step k begins at k / steps": walk(times=lambda step, steps: 0.0),
            "the time goes from 0 to 1: step k begins at k / steps, not at k": walk(
                times=lambda step, steps: float(step)
            ),
            "the last step is missing": lambda name, noise, steps: _short(walk, fields, name, noise, steps),
        },
        "from noise at t = 0 to t = 1, each step by the velocity where it begins",
    )


def _short(walk, fields, name, noise, steps):
    x = noise
    for step in range(steps - 1):
        x = x + fields[name](x, step / steps) / steps
    return x


def guided(answer: Callable) -> None:
    """guided(without, with_condition, guidance) = without + guidance (with - without)."""
    rng = np.random.default_rng(0)
    cases = [(*rng.standard_normal((2, 3, 2)), guidance) for guidance in (1.0, 3.0, 0.5, 0.0)]

    def right(without, told, guidance):
        return without + guidance * (told - without)

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "in yours a guidance of 0 is already the velocity with the condition; here 1 is": lambda a, b, g: right(
                a, b, 1 + g
            ),
            "the two are mixed up: 0 is the velocity without the condition": lambda a, b, g: right(b, a, g),
            "the way is from without to with": lambda a, b, g: right(a, 2 * a - b, g),
            "add that way to the velocity without the condition": lambda a, b, g: g * (b - a),
            "this only makes the conditional velocity longer": lambda a, b, g: g * b,
        },
        "1 is as learned; above 1 it goes further away from what would happen without the words",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on flow matching."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"},
        {
            1: "at t = 0 nothing is known of the end yet: the average over all of them.",
            2: "two lines through one point ask for two velocities; no function can say both.",
            3: "fitted exactly, the flow ends on the data points, and on nothing else.",
            4: "what is subtracted is the velocity without the words: away from what any clip does.",
            5: "the pull towards the denser places makes up for the spreading of the noise, at every time.",
        },
    )
