"""Checkers of lesson 03_policy_gradient."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def softmax_score(answer: Callable) -> None:
    """softmax_score(action, probabilities) = onehot(a) - p, the gradient of log p(a) with respect to the logits."""

    def score(action, p):
        return np.eye(len(p))[action] - p

    cases = [(2, np.array([0.6, 0.3, 0.1])), (0, np.array([0.6, 0.3, 0.1])), (1, np.array([0.5, 0.5]))]
    verdict.function(
        answer,
        [(case, score(*case)) for case in cases],
        {
            "the sign is turned round: choosing an action must raise its own logit": lambda a, p: -score(a, p),
            "this is the gradient of p(a), not of log p(a): divide by p(a)": lambda a, p: p[a] * score(a, p),
            "the 1 of the chosen action is missing: its logit appears above the fraction too": lambda a, p: -p,
            "the other logits move as well: they stand in the denominator": lambda a, p: (
                np.eye(len(p))[a] * score(a, p)
            ),
            "only the numerator was differentiated; log Σ exp θ has the gradient p": lambda a, p: np.eye(len(p))[a],
            "this differentiates by the probabilities; the logits are asked for": lambda a, p: np.eye(len(p))[a] / p,
            "this is log p itself; differentiate it": lambda a, p: np.log(p),
            "this is the chosen logit's part alone; one number per logit is asked for": lambda a, p: 1 - p[a],
        },
        "the chosen one up, all others down, and together zero",
    )


def gaussian_score(answer: Callable) -> None:
    """gaussian_score(action, mean, std) = ((a - μ)/σ², (a - μ)²/σ² - 1): log π differentiated by μ and by log σ."""

    def scores(a, mean, std):
        z = (a - mean) / std
        return np.array([z / std, z**2 - 1])

    cases = [(1.0, 0.0, 0.5), (-0.5, 0.2, 2.0), (0.3, -1.0, 1.5)]
    verdict.function(
        answer,
        [(case, scores(*case)) for case in cases],
        {
            "by log σ, not by σ: multiply the derivative by σ, since dσ/d log σ = σ": lambda a, m, s: (
                scores(a, m, s) / [1, s]
            ),
            "−log σ is a part of log π, too: where is its derivative, −1?": lambda a, m, s: np.add(
                scores(a, m, s), [0, 1]
            ),
            "the second sign is turned round: far from the mean the score of log σ is positive": lambda a, m, s: (
                scores(a, m, s) * [1, -1]
            ),
            "the first sign is turned round: that is the derivative by the action": lambda a, m, s: (
                scores(a, m, s) * [-1, 1]
            ),
            "the first has σ² below the line": lambda a, m, s: scores(a, m, s) * [s, 1],
            "the second has no factor ½: σ⁻² gives −2 when it is differentiated": lambda a, m, s: (
                np.add(scores(a, m, s), [0, 1]) * [1, 0.5] - [0, 1]
            ),
            "the other way round: first the mean, then log σ": lambda a, m, s: scores(a, m, s)[::-1],
            "that is the mean's alone; give log σ's as well": lambda a, m, s: scores(a, m, s)[0],
        },
        "beyond one σ an action widens the policy, within one σ it narrows it",
    )


def estimate(answer: Callable) -> None:
    """estimate(actions, rewards, mean, std): mean over n tries of score · reward, (2,)."""

    def terms(actions, rewards, mean, std):
        return rewards[:, None] * (actions - mean) / std**2

    tried = np.array([[0.6, 0.4], [0.4, 0.9], [0.5, 0.2]]), np.array([1.0, 0.0, 0.5])
    cases = [(*tried, np.array([0.5, 0.5]), 0.1), (*tried, np.array([0.4, 0.3]), 0.5)]
    verdict.function(
        answer,
        [(case, terms(*case).mean(axis=0)) for case in cases],
        {
            "this is the sum; an estimate of a mean divides by the number of tries": lambda a, r, m, s: terms(
                a, r, m, s
            ).sum(axis=0),
            "one number: u and v have a gradient each, so take the mean over the tries alone, axis=0": (
                lambda a, r, m, s: terms(a, r, m, s).mean()
            ),
            "the mean of the products is asked for, not the product of the means": lambda a, r, m, s: (
                r.mean() * ((a - m) / s**2).mean(axis=0)
            ),
            "the reward is missing: so every try counts alike": lambda a, r, m, s: ((a - m) / s**2).mean(axis=0),
            "the division by σ² is missing": lambda a, r, m, s: s**2 * terms(a, r, m, s).mean(axis=0),
            "σ has to be squared": lambda a, r, m, s: s * terms(a, r, m, s).mean(axis=0),
            "the sign is turned round: from the mean to the action": lambda a, r, m, s: -terms(a, r, m, s).mean(axis=0),
            "divide by the number of tries, not by the sum of the rewards": lambda a, r, m, s: (
                terms(a, r, m, s).sum(axis=0) / r.sum()
            ),
        },
        "three lines, and nowhere a derivative of the reward",
    )


def step_weight(answer: Callable) -> None:
    """step_weight(t, gamma) = γᵗ: what step t counts in the gradient of the discounted return."""
    verdict.function(
        answer,
        [((0, 0.5), 1.0), ((1, 0.5), 0.5), ((2, 0.9), 0.81), ((3, 1.0), 1.0)],
        {
            "that is the formula as it stood: no weight at all": lambda t, gamma: 1.0,
            "the first shot is always taken: its weight is 1": lambda t, gamma: gamma ** (t + 1),
            "to get to step t the light has to hold t times: multiply, do not add": lambda t, gamma: gamma * t,
            "one factor for each sunset survived, not one for all": lambda t, gamma: gamma,
            "upside down: late steps are reached more rarely": lambda t, gamma: gamma ** (-t),
            "that is the chance that the light fails right here; asked is that it has held so far": (
                lambda t, gamma: gamma**t * (1 - gamma)
            ),
        },
        "the chance that step t is reached at all",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on the policy gradient."""
    verdict.quiz(
        answers,
        {1: "c", 2: "b", 3: "a", 4: "c", 5: "b"},
        {
            1: "look for r in the derivation: which steps do anything to it?",
            2: "a set-up that comes up ten times as often is heard ten times as often.",
            3: "with σ small and the disc far away, what does nearly every try earn?",
            4: "the mean of a score is 0, and a constant may be drawn out of a mean.",
            5: "take the logarithm of the product: which factors hold θ?",
        },
    )
