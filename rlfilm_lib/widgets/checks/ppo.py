"""Checkers of lesson 06_ppo."""

from collections.abc import Callable, Mapping

import gymnasium as gym
import numpy as np

from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.widgets.checks import verdict


def clipped_surrogate(answer: Callable) -> None:
    """clipped_surrogate(log_prob, old_log_prob, advantage, clip_range) = -mean(min(r A, clip(r) A))."""

    def loss(per_sample, ratio=lambda new, old: np.exp(new - old), over=lambda gains: float(-np.mean(gains))):
        """A loss as a student may write it; per_sample: what each sample gains, from r, clip(r), A and ε."""

        def written(new, old, advantage, clip_range):
            r = ratio(new, old)
            return over(per_sample(r, np.clip(r, 1 - clip_range, 1 + clip_range), advantage, clip_range))

        return written

    def smaller(r, clipped, advantage, clip_range):
        return np.minimum(r * advantage, clipped * advantage)

    old = np.array([-1.0, -2.0, -0.5, -3.0, -1.5])
    log_ratios = np.log([1.5, 0.5, 1.4, 0.6, 1.05])
    advantages = np.array([1.0, 2.0, -1.0, -2.0, 0.5])
    cases = [
        (old + log_ratios, old, advantages, 0.2),
        (old[:2] + log_ratios[:2], old[:2], -advantages[:2], 0.1),
        (old[2:] - log_ratios[2:], old[2:], advantages[2:], 0.3),
    ]
    verdict.function(
        answer,
        [(case, loss(smaller)(*case)) for case in cases],
        {
            "the minus is missing: an optimiser goes down, and the objective is to go up": loss(
                smaller, over=lambda gains: float(np.mean(gains))
            ),
            "take the smaller of the two: the larger one rewards a ratio for running away": loss(
                lambda r, clipped, advantage, _: np.maximum(r * advantage, clipped * advantage)
            ),
            "clipping alone also silences a sample that moved the wrong way; the minimum lets it pull back": loss(
                lambda r, clipped, advantage, _: clipped * advantage
            ),
            "this is the surrogate without its clip": loss(lambda r, clipped, advantage, _: r * advantage),
            "the ratio is upside down: it is new over old": loss(smaller, lambda new, old: np.exp(old - new)),
            "the difference of the logs is the log of the ratio: take its exponential": loss(
                smaller, lambda new, old: new - old
            ),
            "a quotient of logs is not the log of a quotient: subtract, then take the exponential": loss(
                smaller, lambda new, old: new / old
            ),
            "it is the ratio that is clipped, before it meets the advantage": loss(
                lambda r, _, advantage, clip_range: np.minimum(
                    r * advantage, np.clip(r * advantage, 1 - clip_range, 1 + clip_range)
                )
            ),
            "this is the sum; the mean does not grow with the batch": loss(
                smaller, over=lambda gains: float(-np.sum(gains))
            ),
            "one number per sample: take their mean": loss(smaller, over=lambda gains: -gains),
        },
        "never better than without the clip, and nothing to gain from leaving the band",
    )


def pushes(answers: Mapping[int, str | None]) -> None:
    """Which way four samples push their ratio, with ε = 0.2: "up", "down" or "silent"."""
    verdict.quiz(
        answers,
        {1: "silent", 2: "up", 3: "down", 4: "silent"},
        {
            1: "a good action is already more likely by more than ε: both terms, and which is smaller?",
            2: "a good action became less likely; compare r·A = 1 with clip(r)·A = 1.6, and take the smaller.",
            3: "a bad action became more likely; compare r·A = -3 with clip(r)·A = -2.4: the smaller is the one that "
            "still feels r.",
            4: "a bad action is already less likely by more than ε: compare r·A = -1 with clip(r)·A = -1.6.",
        },
    )


def k3(answer: Callable) -> None:
    """k3(log_ratio) = mean(r - 1 - log r) of samples of the old policy, log_ratio = log new - log old."""

    def estimate(log_ratio):
        return float(np.mean(np.exp(log_ratio) - 1 - log_ratio))

    cases = [(np.array([0.5, -0.3, 0.1]),), (np.array([-1.0, -0.2]),), (np.array([0.4]),)]
    verdict.function(
        answer,
        [(case, estimate(*case)) for case in cases],
        {
            "this is k1: right on average, but a batch of it can be negative": lambda x: float(-np.mean(x)),
            "this is k2, half the mean square: close for small steps, but biased": lambda x: float(np.mean(x**2) / 2),
            "the signs are turned round: the samples are the old policy's, so r = exp(log_ratio)": lambda x: estimate(
                -x
            ),
            "without the -1 it is 1 where the policies are the same": lambda x: estimate(x) + 1,
            "+ log r in place of - log r: at r = 1 the slope must be 0": lambda x: float(np.mean(np.exp(x) - 1 + x)),
            "this is the sum; take the mean": lambda x: estimate(x) * len(x),
            "one number per sample: take their mean": lambda x: np.exp(x) - 1 - x,
        },
        "0 where the policies agree, above 0 for every single sample",
    )


def act(answer: Callable, steps: int = 4000) -> None:
    """act(policy, x, rng): actions to store (N, A), their log-probs (N,), actions for the film set (N, A)."""
    bounds = gym.spaces.Box(-1, 1, (2,), np.float32)
    weights = {
        "actor/0/kernel": np.zeros((1, 2), np.float32),
        "actor/0/bias": np.array([0.4, -0.2], np.float32),
        "log_std": np.array([-0.3, 0.1], np.float32),
    }
    policy = Policy(weights, gym.spaces.Box(-np.inf, np.inf, (1,), np.float32), bounds)
    x = np.zeros((steps, 1), np.float32)
    try:
        given = answer(policy, x, np.random.default_rng(0))
        if given is None:
            print("not done yet")
            return
        stored, log_probs, filmed = (np.asarray(array, float) for array in given)
    except Exception as error:
        print(f"✗ for inputs of shape {x.shape} yours stopped with {type(error).__name__}: {error}")
        return
    for name, array, shape in (
        ("actions to store", stored, (steps, 2)),
        ("log-probs", log_probs, (steps,)),
        ("actions for the film set", filmed, (steps, 2)),
    ):
        if array.shape != shape:
            print(f"✗ {name} of shape {array.shape} where {shape} is expected")
            return
    recomputed = policy.log_prob(x, stored.astype(np.float32))
    ratio = np.exp(recomputed - log_probs)
    if np.abs(filmed).max() > 1:
        print(f"✗ the film set takes -1 to 1 and got {np.abs(filmed).max():.2f}: clip what it is given")
    elif np.abs(ratio - 1).max() > 1e-3:
        print(
            f"✗ {100 * np.mean(np.abs(ratio - 1) > 1e-3):.0f} % of the ratios are not 1: the log-prob is not that of "
            "the action you store"
        )
    elif np.abs(stored).max() <= 1:
        print(
            "✗ every ratio is 1, but no stored action lies outside -1 to 1. The policy draws such actions, and the "
            "density at the bound is not the probability of being clipped to it: store the action as it was drawn"
        )
    elif not np.allclose(filmed, np.clip(stored, -1, 1), atol=1e-6):
        print("✗ the film set must get the stored action, clipped to its bounds; yours gets another")
    else:
        print("✓ stored as it was drawn, with its own log-prob; clipped for the film set alone")


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on PPO."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"},
        {
            1: "before the first step the policy that learns is the policy that acted.",
            2: "only two of the four corners are silent: those that have already moved the way they were pushed.",
            3: "the clip silences a sample; it does not hold its ratio, which the other samples still move.",
            4: "r - 1 has mean 0 and moves against -log r: added to it, most of the noise goes.",
            5: "rounding differs in the seventh digit until it decides which side of a boundary a sample lies on.",
        },
    )
