"""The checkers of lesson 04: right answers pass, and each usual mistake gets its own remark."""

import numpy as np
import pytest

from rlfilm_lib.widgets.checks import reinforce


def to_go(rewards, gamma):
    total, out = 0.0, []
    for reward in reversed(rewards):
        total = reward + gamma * total
        out.append(total)
    return out[::-1]


ANSWERS = [
    (reinforce.reward_to_go, to_go, "✓"),
    (reinforce.reward_to_go, lambda r, g: np.array(to_go(r, g)), "✓"),
    (reinforce.reward_to_go, lambda r, g: None, "not done yet"),
    (reinforce.reward_to_go, lambda r, g: np.cumsum(r), "earned so far"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, g)[::-1], "the last entry comes first"),
    (reinforce.reward_to_go, lambda r, g: [*to_go(r, g)[1:], 0.0], "own reward is missing"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, 1.0), "the discount is missing"),
    (reinforce.reward_to_go, lambda r, g: to_go([g**t * x for t, x in enumerate(r)], 1.0), "count from its own step"),
    (reinforce.reward_to_go, lambda r, g: [to_go(r, g)[0]] * len(r), "the whole return at every step"),
    (reinforce.reward_to_go, lambda r, g: to_go(r, g)[0], "one number"),
    (reinforce.leave_one_out, lambda r: (r.sum() - r) / (len(r) - 1), "✓"),
    (reinforce.leave_one_out, lambda r: [np.mean(np.delete(r, i)) for i in range(len(r))], "✓"),
    (reinforce.leave_one_out, lambda r: None, "not done yet"),
    (reinforce.leave_one_out, lambda r: 0 * r + r.mean(), "shrinks by (n − 1)/n"),
    (reinforce.leave_one_out, lambda r: r.mean(), "one number"),
    (reinforce.leave_one_out, lambda r: (r.sum() - r) / len(r), "divide by n − 1"),
    (reinforce.leave_one_out, lambda r: r.sum() - r, "their mean is asked for"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1) / np.sqrt(len(x)), "✓"),
    (reinforce.standard_error, lambda x: None, "not done yet"),
    (reinforce.standard_error, lambda x: np.std(x) / np.sqrt(len(x)), "ddof=1"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1), "√n times surer"),
    (reinforce.standard_error, lambda x: np.std(x, ddof=1) / len(x), "divide by √n, not by n"),
    (reinforce.standard_error, lambda x: np.var(x, ddof=1) / len(x), "square root"),
]


def episode(over):
    """A player that stops when `over(terminated, truncated)`."""

    def player(env, policy):
        observation, _ = env.reset(seed=0)
        steps, done = [], False
        while not done:
            action = policy(observation)
            following, reward, *ends, _ = env.step(action)
            steps.append((observation, action, reward))
            observation, done = following, over(*ends)
        return steps

    return player


PLAYERS = [
    (episode(lambda terminated, truncated: terminated or truncated), "✓"),
    (lambda env, policy: None, "not done yet"),
    (episode(lambda terminated, truncated: terminated), "deaf to the clock"),
    (episode(lambda terminated, truncated: truncated), "deaf to the other end"),
    (episode(lambda terminated, truncated: terminated and truncated), "it never ends"),
    (lambda env, policy: episode(lambda *ends: any(ends))(env, policy)[:-1], "the last step is missing"),
]
ANSWERS += [(reinforce.play, player, words) for player, words in PLAYERS]

LINES = {"never ends": 6, "log of an output": 7, "no log-probability": 9, "moving target": 11}
ANSWERS += [
    (reinforce.bugs, LINES, "✓"),
    (reinforce.bugs, dict.fromkeys(LINES), "not done yet"),
    (reinforce.bugs, LINES | {"moving target": None}, "moving target: line None? No line"),
    (reinforce.bugs, LINES | {"never ends": 3}, "never ends: line 3? The loop does what it is told"),
    (reinforce.bugs, LINES | {"no log-probability": 7}, "line 7? That is the bug “log of an output”"),
    (reinforce.bugs, LINES | {"moving target": 12}, "moving target: line 12? A squared error is right"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), ANSWERS)
def test_an_answer_gets_the_remark_it_deserves(capsys, checker, answer, words):
    checker(answer)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")


def gradient(loss, params, *data, h=1e-6):
    """By central differences. What a loss detaches it takes from params["held"], which does not move."""
    ((name, weights),) = params.items()

    def at(shift):
        return loss({name: weights + shift, "held": weights}, *data)

    return {name: np.array([(at(shift) - at(-shift)) / (2 * h) for shift in h * np.eye(len(weights))])}


def mean(params, x):
    return np.tanh(x @ params["actor"])


def log_prob(params, x, actions):
    return -((actions - mean(params, x)) ** 2) / 2


def squared_error(value_of="critic", target_of="held", reduce=np.mean):
    def loss(params, x, rewards, following):
        return reduce((rewards + 0.99 * following @ params[target_of] - x @ params[value_of]) ** 2)

    return loss


def actor_loss(params, x, actions, returns, log_prob=log_prob):
    return -np.mean(log_prob(params, x, actions) * (returns - returns.mean()))


def log_of_output(params, x, actions):
    with np.errstate(invalid="ignore"):
        return np.log(mean(params, x))


LOSSES = [
    (reinforce.log_prob, log_prob, "✓"),
    (reinforce.log_prob, lambda p, x, a: log_prob(p, x, a) - np.log(2 * np.pi) / 2, "✓"),
    (reinforce.log_prob, lambda p, x, a: None, "not done yet"),
    (reinforce.log_prob, lambda p, x, a: np.log(np.abs(mean(p, x))), "still the log of the output"),
    (reinforce.log_prob, log_of_output, "✗"),
    (reinforce.log_prob, lambda p, x, a: -log_prob(p, x, a), "the sign is turned"),
    (reinforce.log_prob, lambda p, x, a: 2 * log_prob(p, x, a), "factor 1/2"),
    (reinforce.log_prob, lambda p, x, a: np.exp(log_prob(p, x, a)), "but for its constant"),
    (reinforce.log_prob, lambda p, x, a: np.exp(log_prob(p, x, a)) / np.sqrt(2 * np.pi), "take its logarithm"),
    (reinforce.log_prob, lambda p, x, a: np.mean(log_prob(p, x, a)), "yours stopped with"),
    (reinforce.actor_loss, actor_loss, "✓"),
    (reinforce.actor_loss, lambda *case: None, "not done yet"),
    (reinforce.actor_loss, lambda *case: actor_loss(*case, log_prob=lambda p, x, a: mean(p, x)), "still without"),
    (reinforce.actor_loss, lambda *case: -actor_loss(*case), "the sign is turned"),
    (reinforce.actor_loss, lambda p, x, a, r: -np.mean(log_prob(p, x, a) * r), "the baseline is gone"),
    (reinforce.actor_loss, lambda p, x, a, r: len(a) * actor_loss(p, x, a, r), "not the sum"),
    (reinforce.actor_loss, lambda p, *case: actor_loss({"actor": p["held"]}, *case), "must not be detached"),
    (reinforce.critic_loss, squared_error(), "✓"),
    (reinforce.critic_loss, lambda *case: None, "not done yet"),
    (reinforce.critic_loss, squared_error(target_of="critic"), "the target still moves"),
    (reinforce.critic_loss, squared_error("held", "critic"), "the wrong one is held"),
    (reinforce.critic_loss, squared_error("held", "held"), "both value and target"),
    (reinforce.critic_loss, squared_error(reduce=np.sum), "not the sum"),
]


@pytest.mark.parametrize(("checker", "answer", "words"), LOSSES)
def test_a_loss_is_judged_by_its_gradient(capsys, checker, answer, words):
    checker(answer, gradient)
    said = capsys.readouterr().out
    assert words in said
    assert said.startswith("✓") == (words == "✓")


def test_the_quiz_knows_its_answers(capsys):
    reinforce.quiz({1: "b", 2: "c", 3: "a", 4: "b", 5: "c"})
    reinforce.quiz({1: None, 2: None, 3: None, 4: None, 5: None})
    reinforce.quiz({1: "b", 2: "c", 3: "b", 4: "b", 5: "c"})
    right, undone, wrong = capsys.readouterr().out.splitlines()
    assert right == "✓ all 5 right" and undone == "not done yet" and "Question 3: half" in wrong
