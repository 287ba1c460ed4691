"""Checkers of lesson 01_film_as_an_mdp."""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.widgets.checks import verdict


def visible_height(answer: Callable) -> None:
    """visible_height(distance, focal_length): metres that fill the picture's height, on a gate 14 mm high."""
    verdict.function(
        answer,
        [((2.5, 50.0), 0.7), ((4.0, 25.0), 2.24), ((3.0, 85.0), 3.0 * 14 / 85)],
        {
            "a longer lens shows less, not more: distance and focal length changed places": lambda d, f: f * 14 / d,
            "the gate is 14 mm high; 24.89 mm is its width": lambda d, f: d * 24.89 / f,
            "this is in millimetres; leave the distance in metres": lambda d, f: 1000 * d * 14 / f,
            "gate and focal length are both in millimetres already: nothing to convert": lambda d, f: d * 0.014 / f,
            "the gate is upside down: similar triangles give S / d = gate / f": lambda d, f: d * f / 14,
        },
        "a longer lens or a shorter distance shows less of the person",
    )


def thirds(answer: Callable) -> None:
    """thirds(u, v, side) = exp(-|p - q|² / (2 · 0.12²)), q = (1/2 + side/6, 2/3)."""

    def term(u, v, side, sigma=0.12, q_v=2 / 3, turn=1, power=2, factor=2):
        distance = np.hypot(u - (0.5 + turn * side / 6), v - q_v)
        return float(np.exp(-(distance**power) / (factor * sigma**power)))

    places = [(1 / 3, 2 / 3, -1), (0.5, 0.6, -1), (0.7, 0.5, 1), (0.6, 0.7, 1)]
    verdict.function(
        answer,
        [(place, term(*place)) for place in places],
        {
            "left and right are exchanged: side is -1 for the left third": lambda u, v, s: term(u, v, s, turn=-1),
            "v counts from the bottom: the upper third is at 2/3": lambda u, v, s: term(u, v, s, q_v=1 / 3),
            "a factor 2 is missing under the fraction: 2 · σ²": lambda u, v, s: term(u, v, s, factor=1),
            "the distance has to be squared": lambda u, v, s: term(u, v, s, power=1),
            "σ has to be squared": lambda u, v, s: float(np.exp(np.log(term(u, v, s)) * 0.12)),
            "the minus sign is missing: the term must fall with distance": lambda u, v, s: 1 / term(u, v, s),
        },
        "1 on the point itself, 0.61 at a distance of 0.12, nothing on the lower third",
    )


def discounted_return(answer: Callable) -> None:
    """discounted_return(rewards, gamma) = Σ γᵗ rₜ, t from 0."""

    def total(rewards, gamma, first=0):
        return float(sum(gamma ** (t + first) * reward for t, reward in enumerate(rewards)))

    cases = [([1.0, 2.0, 4.0], 0.5), ([0.5] * 48, 0.99), ([1.0, -5.0], 0.9)]
    verdict.function(
        answer,
        [(case, total(*case)) for case in cases],
        {
            "the first reward is not discounted: γ⁰ = 1": lambda r, g: total(r, g, first=1),
            "this is the plain sum; later rewards count γᵗ times": lambda r, g: total(r, 1.0),
            "the discount runs backwards: it is the last reward that you left whole": lambda r, g: total(r[::-1], g),
            "this is a mean; a return is a sum": lambda r, g: total(r, g) / len(r),
            "every reward is discounted by the same γ; the power grows with t": lambda r, g: r[0] + g * sum(r[1:]),
        },
        "each step later counts γ times less",
    )


def hold_exposure(answer: Callable, episodes: int = 32) -> None:
    """A policy for controls=1, (N, 30) observations to (N, 1) actions, that comes near the expert."""
    import rlfilm_lib as rlfilm
    from rlfilm_lib.envs.movie_scene import MovieScene

    env = MovieScene(episodes, controls=1)
    observations, _ = env.reset(seed=0)
    try:
        actions = answer(observations)
    except Exception as error:
        print(f"✗ for observations of shape {observations.shape} yours stopped with {type(error).__name__}: {error}")
        return
    if actions is None:
        print("not done yet")
        return
    if np.shape(actions) != (episodes, 1):
        print(f"✗ actions of shape {np.shape(actions)} where ({episodes}, 1) is expected; a slice keeps its axis")
        return

    def earned(policy):
        return rlfilm.evaluate(policy, "rlfilm/MovieScene-v0", episodes=episodes, seed=1, controls=1).return_mean

    mine = earned(lambda observations, deterministic=True: np.asarray(answer(observations), np.float32))
    still = earned(lambda observations, deterministic=True: np.zeros((len(observations), 1), np.float32))
    expert = earned(env.expert_policy())
    gained = (mine - still) / (expert - still)
    if gained < -0.05:
        print(f"✗ {mine:.1f} per episode, less than doing nothing ({still:.1f}): is a sign turned round?")
    elif gained < 0.95:
        print(
            f"✗ {mine:.1f} per episode, {still:.1f} for doing nothing, {expert:.1f} for the expert: how far is a step?"
        )
    else:
        print(f"✓ {mine:.1f} per episode, {still:.1f} for doing nothing, {expert:.1f} for the expert")


def quiz(answers: Mapping[int, str | None]) -> None:
    """Four questions on state, action and reward."""
    verdict.quiz(
        answers,
        {1: "c", 2: "a", 3: "b", 4: "b"},
        {
            1: "an episode that is cut off could have gone on; one that ended badly could not.",
            2: "what comes next must follow from what is observed now.",
            3: "move the key light in the viewfinder and count the bars that move.",
            4: "γ = 0.9 looks about 1/(1 - γ) steps ahead; an episode has 48.",
        },
    )
