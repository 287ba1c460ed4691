"""Checkers of lesson 00_first_take."""

from collections.abc import Callable, Mapping

from rlfilm_lib.widgets.checks import verdict


def normalised_score(answer: Callable) -> None:
    """normalised_score(earned, random, expert) = (earned - random) / (expert - random)."""
    verdict.function(
        answer,
        [((20.0, 10.0, 30.0), 0.5), ((10.0, 10.0, 30.0), 0.0), ((30.0, 10.0, 30.0), 1.0), ((4.0, 10.0, 30.0), -0.3)],
        {
            "the expert scores 1, but the random policy does not score 0: take its return away above the line too": (
                lambda earned, random, expert: earned / expert
            ),
            "the random policy scores 0, but the expert does not score 1: what spans from one to the other?": (
                lambda earned, random, expert: (earned - random) / expert
            ),
            "the random policy scores 1 and the expert 0: the scale is upside down": (
                lambda earned, random, expert: (expert - earned) / (expert - random)
            ),
            "the sign is turned round: below the line stands expert - random": (
                lambda earned, random, expert: (earned - random) / (random - expert)
            ),
        },
        "random is 0, the expert is 1, and worse than random is negative",
    )


def hours_filmed(answer: float | None) -> None:
    """400,000 steps of two frames at 24 frames per second, in hours."""
    hours = 400_000 * 2 / 24 / 3600
    verdict.value(
        answer,
        hours,
        {
            "one action lasts two frames: is a factor 2 missing?": hours / 2,
            "these are seconds; an hour has 3,600 of them": hours * 3600,
            "these are minutes; an hour has 60 of them": hours * 60,
            "you counted a step as a second; a second of film has 24 frames, two per step": 400_000 / 3600,
            "16 environments film side by side, but their steps are already counted together": hours / 16,
        },
        "about nine hours of film, shot in less time than it takes to watch a minute of it",
    )


def quiz(answers: Mapping[int, str | None]) -> None:
    """Three questions on what was shown."""
    verdict.quiz(
        answers,
        {1: "b", 2: "c", 3: "a"},
        {
            1: "nobody wrote down a camera move; look again at what the learner receives.",
            2: "compare the yardsticks: 0 is not zero reward.",
            3: "two runs differ by the seed alone; how would you know that one of them was lucky?",
        },
    )
