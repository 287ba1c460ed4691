"""Checkers of lesson 11_conditional_gan."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.video import gan
from rlfilm_lib.widgets.checks import verdict


def hinge(answer: Callable) -> None:
    """hinge(real, made) = mean max(0, 1 - real) + mean max(0, 1 + made); real (N,), made (M,)."""
    cases = [
        (np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.0])),
        (np.array([0.2, -0.4]), np.array([0.7, -0.1, -2.0])),
    ]

    def cost(real, made):
        return np.maximum(0, 1 - real), np.maximum(0, 1 + made)

    def right(real, made):
        return sum(each.mean() for each in cost(real, made))

    verdict.function(
        answer,
        [(case, gan.hinge(*case)) for case in cases],
        {
            "real and made are mixed up: real films shall score high": lambda real, made: right(made, real),
            "what is beyond ±1 costs nothing: is the max(0, ·) missing?": lambda real, made: (
                (1 - real).mean() + (1 + made).mean()
            ),
            "the hinge bends at ±1, not at 0": lambda real, made: (
                np.maximum(0, -real).mean() + np.maximum(0, made).mean()
            ),
            "the mean of each pile: yours takes the sum": lambda real, made: sum(e.sum() for e in cost(real, made)),
            "each pile counts alike, however many films are in it: take the mean of each, then add": lambda *piles: (
                np.concatenate(cost(*piles)).mean()
            ),
            "the two means are added, not averaged": lambda real, made: right(real, made) / 2,
            "this is what the judge would climb: a loss is to come down, is a minus too much?": lambda *piles: (
                -right(*piles)
            ),
        },
        "the judge pays for real films below +1 and for made ones above −1",
    )


def both_step(answer: Callable) -> None:
    """both_step(theta, psi, r1, step) = θ + h ψ, ψ + h (-θ - γ ψ)."""
    cases = [(1.0, 0.5, 0.0, 0.1), (0.8, -0.6, 2.0, 0.1), (-0.4, 0.3, 0.5, 0.2)]

    def move(theta, psi, step, film, judge):
        return np.array([theta + step * film, psi + step * judge])

    def right(theta, psi, r1, step):
        return move(theta, psi, step, psi, -theta - r1 * psi)

    def in_turn(theta, psi, r1, step):
        moved = theta + step * psi
        return np.array([moved, psi + step * (-moved - r1 * psi)])

    def judge_first(theta, psi, r1, step):
        moved = psi + step * (-theta - r1 * psi)
        return np.array([theta + step * moved, moved])

    verdict.function(
        lambda *arguments: _pair(answer(*arguments)),
        [(case, right(*case)) for case in cases],
        {
            "both at once: your judge sees the film after it has moved": in_turn,
            "both at once: your film sees the judge after it has moved": judge_first,
            "where is the penalty? it takes γψ from what the judge climbs": lambda theta, psi, r1, step: right(
                theta, psi, 0.0, step
            ),
            "the penalty is γ/2 ψ², and its derivative γψ": lambda theta, psi, r1, step: right(
                theta, psi, r1 / 2, step
            ),
            "the penalty pulls the slope back to 0; yours drives it away": lambda theta, psi, r1, step: right(
                theta, psi, -r1, step
            ),
            "the judge climbs -ψθ, so that θ pushes ψ down": lambda theta, psi, r1, step: move(
                theta, psi, step, psi, theta - r1 * psi
            ),
            "the film climbs ψθ: it goes where the judge points": lambda theta, psi, r1, step: move(
                theta, psi, step, -psi, -theta - r1 * psi
            ),
            "the penalty is the judge's alone; the generator does not pay it": lambda theta, psi, r1, step: move(
                theta, psi, step, psi - r1 * psi, -theta - r1 * psi
            ),
            "these are the slopes; a step goes from where they are": lambda theta, psi, r1, step: (
                right(theta, psi, r1, step) - [theta, psi]
            ),
        },
        "each climbs its own side of the hill, both from the same moment",
    )


def _pair(pair):
    return None if pair is None else np.asarray(pair, float)


def all_pairs(answer: Callable) -> None:
    """all_pairs(alone, seen, asked) = alone (B, 1) + seen (B, D) asked (B, D)ᵀ, [clip, order]."""
    rng = np.random.default_rng(0)
    cases = [tuple(rng.standard_normal(shape) for shape in ((size,), (size, 2), (size, 2))) for size in (3, 4)]

    def right(alone, seen, asked):
        return alone[:, None] + seen @ asked.T

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "rows are clips, columns orders: yours has them the other way round": lambda a, s, e: right(a, s, e).T,
            "alone belongs to the clip, that is to a row: is it (B, 1) when you add it?": lambda a, s, e: a + s @ e.T,
            "those are the clips with their own orders, the diagonal; all pairs are asked for": lambda a, s, e: (
                a + (s * e).sum(axis=1)
            ),
            "where is alone, what the judge thinks of the clip without an order?": lambda a, s, e: s @ e.T,
            "that multiplies the clips with one another: where are the orders?": (lambda a, s, e: a[:, None] + s @ s.T),
        },
        "each clip with each order, by one product",
    )


def spread(answer: Callable) -> None:
    """spread(made, again) = mean (made - again)² / 2 over the variance of all, number by number."""
    rng = np.random.default_rng(0)
    cases = []
    for size, noise in ((4, 0.5), (3, 2.0)):
        orders = rng.standard_normal((size, 3, 2)) + np.arange(6).reshape(3, 2)
        cases.append(tuple(orders + noise * rng.standard_normal((2, size, 3, 2))))

    def within(made, again):
        return ((made - again) ** 2).mean()

    def total(made, again):
        return np.concatenate([made, again]).var(axis=0).mean()

    verdict.function(
        answer,
        [(case, gan.spread(*case)) for case in cases],
        {
            "two independent draws differ by twice their variance: is a factor 1/2 missing?": lambda *c: (
                within(*c) / total(*c)
            ),
            "that is what the noise makes; set it against the variance of all": lambda *c: within(*c) / 2,
            "this is the other way round: 0 shall mean that the noise is ignored": lambda *c: (
                1 - within(*c) / 2 / total(*c)
            ),
            "the variance of each number over the clips, then their mean: yours counts differences between numbers, "
            "too": lambda *c: within(*c) / 2 / np.concatenate(c).var(),
            "the variance of both sets together; yours has one": lambda *c: within(*c) / 2 / c[0].var(axis=0).mean(),
            "the squares are missing: a mean of differences is near 0, whatever the noise": lambda made, again: (
                (made - again).mean() / 2 / total(made, again)
            ),
            "compare variance with variance, not with a standard deviation": lambda *c: (
                within(*c) / 2 / np.concatenate(c).std(axis=0).mean()
            ),
        },
        "what differs in a pair, the noise has made",
    )


def by_asking(answer: Callable) -> None:
    """by_asking(scores, noise, std) = mean (D_k - mean of the others) ε_k / σ."""
    rng = np.random.default_rng(0)
    cases = [(rng.standard_normal(tries), rng.standard_normal(tries), std) for tries, std in ((4, 0.5), (6, 2.0))]

    def estimate(scores, noise, std, baseline=lambda scores: (scores.sum() - scores) / (len(scores) - 1)):
        return ((scores - baseline(scores)) * noise / std).mean()

    def right(scores, noise, std):
        return float(gan.policy_gradient(scores[:, None], noise[:, None, None, None], std).item())

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "the baseline is the mean of the OTHER scores; with its own in it, all is too small": lambda s, e, std: (
                estimate(s, e, std, np.mean)
            ),
            "right on average, but where is the baseline? without it the scatter is large": lambda s, e, std: estimate(
                s, e, std, np.zeros_like
            ),
            "the noise is ε, and ∇ log N is ε / σ: is the division missing?": lambda s, e, std: estimate(s, e, 1.0),
            "∇ log N is (x - μ) / σ², which is ε / σ: yours divides once too often": lambda s, e, std: estimate(
                s, e, std**2
            ),
            "a try that scores above the others pulls μ towards it; yours pushes it away": lambda *c: -estimate(*c),
            "the mean over the tries: yours takes the sum": lambda s, e, std: len(s) * estimate(s, e, std),
            "divide by the standard deviation, not multiply": lambda s, e, std: estimate(s, e, 1 / std),
        },
        "towards the tries that did better than their fellows",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on GANs."""
    verdict.quiz(
        answers,
        {1: "c", 2: "a", 3: "b", 4: "a", 5: "b"},
        {
            1: "the loss of a game is measured by a judge who gets better: it need not fall.",
            2: "R1 is the squared slope dD/dx, where real films are.",
            3: "a fixed reward is highest at some best clip, and nothing rewards variety.",
            4: "two noises, one order, the same clip: the noise makes 0.3 % of the variance.",
            5: "viewers have no slope; they can only be asked.",
        },
    )
