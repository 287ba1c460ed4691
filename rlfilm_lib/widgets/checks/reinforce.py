"""Checkers of lesson 04_reinforce."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rlfilm_lib.widgets.checks import verdict


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


BUGS = {"never ends": 6, "log of an output": 7, "no log-probability": 9, "moving target": 11}
SOUND = {
    1: "tanh only keeps the mean within the bounds of the action",
    2: "a fixed seed makes every episode the same, but it does end; look for what decides that it is over",
    3: "the loop does what it is told; look at where it is told",
    4: "both kinds of end are kept here; which of them is asked for later?",
    5: "this keeps what was seen, done and earned",
    8: "taking the mean off is a baseline",
    10: "this is the value of now, and it should be moved",
    12: "a squared error is right; look at what is in it",
}
"""What to say about a line that is no bug, or not the bug asked for."""


def bugs(lines: Mapping[str, int | None]) -> None:
    """The number of the wrong line for each of the four bugs."""
    if all(lines.get(bug) is None for bug in BUGS):
        print("not done yet")
        return
    for bug, right in BUGS.items():
        line = lines.get(bug)
        if line != right:
            other = next((name for name, number in BUGS.items() if number == line), None)
            remark = f"that is the bug “{other}”" if other else SOUND.get(line or 0, "no line of the program")
            print(f"✗ {bug}: line {line}? {remark[0].upper()}{remark[1:]}.")
            return
    print("✓ four wrong lines, and not one error message among them")


class Script:
    """An environment that pays 1, 2, 3 … and ends by the script: (terminated, truncated) of every step."""

    def __init__(self, ends: Sequence[tuple[bool, bool]]) -> None:
        self.ends = enumerate(ends, 1)

    def reset(self, seed: int | None = None) -> tuple[int, dict]:
        return 0, {}

    def step(self, action: object) -> tuple[int, float, bool, bool, dict]:
        number, ends = next(self.ends)
        return number, float(number), *ends, {}


def play(answer: Callable) -> None:
    """play(env, policy): one episode as a list of (observation, action, reward), over when it ends either way."""

    def until(over):
        """The rewards up to the first step of a script at which `over(terminated, truncated)`; [] if there is none."""

        def rewards(*ends):
            last = next((number for number, end in enumerate(ends, 1) if over(*end)), 0)
            return list(range(1, last + 1))

        return rewards

    def played(*ends):
        try:
            steps = answer(Script(ends), lambda observation: 0)
        except StopIteration:  # the script is at its end, and the episode still goes on
            return []
        return None if steps is None else [reward for *_, reward in steps]

    on, spoiled, cut = (False, False), (True, False), (False, True)
    cases = [(on, on, cut, on, on, spoiled, on), (on, spoiled, on, on, cut, on), (spoiled, on)]
    either = until(lambda terminated, truncated: terminated or truncated)
    verdict.function(
        played,
        [(case, either(*case)) for case in cases],
        {
            "still deaf to the clock: an episode that is truncated is over as well": until(lambda ended, cut: ended),
            "now deaf to the other end: an episode that terminates is over as well": until(lambda ended, cut: cut),
            "it never ends; it is over when it terminated *or* when it was truncated": lambda *ends: [],
            "the last step is missing: keep it before you stop": lambda *ends: either(*ends)[:-1],
        },
        "an episode has two ends, and this loop hears both",
    )


class NotDone(Exception):
    """The exercise's function returned None."""


def slope(gradient: Callable, loss: Callable, name: str, of_last_step: bool = False) -> Callable:
    """(weights, *data) → the loss's gradient by `params[name]`, None while the loss is not written.

    gradient: the lesson's, of the chosen framework; of_last_step: the loss has one number per step, take the last.
    """

    def answer(weights, *data):
        def scalar(params, *tensors):
            value = loss(params, *tensors)
            if value is None:
                raise NotDone
            return value[-1] if of_last_step else value

        try:
            return gradient(scalar, {name: weights}, *data)[name]
        except NotDone:
            return None

    return answer


WEIGHTS, INPUTS = np.array([0.5, -1.0]), np.array([[1.0, 0.5], [0.2, -0.4], [-1.0, 1.0]])
ACTIONS, PAID = np.array([0.3, -1.2, 0.8]), np.array([1.0, 3.0, 0.5])


def log_prob(answer: Callable, gradient: Callable) -> None:
    """log_prob(params, x, actions), (B,), that of N(tanh(x·w), 1): its gradient is (a - μ) (1 - μ²) x."""

    def through(by_mean):
        """The gradient of the last step's, given its slope by the mean."""

        def by_weights(w, x, a):
            mean = np.tanh(x[-1] @ w)
            return by_mean(a[-1], mean) * (1 - mean**2) * x[-1]

        return by_weights

    def density(a, mean):
        return np.exp(-((a - mean) ** 2) / 2) / np.sqrt(2 * np.pi)

    right = through(lambda a, mean: a - mean)
    cases = [(WEIGHTS, INPUTS, ACTIONS), (-WEIGHTS, INPUTS[:2], ACTIONS[:2])]
    verdict.function(
        slope(gradient, answer, "actor", of_last_step=True),
        [(case, right(*case)) for case in cases],
        {
            "still the log of the output; the action that was taken does not appear in it": (
                through(lambda a, mean: 1 / mean)
            ),
            "the sign is turned: the further from the mean, the *less* likely": through(lambda a, mean: mean - a),
            "is a factor 1/2 missing? The exponent is −(a − μ)² / 2": through(lambda a, mean: 2 * (a - mean)),
            "this is the density; take its logarithm": through(lambda a, mean: (a - mean) * density(a, mean)),
            "this is the density, but for its constant; take its logarithm": (
                through(lambda a, mean: (a - mean) * density(a, mean) / density(mean, mean))
            ),
        },
        "it points from the mean to the action that was taken",
    )


def actor_loss(answer: Callable, gradient: Callable) -> None:
    """actor_loss(params, x, actions, returns) = -mean(log_prob · (returns - their mean))."""

    def by_weights(w, x, a, paid, *, baseline=True, score=lambda a, mean: a - mean):
        mean = np.tanh(x @ w)
        advantage = paid - paid.mean() * baseline
        return -(advantage * score(a, mean) * (1 - mean**2)) @ x / len(a)

    cases = [(WEIGHTS, INPUTS, ACTIONS, PAID), (-WEIGHTS, INPUTS[:2], ACTIONS[:2], PAID[:2])]
    verdict.function(
        slope(gradient, answer, "actor"),
        [(case, by_weights(*case)) for case in cases],
        {
            "still without a log-probability: the action taken does not appear in it": (
                lambda *case: by_weights(*case, score=lambda a, mean: 1.0)
            ),
            "the sign is turned: optimisers go down, the return is to go up": lambda *case: -by_weights(*case),
            "the baseline is gone; line 8 was right": lambda *case: by_weights(*case, baseline=False),
            "take the mean over the steps, not the sum": lambda *case: len(case[2]) * by_weights(*case),
            "its gradient is 0: log_prob must not be detached": lambda w, *data: np.zeros(len(w)),
        },
        "scores, weighted by what the actions were worth",
    )


def critic_loss(answer: Callable, gradient: Callable) -> None:
    """critic_loss(params, x, rewards, following): the mean of (target - x·w)², the target held fixed; γ = 0.99."""

    def by_weights(w, x, paid, following, *, moved=lambda x, following: -x):
        error = paid + 0.99 * following @ w - x @ w
        return 2 * error @ moved(x, following) / len(x)

    cases = [(WEIGHTS, INPUTS, PAID, 0.5 - INPUTS), (-WEIGHTS, INPUTS[:2], PAID[:2], INPUTS[1:])]
    verdict.function(
        slope(gradient, answer, "critic"),
        [(case, by_weights(*case)) for case in cases],
        {
            "the target still moves: detach it": (
                lambda *case: by_weights(*case, moved=lambda x, following: 0.99 * following - x)
            ),
            "the wrong one is held: the value is to move, the target to stay": (
                lambda *case: by_weights(*case, moved=lambda x, following: 0.99 * following)
            ),
            "its gradient is 0: both value and target are detached": lambda w, *data: np.zeros(len(w)),
            "take the mean over the steps, not the sum": lambda *case: len(case[1]) * by_weights(*case),
        },
        "the value goes to its target, and the target waits",
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
