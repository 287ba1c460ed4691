"""The checkers of lesson 13: right answers pass, and each usual mistake gets its own remark."""

import math

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import flow_and_reward


def gaussian(x, mean, std):
    return (-((x - mean) ** 2) / (2 * std[:, None] ** 2) - np.log(std[:, None]) - np.log(2 * np.pi) / 2).sum(axis=1)


def by_densities(after, new, old, std):
    """As a student may write it, normalisers and all."""
    return gaussian(after, new, std) - gaussian(after, old, std)


def squared(x, mean):
    return ((x - mean) ** 2).sum(axis=1)


def standardized(rewards, axis=1, ddof=0):
    return (rewards - rewards.mean(axis, keepdims=True)) / (rewards.std(axis, ddof=ddof, keepdims=True) + 1e-8)


def objective(log_ratios, advantages, kls, clip_range, kl_coef):
    gained = 0.0
    for log_ratio, advantage in zip(log_ratios, advantages, strict=True):
        ratio = math.exp(log_ratio)
        gained += min(ratio * advantage, min(max(ratio, 1 - clip_range), 1 + clip_range) * advantage)
    return -gained / len(log_ratios) + kl_coef * sum(kls) / len(kls)


def unclipped(log_ratios, advantages, kls, clip_range, kl_coef):
    return -(np.exp(log_ratios) * advantages).mean() + kl_coef * kls.mean()


def always_clipped(log_ratios, advantages, kls, clip_range, kl_coef):
    ratio = np.clip(np.exp(log_ratios), 1 - clip_range, 1 + clip_range)
    return -(ratio * advantages).mean() + kl_coef * kls.mean()


@pytest.mark.parametrize(
    ("checker", "answer", "said"),
    [
        ("log_ratio", by_densities, "✓"),
        ("log_ratio", lambda a, new, old, s: by_densities(a, old, new, s), "wrong way round"),
        ("log_ratio", lambda *case: np.exp(by_densities(*case)), "asked is its logarithm"),
        ("log_ratio", lambda a, new, old, s: (squared(a, old) - squared(a, new)) / s**2, "has a 2"),
        ("log_ratio", lambda a, new, old, s: (squared(a, old) - squared(a, new)) / (2 * s), "square of std"),
        ("log_ratio", lambda *case: by_densities(*case) / 2, "averaged"),
        ("group_advantages", standardized, "✓"),
        ("group_advantages", lambda r: standardized(r, None), "with each other"),
        ("group_advantages", lambda r: standardized(r, 0), "along axis 1"),
        ("group_advantages", lambda r: standardized(r, ddof=1), "not by G - 1"),
        ("group_advantages", lambda r: r - r.mean(axis=1, keepdims=True), "spread of the group"),
        ("loss", objective, "✓"),
        ("loss", lambda *case: -objective(*case[:4], -case[4]), "minus before the mean"),
        ("loss", lambda *case: objective(*case[:4], -case[4]), "wrong sign"),
        ("loss", lambda *case: objective(*case[:4], 0), "reference is missing"),
        ("loss", unclipped, "nothing holds"),
        ("loss", always_clipped, "forgets the min"),
        ("best_of_kl", lambda n: math.log(n) - 1 + 1 / n, "✓"),
        ("best_of_kl", math.log, "is missing"),
        ("best_of_kl", lambda n: math.log(n) + (n - 1) / n, "below 0"),
    ],
)
def test_an_answer_is_judged(checker, answer, said, capsys):
    getattr(flow_and_reward, checker)(answer)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "said"), [(256.0, "✓"), (240.0, "one clip for each"), (3840, "makes N clips"), (None, "not done yet")]
)
def test_the_number_of_clips_is_judged(answer, said, capsys):
    flow_and_reward.break_even(answer, clips_made=3840, number=16)
    assert said in capsys.readouterr().out


def test_every_exercise_begins_undone(capsys):
    for name in ("log_ratio", "group_advantages", "loss", "best_of_kl"):
        getattr(flow_and_reward, name)(lambda *arguments: None)
        assert capsys.readouterr().out == "not done yet\n"
    flow_and_reward.quiz(dict.fromkeys(range(1, 6)))
    assert capsys.readouterr().out == "not done yet\n"
    flow_and_reward.quiz({1: "c", 2: "b", 3: "a", 4: "b", 5: "a"})
    assert "4 of 5 right" in capsys.readouterr().out
