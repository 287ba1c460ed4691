"""The best shot lengths for a reward are found exactly; the traps are traps; the slider follows."""

import itertools

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("matplotlib")

from rlfilm_lib.film import pacing
from rlfilm_lib.widgets import pace_dial
from rlfilm_lib.widgets.pace_dial import PaceDial

SPREAD = np.log1p(pacing.SPREAD**2)
MIDDLE = np.log(4.0) - SPREAD / 2


def log_density(length, target=None):
    return -((np.log(length) - MIDDLE) ** 2) / (2 * SPREAD) - np.log(length)


def every_film(beats):
    for cuts in itertools.product((False, True), repeat=beats - 1):
        edges = [0, *(beat for beat, cut in enumerate(cuts, start=1) if cut), beats]
        yield np.diff(edges) * 0.5


@pytest.mark.parametrize("mean", [False, True])
def test_the_best_lengths_are_the_best_of_every_film(mean):
    rng = np.random.default_rng(0)
    for _ in range(5):
        targets, noise = rng.uniform(0.5, 3, 9), rng.normal(size=20)

        def worth(length, target, noise=noise):
            return noise[int(2 * length)] - abs(length - target)

        def earned(lengths, worth=worth, targets=targets):
            starts = np.cumsum([0, *lengths[:-1]])
            each = [worth(length, targets[int(2 * start)]) for length, start in zip(lengths, starts, strict=True)]
            return np.mean(each) if mean else np.sum(each)

        best = pace_dial.best_lengths(worth, targets, mean)
        assert best.sum() == 4.5
        assert earned(best) == pytest.approx(max(earned(lengths) for lengths in every_film(9)))


def test_three_rewards_that_sound_right_make_no_film():
    targets, peak = np.full(60, 4.0), log_density(np.exp(MIDDLE - SPREAD))
    endless = pace_dial.best_lengths(log_density, targets)
    flicker = pace_dial.best_lengths(lambda length, _: np.exp(log_density(length) - peak), targets)
    metronome = pace_dial.best_lengths(log_density, targets, mean=True)
    assert endless.tolist() == [30.0]
    assert set(flicker) == {0.5}
    assert len(set(metronome)) == 1 and 1 < len(metronome) < 60


def test_the_duration_weighted_kernel_keeps_pace_and_variety():
    for seed in range(4):
        targets = pace_dial.asked_for(4.0, seed)
        lengths = pace_dial.best_lengths(lambda length, target: length * pacing.rhythm(length, target), targets)
        assert lengths.mean() == pytest.approx(4.0, rel=0.25) and pace_dial.variation(lengths) >= 0.3


def test_lengths_asked_for_fill_the_scene():
    targets = pace_dial.asked_for(4.0, seed=1)
    assert targets.shape == (60,) and len(set(targets)) <= 8 and targets.min() > 0


def test_a_faster_pace_has_shorter_shots():
    average = [pace_dial.lengths_at(pace, 4)[0].mean() for pace in ("slow", "medium", "fast")]
    assert average[0] > average[1] > average[2]
    assert pace_dial.lengths_at("fast", 4)[1].sum() == 30.0


def test_the_dial_follows_its_slider():
    dial = PaceDial(scenes=2)
    medium = dial.words.value
    dial.pace.value = "slow"
    assert "slow: average shot length" in dial.words.value and dial.words.value != medium
    assert "<img" in dial.drawn.value
