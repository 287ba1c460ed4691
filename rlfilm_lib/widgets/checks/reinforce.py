"""Checkers of lesson 04_reinforce."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def gaussian_score(answer: Callable) -> None:
    """gaussian_score(action, mean, std) = (a - μ) / σ², the derivative of log π(a) with respect to μ."""

    def log_density(a, mean, std):
        return -((a - mean) ** 2) / (2 * std**2) - np.log(std) - np.log(2 * np.pi) / 2

    cases = [(1.0, 0.0, 0.5), (-0.5, 0.2, 2.0), (0.3, -1.0, 1.5)]
    verdict.function(
        answer,
        [((a, m, s), (a - m) / s**2) for a, m, s in cases],
        {
            "this is the derivative with respect to the action; the mean enters with the other sign": lambda a, m, s: (
                -(a - m) / s**2
            ),
            "σ has to be squared: it is squared in the exponent": lambda a, m, s: (a - m) / s,
            "the division by σ² is missing": lambda a, m, s: a - m,
            "the factor 2 of the square and the ½ in front of it cancel": lambda a, m, s: (a - m) / (2 * s**2),
            "is a factor 1/2 missing? The exponent is −(a − μ)² / (2σ²)": lambda a, m, s: 2 * (a - m) / s**2,
            "this is log π itself; differentiate it by the mean": log_density,
            "this differentiates π, not log π": lambda a, m, s: np.exp(log_density(a, m, s)) * (a - m) / s**2,
            "this is the score of log σ; the mean is asked for": lambda a, m, s: ((a - m) / s) ** 2 - 1,
        },
        "an action above the mean pulls the mean up, the harder the narrower the policy",
    )


def reward_to_go(answer: Callable) -> None:
    """reward_to_go(rewards, gamma): for each step of one episode Σ γᵏ r_{t+k}, as long as the rewards."""

    def to_go(rewards, gamma):
        rewards = np.asarray(rewards, float)
        return np.array([gamma ** np.arange(len(rewards) - t) @ rewards[t:] for t in range(len(rewards))])

    def from_start(rewards, gamma):
        return gamma ** np.arange(len(rewards)) * to_go(rewards, gamma)

    cases = [([1.0, 2.0, 4.0], 0.5), ([0.8, 0.0, 0.0, 1.0], 0.9), ([1.0, 1.0], 1.0)]
    verdict.function(
        answer,
        [(case, to_go(*case)) for case in cases],
        {
            "this is what was earned so far; an action changes only what comes after it": lambda r, g: np.cumsum(r),
            "the last entry comes first: turn the list round before you return it": lambda r, g: to_go(r, g)[::-1],
            "the action's own reward is missing: the sum starts at r_t": lambda r, g: np.append(to_go(r, g)[1:], 0.0),
            "the discount is missing": lambda r, g: to_go(r, 1.0),
            "every entry is discounted from the start of the episode; count from its own step": from_start,
            "this is the whole return at every step": lambda r, g: np.full(len(r), to_go(r, g)[0]),
            "only the next reward is added; the rest of the episode follows too": lambda r, g: (
                np.asarray(r) + g * np.append(r[1:], 0.0)
            ),
            "this is the return of the episode, one number; one per step is asked for": lambda r, g: to_go(r, g)[0],
        },
        "every action answers for what came after it, and for nothing before",
    )


def leave_one_out(answer: Callable) -> None:
    """leave_one_out(returns): for each episode the mean return of all the others."""

    def others(returns):
        returns = np.asarray(returns, float)
        return (returns.sum() - returns) / (len(returns) - 1)

    cases = [(np.array([1.0, 2.0, 6.0]),), (np.array([0.5, 0.1, 0.4, 1.0]),)]
    verdict.function(
        answer,
        [(case, others(*case)) for case in cases],
        {
            "its own return is in each baseline: the estimate shrinks by (n − 1)/n": lambda r: np.full(
                len(r), r.mean()
            ),
            "one number: a baseline for each episode is asked for": lambda r: r.mean(),
            "n − 1 episodes are summed, so divide by n − 1": lambda r: (r.sum() - r) / len(r),
            "the own return is still in the sum": lambda r: np.full(len(r), r.sum() / (len(r) - 1)),
            "this is the sum of the others; their mean is asked for": lambda r: r.sum() - r,
            "these are the advantages; give the baselines alone": lambda r: r - others(r),
        },
        "independent of the episode it is subtracted from, so the estimate stays unbiased",
    )


def standard_error(answer: Callable) -> None:
    """standard_error(scores) = s / √n, s with n - 1."""

    def error(scores, ddof=1, power=0.5):
        return float(np.std(scores, ddof=ddof) / len(scores) ** power)

    cases = [(np.array([0.6, 0.7, 0.5, 0.8, 0.4]),), (np.array([1.0, 3.0]),)]
    verdict.function(
        answer,
        [(case, error(*case)) for case in cases],
        {
            "this is the spread of single runs; the mean of n runs is √n times surer": lambda x: error(x, power=0),
            "divide the squares by n − 1, ddof=1: the mean came from the same runs": lambda x: error(x, ddof=0),
            "divide by √n, not by n": lambda x: error(x, power=1),
            "this is the variance of the mean; take its square root": lambda x: error(x) ** 2,
            "divide by √n with the standard deviation of n − 1, ddof=1": lambda x: float(np.std(x)),
        },
        "four times the runs, half the error",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on REINFORCE."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"},
        {
            1: "the mean of score × baseline is 0, whatever the baseline, as long as it does not know the action.",
            2: "rewards before an action add noise to its credit, and nothing on average.",
            3: "half the standard deviation takes four times the episodes.",
            4: "the loss is only made to have the right gradient; its value follows the batch.",
            5: "one run is one draw: give several seeds, and an interval.",
        },
    )
