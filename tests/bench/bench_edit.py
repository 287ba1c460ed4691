"""How much faster FilmEdit-v0's dynamic program finds the optimum than naive recursions do: 60 beats, 4 angles.

    python tests/bench/bench_edit.py

- "every cut": the recursion that tries each choice at each beat. It is timed on the first beats of a scene, and its
  time on 60 is extrapolated: every further beat multiplies it by the number of choices.
- "remembered": the recursion of `solve` shot by shot in plain Python, which remembers what it has found. It is timed on
  all 60 beats.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from rlfilm_lib.envs import coverage, film_edit
from rlfilm_lib.envs.batch import mix
from rlfilm_lib.envs.coverage import CUT_ON_ELLIPSE, JOINS, PAIR, Scene
from rlfilm_lib.envs.film_edit import CUT, DISSOLVE, PING_PONG, WEIGHTS
from rlfilm_lib.film import pacing

FEW_BEATS = 4
SCENES = 32


class Naive:
    """One scene, scored shot by shot in plain Python."""

    def __init__(self, scene: Scene, beats: int) -> None:
        self.angles, self.beats, self.ellipse = len(scene.shot), beats, int(scene.ellipse[0, 0])
        self.rows = {name: np.asarray(rows, float)[..., 0].tolist() for name, rows in scene._asdict().items()}
        target = [max(value, 1e-9) for value in self.rows["target"]]
        self.rhythm = [[float(pacing.rhythm(length, t)) for length in range(1, beats + 1)] for t in target[:beats]]

    def shot(self, before: int | None, angle: int, join: int, start: int, end: int) -> float:
        """The score of one shot, and of the cut into it."""
        rows, speech, listener, transition = self.rows, 1.0, 1.0, 1.0
        steady = sum(WEIGHTS[name] for name in (*CUT, "beat"))
        if before is not None:
            pair, lapse = PAIR[before, angle], start == self.ellipse
            steady = WEIGHTS["beat"] * rows["beat"][start]
            if lapse and join == DISSOLVE:
                steady += sum(WEIGHTS[name] for name in CUT)
            else:
                for name in CUT:
                    value = rows[name][pair]
                    steady += WEIGHTS[name] * (value[start] if isinstance(value, list) else value)
                spoke, speaks = rows["handover"][start], rows["speaker"][start]
                if rows["subject"][before] == spoke and rows["subject"][angle] == speaks:
                    listener = PING_PONG
            speech = rows["word"][join][start]
            transition = float(lapse) if join == DISSOLVE else CUT_ON_ELLIPSE if lapse else 1.0
        unbroken = min(end, self.ellipse) - start if start < self.ellipse else end - start
        length = end - start
        return (
            length * steady
            + WEIGHTS["shot"] * sum(rows["shot"][angle][start:end])
            + WEIGHTS["listener"] * listener * sum(rows["listener"][angle][start:end])
            + WEIGHTS["speech"] * speech * sum(rows["heard"][angle][start:end])
            + WEIGHTS["transition"] * transition * unbroken
            + WEIGHTS["rhythm"] * length * self.rhythm[start][length - 1]
        )

    def every_cut(self) -> float:
        """The best return, by trying every choice at every beat."""

        def beyond(before: int | None, angle: int, join: int, start: int, beat: int) -> float:
            if beat == self.beats:
                return self.shot(before, angle, join, start, beat)
            best = beyond(before, angle, join, start, beat + 1)
            ended = self.shot(before, angle, join, start, beat)
            for other in range(self.angles):
                if other != angle:
                    for way in range(len(JOINS)):
                        best = max(best, ended + beyond(angle, other, way, beat, beat + 1))
            return best

        return max(beyond(None, angle, 0, 0, 1) for angle in range(self.angles))

    def remembered(self) -> float:
        """The best return, by a recursion over shots that remembers."""

        @cache
        def after(beat: int, before: int | None) -> float:
            if beat == self.beats:
                return 0.0
            return max(
                self.shot(before, angle, join, beat, end) + after(end, angle)
                for angle in range(self.angles)
                if angle != before
                for join in range(len(JOINS) if before is not None else 1)
                for end in range(beat + 1, self.beats + 1)
            )

        return after(0, None)


def bench() -> dict[str, float]:
    """Seconds of CPU per scene, and how many times longer the naive recursions take."""
    scenes = coverage.draw(mix(np.arange(1, SCENES + 1, dtype=np.uint64)), np.arange(SCENES) % 3)
    one = scenes.of([0])
    film_edit.solve(one)
    single, _ = min((_timed(lambda: film_edit.solve(one)) for _ in range(5)), key=lambda result: result[0])
    batch, plan = min((_timed(lambda: film_edit.solve(scenes)) for _ in range(3)), key=lambda result: result[0])
    batch /= SCENES
    remembered, found = _timed(Naive(one, coverage.BEATS).remembered)
    assert abs(found - plan.score[0]) < 1e-4, "the recursion and the dynamic program disagree"
    tried, _ = _timed(Naive(one, FEW_BEATS).every_cut)
    choices = 1 + 3 * len(JOINS)
    return {
        "dynamic program, s per scene, one alone": round(single, 5),
        f"dynamic program, s per scene, {SCENES} together": round(batch, 5),
        "recursion that remembers, s per scene": round(remembered, 3),
        "times faster than it, one alone": round(remembered / single),
        f"times faster than it, {SCENES} together": round(remembered / batch),
        f"recursion over every cut, s, {FEW_BEATS} beats": round(tried, 4),
        "log10 of its seconds on 60 beats, extrapolated": round(
            float(np.log10(tried) + (coverage.BEATS - FEW_BEATS) * np.log10(choices)), 1
        ),
        "log10 of times faster than it": round(
            float(np.log10(tried / single) + (coverage.BEATS - FEW_BEATS) * np.log10(choices)), 1
        ),
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


if __name__ == "__main__":
    json.dump(bench(), sys.stdout, indent=1)
    print()
