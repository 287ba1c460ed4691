"""Checkers of lesson 10_frames_as_actions."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.envs.frame_gen import MATRIX
from rlfilm_lib.widgets.checks import verdict


def likeliest(answer: Callable) -> None:
    """likeliest(z, c, A) = c + A (z - c), row by row; z, c (N, 2); A (2, 2)."""
    rng = np.random.default_rng(0)
    cases = [(*rng.standard_normal((2, n, 2)), MATRIX) for n in (1, 3)]

    def right(z, c, A):
        return c + (z - c) @ A.T

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "A turns about c, not about the origin: apply it to z - c, and add c again": lambda z, c, A: z @ A.T,
            "A is to be applied to z - c, the way from c to z, not to z": lambda z, c, A: c + z @ A.T,
            "that is the next way from c; where does it lead to? add c": lambda z, c, A: (z - c) @ A.T,
            "yours turns the other way: for rows z the product A z is z @ A.T": lambda z, c, A: c + (z - c) @ A,
            "A (z - c) is the whole new way from c, not a step from z": lambda z, c, A: z + (z - c) @ A.T,
            "that is the way from z to c; it is z - c": lambda z, c, A: c + (c - z) @ A.T,
        },
        "the most likely next frame: the way from c, turned and shortened",
    )


def best_step(answer: Callable) -> None:
    """best_step(e, A, alpha, beta, gamma) = (α A e + β e) / (α + β + γ), row by row; e (N, 2)."""
    rng = np.random.default_rng(1)
    cases = [
        (rng.standard_normal((3, 2)), MATRIX, 3.0, 0.5, 0.25),
        (rng.standard_normal((2, 2)), np.eye(2), 1.0, 2.0, 3.0),
    ]

    def right(e, A, alpha, beta, gamma):
        return (alpha * e @ A.T + beta * e) / (alpha + beta + gamma)

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "the caption's spring pulls to 0, and still it is stiff: gamma belongs under the line": (
                lambda e, A, alpha, beta, gamma: (alpha * e @ A.T + beta * e) / (alpha + beta)
            ),
            "a weighted mean: divide by the sum of the weights": (
                lambda e, A, alpha, beta, gamma: alpha * e @ A.T + beta * e
            ),
            "there are three springs: coherence pulls to e": (
                lambda e, A, alpha, beta, gamma: alpha * e @ A.T / (alpha + beta + gamma)
            ),
            "gamma pulls to 0, so it adds nothing above the line": (
                lambda e, A, alpha, beta, gamma: (alpha * e @ A.T + (beta + gamma) * e) / (alpha + beta + gamma)
            ),
            "that is the likeliest; the two other springs pull as well": lambda e, A, *_: e @ A.T,
            "yours turns the other way: for rows e the product A e is e @ A.T": (
                lambda e, A, alpha, beta, gamma: (alpha * e @ A + beta * e) / (alpha + beta + gamma)
            ),
        },
        "three springs, and the place where they are at rest",
    )


def pulled(answer: Callable) -> None:
    """pulled(reward, action, likeliest, pull, sigma) = reward - pull |action - likeliest|² / (2 A σ²), row by row."""
    rng = np.random.default_rng(2)
    cases = [
        (rng.random(n), *rng.standard_normal((2, n, size)), pull, sigma)
        for n, size, pull, sigma in ((3, 2, 0.5, 0.3), (2, 5, 2.0, 0.7))
    ]

    def taking(penalty):
        return lambda reward, action, likeliest, pull, sigma: reward - pull * penalty(action - likeliest, sigma)

    def right(away, sigma):
        return (away**2).mean(axis=1) / (2 * sigma**2)

    verdict.function(
        answer,
        [(case, taking(right)(*case)) for case in cases],
        {
            "a pull costs: take it away from the reward": taking(lambda away, sigma: -right(away, sigma)),
            "is the factor 1/2 missing?": taking(lambda away, sigma: 2 * right(away, sigma)),
            "per dimension: divide by the number of action dimensions, that is, take the mean": taking(
                lambda away, sigma: (away**2).sum(axis=1) / (2 * sigma**2)
            ),
            "the deviation enters squared": taking(lambda away, sigma: (away**2).mean(axis=1) / (2 * sigma)),
            "the distance enters squared": taking(lambda away, sigma: np.abs(away).mean(axis=1) / (2 * sigma**2)),
            "each row has a distance of its own: the mean goes over the action's dimensions alone": taking(
                lambda away, sigma: (away**2).mean() / (2 * sigma**2)
            ),
        },
        "what it costs to leave the start, in units of its own noise",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """The letters of the lesson's quiz."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "b"},
        {
            1: "from its second frame on it sees frames that it made itself, and none like them was shown.",
            2: "the mean of a bounce to the left and one to the right is neither.",
            3: "a term of the reward sees what its network sees, and nothing else.",
            4: "in the process the pull and realism are the same square, so a stronger pull is more weight on realism.",
        },
    )
