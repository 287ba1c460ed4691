"""The checkers of lesson 12: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets import flow_field
from rlfilm_lib.widgets.checks import flow_matching


def squared(x, points):
    return ((x[:, None] - points) ** 2).sum(axis=-1)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def by_noise(x, t, data):
    """As a student may write it: the noise that each line began in, then the mean of the velocities."""
    noise = (x[:, None] - t * data) / (1 - t)
    weights = softmax(-(noise**2).sum(axis=-1) / 2)
    return (weights[..., None] * (data - noise)).sum(axis=1)


def with_logits(logits):
    return lambda x, t, data: (softmax(logits(x, t, data)) @ data - x) / (1 - t)


def likely(x, t, data):
    return -squared(x, t * data) / (2 * (1 - t) ** 2)


def pair(x, target):
    return lambda noise, clips, t: (x(noise, clips, t[:, None]), target(noise, clips, t[:, None]))


def line(noise, clips, t):
    return (1 - t) * noise + t * clips


def way(noise, clips, t):
    return clips - noise


def walk(velocity, noise, steps):
    x, t = noise.copy(), 0.0
    for _ in range(steps):
        x += velocity(x, t) / steps
        t += 1 / steps
    return x


def walk_late(velocity, noise, steps):
    x = noise
    for step in range(1, steps + 1):
        x = x + velocity(x, step / steps) / steps
    return x


def walk_from(velocity, noise, steps):
    return noise + sum(velocity(noise, step / steps) for step in range(steps)) / steps


def walk_without(times, stride):
    def walked(velocity, noise, steps):
        x = noise
        for step in range(steps):
            x = x + velocity(x, times(step, steps)) * stride(steps)
        return x

    return walked


def walk_short(velocity, noise, steps):
    x = noise
    for step in range(steps - 1):
        x = x + velocity(x, step / steps) / steps
    return x


ANSWERS = [
    (flow_matching.exact_velocity, flow_field.velocity, "✓"),
    (flow_matching.exact_velocity, by_noise, "✓"),
    (flow_matching.exact_velocity, lambda *_: None, "not done yet"),
    (flow_matching.exact_velocity, lambda x, t, data: (data.mean(axis=0) - x) / (1 - t), "at t = 0 alone"),
    (
        flow_matching.exact_velocity,
        lambda x, t, data: (data[squared(x, t * data).argmin(axis=1)] - x) / (1 - t),
        "the likeliest line",
    ),
    (
        flow_matching.exact_velocity,
        with_logits(lambda x, t, data: -squared(x, data) / (2 * (1 - t) ** 2)),
        "around t·x_i",
    ),
    (flow_matching.exact_velocity, with_logits(lambda x, t, data: -squared(x, t * data) / 2), "shrinks on the way"),
    (
        flow_matching.exact_velocity,
        with_logits(lambda x, t, data: -squared(x, t * data) / (2 * (1 - t))),
        "is the square missing",
    ),
    (flow_matching.exact_velocity, with_logits(lambda *a: 2 * likely(*a)), "a 2 in its exponent"),
    (flow_matching.exact_velocity, with_logits(lambda *a: -likely(*a)), "a minus missing"),
    (
        flow_matching.exact_velocity,
        lambda x, t, data: (np.exp(likely(x, t, data)) @ data - x) / (1 - t),
        "add up to 1",
    ),
    (flow_matching.exact_velocity, lambda x, t, data: softmax(likely(x, t, data)) @ data, "how fast it must go"),
    (flow_matching.exact_velocity, lambda x, t, data: softmax(likely(x, t, data)) @ data - x, "1 - t of the time left"),
    (flow_matching.exact_velocity, lambda *a: -flow_field.velocity(*a), "not back"),
    (flow_matching.training_pair, pair(line, way), "✓"),
    (flow_matching.training_pair, lambda *_: None, "not done yet"),
    (flow_matching.training_pair, pair(lambda e, x, t: line(x, e, t), way), "time runs the other way"),
    (flow_matching.training_pair, pair(lambda e, x, t: line(x, e, t), lambda e, x, t: e - x), "both run from the clip"),
    (flow_matching.training_pair, pair(line, lambda e, x, t: e - x), "from the noise to the clip"),
    (flow_matching.training_pair, pair(line, lambda e, x, t: x), "not the clip itself"),
    (flow_matching.training_pair, pair(line, lambda e, x, t: x - line(e, x, t)), "not the way that is left"),
    (
        flow_matching.training_pair,
        pair(lambda e, x, t: np.sqrt(1 - t) * e + np.sqrt(t) * x, way),
        "no roots",
    ),
    (flow_matching.training_pair, lambda e, x, t: ((1 - t) * e + t * x, x - e), "yours stopped with ValueError"),
    (flow_matching.euler, walk, "✓"),
    (flow_matching.euler, lambda *_: None, "not done yet"),
    (flow_matching.euler, walk_late, "where the step begins"),
    (flow_matching.euler, walk_without(lambda k, n: k / n, lambda n: 1), "a step lasts 1 / steps"),
    (flow_matching.euler, walk_from, "where the particle is now"),
    (flow_matching.euler, walk_without(lambda k, n: 0.0, lambda n: 1 / n), "does not move"),
    (flow_matching.euler, walk_without(lambda k, n: k, lambda n: 1 / n), "not at k"),
    (flow_matching.euler, walk_short, "the last step is missing"),
    (flow_matching.guided, lambda a, b, g: (1 - g) * a + g * b, "✓"),
    (flow_matching.guided, lambda *_: None, "not done yet"),
    (flow_matching.guided, lambda a, b, g: (1 + g) * b - g * a, "here 1 is"),
    (flow_matching.guided, lambda a, b, g: b + g * (a - b), "mixed up"),
    (flow_matching.guided, lambda a, b, g: a + g * (a - b), "from without to with"),
    (flow_matching.guided, lambda a, b, g: g * (b - a), "add that way"),
    (flow_matching.guided, lambda a, b, g: g * b, "longer"),
    (flow_matching.quiz, {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}, "✓"),
    (flow_matching.quiz, {1: None, 2: None, 3: None, 4: None, 5: None}, "not done yet"),
    (flow_matching.quiz, {1: "b", 2: "c", 3: "b", 4: "b", 5: "c"}, "Question 3: fitted exactly"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")
