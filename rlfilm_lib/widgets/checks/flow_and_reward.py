"""Checkers of lesson 13_flow_and_reward."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def log_ratio(answer: Callable) -> None:
    """log_ratio(after, new_mean, old_mean, std) = log N(after; new) - log N(after; old); (N, 2), std (N,) → (N,)."""
    rng = np.random.default_rng(0)
    cases = [(*rng.standard_normal((3, count, 2)), rng.uniform(0.3, 0.9, count)) for count in (4, 1)]

    def right(after, new, old, std):
        return (_squared(after, old) - _squared(after, new)) / (2 * std**2)

    verdict.function(
        answer,
        [(case, right(*case)) for case in cases],
        {
            "new and old are the wrong way round: the ratio is new over old": lambda a, new, old, s: right(
                a, old, new, s
            ),
            "this is the ratio; asked is its logarithm": lambda *case: np.exp(right(*case)),
            "the log-probabilities of the two numbers add up; yours are averaged": lambda *case: right(*case) / 2,
            "the bell has a 2 in its exponent: -‖·‖² / 2σ²": lambda *case: 2 * right(*case),
            "divide by the variance: is the square of std missing?": lambda a, new, old, s: right(a, new, old, s) * s,
            "this is the new log-probability alone, up to a constant": lambda a, new, old, s: (
                -_squared(a, new) / (2 * s**2)
            ),
            "the two log-probabilities are to be subtracted, not divided": lambda a, new, old, s: (
                _squared(a, new) / _squared(a, old)
            ),
        },
        "the normaliser of the bell falls out, for both have the same width",
    )


def _squared(x, mean):
    return ((x - mean) ** 2).sum(axis=-1)


def group_advantages(answer: Callable) -> None:
    """group_advantages(rewards) = (r - mean) / (std + 1e-8) of each row; (K, G) → (K, G)."""
    cases = [
        (np.array([[0.0, 1.0, 2.0, 5.0], [10.0, 11.0, 12.0, 11.0], [-3.0, -3.5, -1.0, 0.5]]),),
        (np.array([[1.0, 3.0], [8.0, 2.0]]),),
    ]

    def standardized(rewards, axis=1, ddof=0):
        spread = rewards.std(axis=axis, ddof=ddof, keepdims=True)
        return (rewards - rewards.mean(axis=axis, keepdims=True)) / (spread + 1e-8)

    verdict.function(
        answer,
        [(case, standardized(*case)) for case in cases],
        {
            "yours compares all clips with each other; compare those of one caption": lambda r: standardized(r, None),
            "a row is the clips of one caption: mean and spread are taken along axis 1": lambda r: standardized(r, 0),
            "the mean is taken away; divide by the spread of the group, too": lambda r: (
                r - r.mean(axis=1, keepdims=True)
            ),
            "divide by the standard deviation, not by the variance": lambda r: (
                (r - r.mean(axis=1, keepdims=True)) / (r.var(axis=1, keepdims=True) + 1e-8)
            ),
            "divide the squares by G, as elsewhere in this course, not by G - 1": lambda r: standardized(r, ddof=1),
            "the group's mean is missing": lambda r: r / (r.std(axis=1, keepdims=True) + 1e-8),
            "each clip is compared with the best of its group; its mean is what to expect": lambda r: (
                (r - r.max(axis=1, keepdims=True)) / (r.std(axis=1, keepdims=True) + 1e-8)
            ),
        },
        "each clip against the others of its caption",
    )


def loss(answer: Callable) -> None:
    """loss(log_ratios, advantages, kls, clip_range, kl_coef) = -mean min(r A, clip(r) A) + β mean KL; (N,) each."""
    logs = np.log(np.array([1.5, 0.5, 1.1, 0.6]))
    advantages, kls = np.array([1.0, 2.0, -1.0, -0.5]), np.array([0.1, 0.4, 0.2, 0.3])
    cases = [
        (logs, advantages, kls, 0.2, 0.5),
        (logs, -advantages, kls, 0.1, 0.0),
        (logs[:2], advantages[2:], kls[:2], 0.3, 1.0),
    ]

    def written(surrogate, pull=lambda kls, kl_coef: kl_coef * kls.mean(), sign=-1):
        def answered(log_ratios, advantages, kls, clip_range, kl_coef):
            clipped = np.clip(np.exp(log_ratios), 1 - clip_range, 1 + clip_range)
            return sign * surrogate(np.exp(log_ratios), clipped, advantages).mean() + pull(kls, kl_coef)

        return answered

    def smaller(ratio, clipped, advantage):
        return np.minimum(ratio * advantage, clipped * advantage)

    def from_logs(log_ratios, *others):
        return written(smaller)(np.log1p(log_ratios), *others)

    verdict.function(
        answer,
        [(case, written(smaller)(*case)) for case in cases],
        {
            "a loss is made smaller: is the minus before the mean missing?": written(smaller, sign=1),
            "the pull has the wrong sign: KL makes the loss larger": written(smaller, lambda k, c: -c * k.mean()),
            "the pull towards the reference is missing": written(smaller, lambda k, c: 0.0),
            "β is missing before the KL": written(smaller, lambda k, c: k.mean()),
            "the KL is averaged over the steps, like the rest": written(smaller, lambda k, c: c * k.sum()),
            "without the clip nothing holds a step back": written(lambda r, c, a: r * a),
            "clipping alone forgets the min: a step that went too far the wrong way must still come back": written(
                lambda r, c, a: c * a
            ),
            "take the smaller of the two products, not the larger": written(lambda r, c, a: np.maximum(r * a, c * a)),
            "take the smaller of the products r·A and clip(r)·A, not of the ratios": written(
                lambda r, c, a: np.minimum(r, c) * a
            ),
            "the ratio is the exponential of what is given": from_logs,
        },
        "clipped where it gains, free where it must come back, and tied to where it began",
    )


def best_of_kl(answer: Callable) -> None:
    """best_of_kl(n) = log n - (n - 1) / n."""
    verdict.function(
        answer,
        [((n,), np.log(n) - (n - 1) / n) for n in (1, 2, 4, 16)],
        {
            "log n is the largest the logarithm gets; take its mean: (n - 1) E[log u] is missing": np.log,
            "E[log u] is -1/n, below 0: is a minus missing?": lambda n: np.log(n) + (n - 1) / n,
            "the natural logarithm, please: the course measures in nats": lambda n: np.log2(n) - (n - 1) / n,
            "the mean of log u is -1/n under n·uⁿ⁻¹; -1 is its mean under even draws": lambda n: np.log(n) - (n - 1),
            "there are n - 1 factors u in the density": lambda n: np.log(n) - 1,
        },
        "for many clips log N, less one nat",
    )


def break_even(answer: float | None, clips_made: int, number: int) -> None:
    """The number of wanted clips from which a tuning that took `clips_made` is cheaper than the best of `number`."""
    right = clips_made / (number - 1)
    verdict.value(
        answer,
        right,
        {
            "the tuned flow makes one clip for each wanted one, too": clips_made / number,
            "best of N makes N clips for each wanted one, and the tuned flow one": clips_made,
            "the other way round": (number - 1) / clips_made,
            "N of them each, less the one that the tuned flow makes": clips_made / (number + 1),
        },
        "from then on every further clip costs one sample rather than many",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Five questions on flows and rewards."""
    verdict.quiz(
        answers,
        {1: "c", 2: "b", 3: "a", 4: "b", 5: "c"},
        {
            1: "without noise a step is certain: it has no density, and nothing to compare.",
            2: "some captions are hard for every clip; only clips of the same caption can be compared.",
            3: "β is a price: the more a nat of distance costs, the fewer are bought.",
            4: "nothing was trained; the distance of the best of N is at most log N - (N - 1)/N.",
            5: "redness was all that was asked for; the reward was wrong, not its maximisation.",
        },
    )
