"""The checkers of lessons 00 and 01 pass what is right and name the mistakes they know."""

import numpy as np
import pytest

from rlfilm_lib.envs.movie_scene import OBSERVATION
from rlfilm_lib.film import framing
from rlfilm_lib.widgets.checks import film_as_an_mdp, first_take

EXPOSURE = OBSERVATION.index("exposure error")


def hold(observations, gain=1.0):
    return np.clip(-gain * 3 * observations[:, [EXPOSURE]] / 0.2, -1, 1)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (first_take.normalised_score, lambda earned, random, expert: (earned - random) / (expert - random)),
        (first_take.hours_filmed, 9.259259),
        (first_take.quiz, {1: "b", 2: "c", 3: "a"}),
        (film_as_an_mdp.visible_height, framing.visible_height),
        (film_as_an_mdp.thirds, framing.thirds),
        (film_as_an_mdp.discounted_return, lambda rewards, gamma: np.polyval(rewards[::-1], gamma)),
        (film_as_an_mdp.hold_exposure, hold),
        (film_as_an_mdp.quiz, {1: "c", 2: "a", 3: "b", 4: "b"}),
    ],
)
def test_the_right_answer_passes(capsys, check, answer):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (first_take.normalised_score, lambda earned, random, expert: earned / expert, "does not score 0"),
        (first_take.normalised_score, lambda earned, random, expert: (earned - random) / (random - expert), "sign"),
        (first_take.hours_filmed, 4.6296296, "factor 2"),
        (first_take.hours_filmed, 555.555556, "minutes"),
        (film_as_an_mdp.visible_height, lambda d, f: d * 24.89 / f, "its width"),
        (film_as_an_mdp.visible_height, lambda d, f: d * f / 14, "upside down"),
        (film_as_an_mdp.thirds, lambda u, v, side: framing.thirds(u, v, -side), "left and right"),
        (film_as_an_mdp.thirds, lambda u, v, side: framing.thirds(u, v + 1 / 3, side), "upper third"),
        (film_as_an_mdp.thirds, lambda u, v, side: framing.thirds(u, v, side) ** 2, "factor 2"),
        (film_as_an_mdp.thirds, lambda u, v, side: 1 / framing.thirds(u, v, side), "minus sign"),
        (film_as_an_mdp.discounted_return, lambda rewards, gamma: np.sum(rewards), "plain sum"),
        (film_as_an_mdp.discounted_return, lambda rewards, gamma: np.polyval(rewards, gamma), "backwards"),
        (film_as_an_mdp.discounted_return, lambda rewards, gamma: gamma * np.polyval(rewards[::-1], gamma), "first"),
        (film_as_an_mdp.hold_exposure, lambda observations: None, "not done yet"),
        (film_as_an_mdp.hold_exposure, lambda observations: -hold(observations), "sign"),
        (film_as_an_mdp.hold_exposure, lambda observations: hold(observations)[:, 0], "a slice keeps its axis"),
        (film_as_an_mdp.hold_exposure, lambda observations: hold(observations, 0.05), "how far is a step"),
        (film_as_an_mdp.hold_exposure, lambda observations: observations / "a", "yours stopped with"),
    ],
)
def test_a_usual_mistake_is_named(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert not out.startswith("✓") and words in out
