"""The checkers of lesson 06: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import ppo


def surrogate(gain, ratio=lambda new, old: np.exp(new - old)):
    def loss(new, old, advantage, clip_range):
        r = ratio(new, old)
        return gain(r, np.clip(r, 1 - clip_range, 1 + clip_range), advantage)

    return loss


def smaller(r, clipped, advantage):
    return -np.mean(np.minimum(r * advantage, clipped * advantage))


def in_four_cases(new, old, advantage, clip_range):
    """The surrogate by its four cases, as a student may write it."""
    r = np.exp(new - old)
    gains = np.where(advantage > 0, np.minimum(r, 1 + clip_range), np.maximum(r, 1 - clip_range)) * advantage
    return -gains.mean()


def kept(policy, x, rng):
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, action), policy.to_env(action)


def log_prob_of_the_clipped(policy, x, rng):
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, policy.to_env(action)), policy.to_env(action)


def stored_clipped(policy, x, rng):
    action = policy.to_env(policy.sample(x, rng))
    return action, policy.log_prob(x, action), action


def never_clipped(policy, x, rng):
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, action), action


def drawn_twice(policy, x, rng):
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, action), policy.to_env(policy.sample(x, rng))


def summed_twice(policy, x, rng):
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, action)[:, None], policy.to_env(action)


ANSWERS = [
    (ppo.clipped_surrogate, surrogate(smaller), "✓"),
    (ppo.clipped_surrogate, in_four_cases, "✓"),
    (ppo.clipped_surrogate, lambda *_: None, "not done yet"),
    (ppo.clipped_surrogate, surrogate(lambda *a: -smaller(*a)), "the minus is missing"),
    (ppo.clipped_surrogate, surrogate(lambda r, c, a: -np.mean(np.maximum(r * a, c * a))), "take the smaller"),
    (ppo.clipped_surrogate, surrogate(lambda r, c, a: -np.mean(c * a)), "clipping alone"),
    (ppo.clipped_surrogate, surrogate(lambda r, c, a: -np.mean(r * a)), "without its clip"),
    (ppo.clipped_surrogate, surrogate(smaller, lambda new, old: np.exp(old - new)), "upside down"),
    (ppo.clipped_surrogate, surrogate(smaller, lambda new, old: new - old), "take its exponential"),
    (ppo.clipped_surrogate, surrogate(smaller, lambda new, old: new / old), "quotient of logs"),
    (ppo.clipped_surrogate, surrogate(lambda r, c, a: -np.sum(np.minimum(r * a, c * a))), "this is the sum"),
    (ppo.clipped_surrogate, surrogate(lambda r, c, a: -np.minimum(r * a, c * a)), "one number per sample"),
    (
        ppo.clipped_surrogate,
        lambda new, old, a, e: (
            -np.mean(np.minimum(np.exp(new - old) * a, np.clip(np.exp(new - old) * a, 1 - e, 1 + e)))
        ),
        "it is the ratio that is clipped",
    ),
    (ppo.pushes, {1: "silent", 2: "up", 3: "down", 4: "silent"}, "✓"),
    (ppo.pushes, {1: None, 2: None, 3: None, 4: None}, "not done yet"),
    (ppo.pushes, {1: "silent", 2: "silent", 3: "silent", 4: "silent"}, "2 of 4 right. Question 2: a good action"),
    (ppo.k3, lambda x: np.mean(np.expm1(x) - x), "✓"),
    (ppo.k3, lambda x: None, "not done yet"),
    (ppo.k3, lambda x: -np.mean(x), "this is k1"),
    (ppo.k3, lambda x: np.mean(x**2) / 2, "this is k2"),
    (ppo.k3, lambda x: np.mean(np.exp(-x) - 1 + x), "signs are turned round"),
    (ppo.k3, lambda x: np.mean(np.exp(x) - x), "without the -1"),
    (ppo.k3, lambda x: np.mean(np.exp(x) - 1 + x), "+ log r in place of"),
    (ppo.k3, lambda x: np.sum(np.exp(x) - 1 - x), "this is the sum"),
    (ppo.k3, lambda x: np.exp(x) - 1 - x, "one number per sample"),
    (ppo.act, kept, "✓"),
    (ppo.act, lambda policy, x, rng: None, "not done yet"),
    (ppo.act, log_prob_of_the_clipped, "of the ratios are not 1"),
    (ppo.act, stored_clipped, "no stored action lies outside"),
    (ppo.act, never_clipped, "the film set takes -1 to 1"),
    (ppo.act, drawn_twice, "yours gets another"),
    (ppo.act, summed_twice, "log-probs of shape (4000, 1)"),
    (ppo.act, lambda policy, x, rng: policy.sample(x, rng), "yours stopped with ValueError"),
    (ppo.quiz, {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"}, "✓"),
    (ppo.quiz, {1: None, 2: None, 3: None, 4: None, 5: None}, "not done yet"),
    (ppo.quiz, {1: "b", 2: "c", 3: "b", 4: "c", 5: "b"}, "Question 3: the clip silences"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")
