"""Each measure moves the right way under known damage: noise, shuffled, frozen, looped frames, other captions."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data, metrics
from rlfilm_lib.video.features import features

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def real():
    return data.make(300, seed=11)


def noisy(frames, strength=25):
    return np.clip(frames + np.random.default_rng(0).normal(0, strength, frames.shape), 0, 255).astype(np.uint8)


def shuffled(frames):
    rng = np.random.default_rng(0)
    return np.stack([clip[rng.permutation(len(clip))] for clip in frames])


def frozen(frames):
    still = frames.copy()
    still[:, 8:] = frames[:, 7:8]
    return still


def looped(frames):
    return np.concatenate([frames[:, :8], frames[:, :8]], axis=1)


DAMAGE = {"noise": noisy, "shuffled": shuffled, "frozen": frozen, "looped": looped}


@pytest.fixture(scope="module")
def seen(real):
    """Features of real clips, of other real clips, and of the damaged ones."""
    others = features(data.make(300, seed=12).frames)
    return {"real": features(real.frames), "others": others} | {
        name: features(damage(real.frames)) for name, damage in DAMAGE.items()
    }


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_frechet_distance_notices(seen, damage):
    """Shuffled frames too, though each single frame is real."""
    same, damaged = metrics.frechet(seen["others"], seen["real"]), metrics.frechet(seen["others"], seen[damage])
    assert damaged > 2 * same


def test_more_noise_is_further_away(real, seen):
    distances = [metrics.frechet(seen["others"], features(noisy(real.frames, strength))) for strength in (5, 15, 45)]
    assert distances == sorted(distances)


def test_frechet_of_gaussians_in_closed_form():
    """Diagonal covariances: Σ (μ₁ - μ₂)² + (σ₁ - σ₂)²; rotation changes nothing."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4000, 3))
    x = np.linalg.solve(np.linalg.cholesky(np.cov(x.T)), (x - x.mean(axis=0)).T).T  # exactly white
    a, b = x * [1, 2, 3], x * [2, 2, 0.5] + [1, 0, -1]
    assert metrics.frechet(a, b) == pytest.approx(1 + 0 + 1 + 1 + 0 + 2.5**2)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    assert metrics.frechet(a @ turn, b @ turn) == pytest.approx(metrics.frechet(a, b))
    assert metrics.frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_precision_notices_noise_and_recall_a_missing_mode(real, seen):
    precision, recall = metrics.precision_recall(seen["others"], seen["real"])
    assert precision > 0.75 and recall > 0.75
    assert metrics.precision_recall(seen["others"], features(noisy(real.frames, 80)))[0] < precision - 0.3
    few = features(real.frames[[caption.colour == "red" for caption in real.captions]])
    assert metrics.precision_recall(seen["others"], few)[1] < recall - 0.3


def test_precision_and_recall_by_hand():
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    inside, outside = np.full((4, 2), 0.5), np.full((4, 2), 9.0)
    made = np.concatenate([inside[:2], outside[:2]])
    precision, _ = metrics.precision_recall(square, made, k=2)  # each reaches √1 to its second neighbour
    assert precision == 0.5


def test_coherence_moves_the_right_way(real):
    pytest.importorskip("cv2")
    frames = real.frames[:20]
    warp = {name: metrics.warp_error(damage(frames)) for name, damage in DAMAGE.items()}
    good = metrics.warp_error(frames)
    assert warp["noise"] > 4 * good and warp["shuffled"] > 2 * good and warp["looped"] > good > warp["frozen"]
    assert metrics.flicker(noisy(frames)) > 2 * metrics.flicker(frames) > 2 * metrics.flicker(frozen(frames))
    assert metrics.flicker(shuffled(frames)) > 1.5 * metrics.flicker(frames)


def test_freezing_and_looping_are_counted(real):
    assert metrics.freeze_rate(real.frames) < 0.02
    assert metrics.freeze_rate(frozen(real.frames)) == pytest.approx(8 / 15, abs=0.02)
    assert metrics.loop_rate(real.frames) < 0.05
    assert metrics.loop_rate(looped(real.frames)) == pytest.approx(8 / 12, abs=0.05)
    assert metrics.loop_rate(frozen(real.frames)) < 0.05


def test_a_pan_leaves_no_warp_error():
    pytest.importorskip("cv2")
    smooth = np.kron(np.random.default_rng(0).integers(256, size=(4, 4, 3)), np.ones((8, 8, 1))).astype(np.float32)
    for axis in (0, 1):
        smooth = sum(np.roll(smooth, shift, axis) for shift in range(-4, 5)) / 9
    pan = np.stack([np.roll(smooth, t, axis=1) for t in range(8)])[None].astype(np.uint8)
    still_error = np.abs(np.diff(pan.astype(float), axis=1)).mean() / 255
    assert metrics.warp_error(pan) < 0.2 * still_error


def test_swapped_captions_references_and_sounds_are_noticed(real):
    pytest.importorskip("skimage")
    match = metrics.condition_match(real.frames, real.captions, real.reference, real.onsets)
    assert match["text"] > 0.93 and match["image"] > 0.85 and match["sound"] > 0.97
    turned = np.roll(np.arange(len(real.captions)), 1)
    swapped = metrics.condition_match(real.frames, [real.captions[i] for i in turned], real.reference[turned])
    for slot, chance in {"colour": 1 / 6, "subject": 1 / 13, "verb": 1 / 3, "speed": 1 / 2, "direction": 1 / 4}.items():
        assert swapped[slot] == pytest.approx(chance, abs=0.13)
    assert swapped["image"] < match["image"] - 0.4
    assert abs(metrics.beat_correlation(real.frames, real.onsets[turned])) < 0.15
    assert abs(metrics.beat_correlation(shuffled(real.frames), real.onsets)) < 0.15


def test_only_what_was_asked_for_is_measured(real):
    assert set(metrics.condition_match(real.frames[:4], onsets=real.onsets[:4])) == {"sound"}
    assert set(metrics.condition_match(real.frames[:4], real.captions[:4])) == {
        "colour", "subject", "verb", "speed", "direction", "text",
    }  # fmt: skip


def test_likeness(real):
    pytest.importorskip("skimage")
    frames = real.frames[:4, 0]
    assert metrics.ssim(frames, frames) == pytest.approx(1.0)
    assert metrics.ssim(noisy(frames, 50), frames) < metrics.ssim(noisy(frames, 10), frames) < 0.99
    assert metrics.psnr(noisy(frames, 50), frames) < metrics.psnr(noisy(frames, 10), frames)


def test_refused(real):
    with pytest.raises(UserError, match="needs two clips or more of each; there are 1"):
        metrics.frechet(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(UserError, match="more than 3 clips; there are 5 and 3"):
        metrics.precision_recall(np.zeros((5, 3)), np.zeros((3, 3)))
    with pytest.raises(UserError, match="none of the clips has beats"):
        metrics.beat_correlation(real.frames[:2], np.zeros((2, 16)))
