"""Shot lengths have the mean and the spread asked for, and rhythm has none of its traps."""

import numpy as np
import pytest

from rlfilm_lib.film import pacing


def test_shot_lengths_have_the_log_normals_moments():
    lengths = pacing.shot_lengths(np.random.default_rng(0).random((2000, 50)), 4.0, 2000)
    np.testing.assert_allclose(lengths.mean(axis=0), 4.0)
    assert lengths.std() / 4 == pytest.approx(1.2, rel=0.05)
    logs = np.log(lengths)
    assert logs.std() == pytest.approx(np.sqrt(np.log(1 + 1.2**2)), rel=0.01)
    skew = ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3
    assert abs(skew) < 0.05, "symmetric on the logarithm"


def test_few_shots_already_have_a_spread():
    lengths = pacing.shot_lengths(np.random.default_rng(1).random((4, 1000)), 8.0, 4, spread=0.6)
    assert ((lengths.std(axis=0) / lengths.mean(axis=0)) > 0.3).mean() > 0.95


def test_lengths_come_in_any_order():
    lengths = pacing.shot_lengths(np.random.default_rng(2).random((3, 3000)), 2.0, 3)
    np.testing.assert_allclose((lengths.argmax(axis=0)[:, None] == range(3)).mean(axis=0), 1 / 3, atol=0.03)


def test_uniforms_must_be_one_per_shot():
    with pytest.raises(ValueError, match=r"uniforms has shape \(3,\); give \(4, ...\)"):
        pacing.shot_lengths(np.zeros(3), 2.0, 4)


def test_rhythm_by_hand():
    assert pacing.rhythm(6.0, 4.0) == pytest.approx(np.exp(-0.5 * (np.log(1.5) / 0.3) ** 2))
    assert pacing.pace([6.0, 2.0], [4.0, 2.0]) == pytest.approx((6 * pacing.rhythm(6.0, 4.0) + 2) / 8)


def test_the_traps_score_below_the_lengths_asked_for():
    """Of 60 s: one endless shot, flicker of half seconds, all at the mode, and the drawn lengths themselves."""
    asked = pacing.shot_lengths(np.random.default_rng(3), 4.0, 15)
    assert pacing.pace(asked, asked) == 1
    mode = 4.0 / (1 + 1.2**2) ** 1.5
    others = {"endless": 60.0, "flicker": 0.5, "mode": mode}
    for name, length in others.items():
        starts = np.arange(0, 60 - 1e-9, length)
        target = asked[np.searchsorted(asked.cumsum(), starts, side="right")]
        assert pacing.pace(np.full(len(starts), length), target) < 0.5, name
