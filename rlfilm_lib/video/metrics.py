"""What made clips are judged by: realism, coherence, and whether they show what was asked for.

| measure           | of                        | best | what it notices                                       |
|-------------------|---------------------------|------|-------------------------------------------------------|
| frechet           | features of two sets      | 0    | whatever moves their distribution, the order of frames too |
| precision, recall | features of two sets      | 1    | clips unlike any real one; real ones unlike any made  |
| warp_error        | clips                     | low  | change that no motion explains                        |
| flicker           | clips                     | low  | change that goes back at once                         |
| freeze_rate       | clips                     | low  | frames that stay as they are                          |
| loop_rate         | clips                     | low  | frames that were there before                         |
| condition_match   | clips and what was asked  | 1    | another subject, motion, look or beat than asked for  |
| ssim, psnr        | frames and their likeness | high | any difference from one given picture                 |

Clips of the data are not at the best value of each: a disc that goes round comes by its own place again. Read every
figure beside the same figure of real clips.

Clips are (N, T, H, W, 3) uint8; features are `video.features.features` of them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data
from rlfilm_lib.video import features as network
from rlfilm_lib.video.captions import VOCABULARY, Caption

FROZEN = 1 / 255
"""Mean absolute difference, of full scale, below which two frames are the same."""
APART = 4
"""Frames between a frame and the one that it repeats, at least."""


# Realism


def frechet(real: NDArray, made: NDArray) -> float:
    """Fréchet distance of the Gaussians that fit two sets of features (N, F), (M, F) (Heusel et al. 2017, eq. 6).

    ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½). UserError for fewer than two of either.

    >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> round(frechet(square, square + [3, 4]), 6), round(frechet(square, 2 * square), 6)  # 3² + 4²; 2 (2 - 1)² · 4/3
    (25.0, 2.666667)
    """
    for each in (real, made):
        if len(each) < 2:
            raise UserError(f"a distance of distributions needs two clips or more of each; there are {len(each)}")
    means = [each.mean(axis=0, dtype=np.float64) for each in (real, made)]
    first, second = (np.atleast_2d(np.cov(each, rowvar=False, dtype=np.float64)) for each in (real, made))
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    shared = np.linalg.eigvalsh(root @ second @ root)  # (Σ₁ Σ₂)^½ has the eigenvalues of (Σ₁^½ Σ₂ Σ₁^½)^½
    spread = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(shared, 0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + spread)


def precision_recall(real: NDArray, made: NDArray, k: int = 3) -> tuple[float, float]:
    """Share of made features (M, F) that lie among the real ones (N, F), and of real ones among the made.

    "Among" is within the distance of some point of the set to its k-th nearest neighbour (Kynkäänniemi et al. 2019).

    >>> line = np.arange(10.0)[:, None]
    >>> precision_recall(line, line[:4] + 0.1), precision_recall(line, line + 100)
    ((1.0, 0.7), (0.0, 0.0))
    """
    if min(len(real), len(made)) <= k:
        raise UserError(f"the {k}-th neighbour needs more than {k} clips; there are {len(real)} and {len(made)}")
    between = _distances(real, made)
    reach_real, reach_made = (np.sort(_distances(x, x), axis=1)[:, k] for x in (real, made))
    return float((between <= reach_real[:, None]).any(axis=0).mean()), float((between <= reach_made).any(axis=1).mean())


def _distances(a: NDArray, b: NDArray) -> NDArray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


# Coherence


def warp_error(clips: NDArray[np.uint8], enlarge: int = 4) -> float:
    """What is left of the change from frame to frame when the motion is taken out (Lai et al. 2018), of full scale.

    Each frame is warped back to the one before it by the optical flow between them (dense inverse search, Kroeger et
    al. 2016, OpenCV's), and their mean absolute difference is taken. Flow is sought in pictures `enlarge` times as
    large, that go round at the edges as the clips do.
    """
    cv2 = _opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    n, length, height, width = clips.shape[:4]
    pad = (height // 4, width // 4)
    rows, columns = (np.arange(edge + 2 * p) for edge, p in zip((height, width), pad, strict=True))
    error = 0.0
    inner = tuple(slice(enlarge * p, enlarge * (edge + p)) for p, edge in zip(pad, (height, width), strict=True))
    grid = np.stack(np.meshgrid(np.arange(enlarge * len(columns)), np.arange(enlarge * len(rows))), axis=-1)
    grid = grid.astype(np.float32)
    for clip in clips:
        around = np.pad(clip, ((0, 0), (pad[0],) * 2, (pad[1],) * 2, (0, 0)), mode="wrap")
        large = [cv2.resize(frame, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_LINEAR) for frame in around]
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in large]
        for t in range(length - 1):
            flow = search.calc(grey[t], grey[t + 1], None)
            back = cv2.remap(large[t + 1], grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            error += float(np.abs(back[inner].astype(np.float32) - large[t][inner]).mean()) / 255
    return error / (n * (length - 1))


def _opencv():
    try:
        import cv2
    except ImportError:
        raise UserError("optical flow needs OpenCV, which is not installed; run: pip install 'rlfilm[video]'") from None
    return cv2


def flicker(clips: NDArray[np.uint8]) -> float:
    """Change that goes back at once: the mean of |xₜ₊₁ - 2 xₜ + xₜ₋₁| over pixels and time, of full scale.

    >>> black, white = np.zeros((1, 1, 2, 2, 3), np.uint8), np.full((1, 1, 2, 2, 3), 255, np.uint8)
    >>> flicker(np.concatenate([black, white, black], axis=1)), flicker(np.concatenate([black] * 3, axis=1))
    (2.0, 0.0)
    """
    x = clips.astype(np.float32) / 255
    return float(np.abs(x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]).mean())


def freeze_rate(clips: NDArray[np.uint8]) -> float:
    """Share of frames, from the second on, that differ from the one before by less than 1/255 on the average.

    >>> freeze_rate(np.array([0, 0, 9, 9, 90], np.uint8).reshape(1, 5, 1, 1, 1) * np.ones(3, np.uint8))
    0.5
    """
    x = clips.astype(np.float32) / 255
    return float((np.abs(np.diff(x, axis=1)).mean(axis=(2, 3, 4)) < FROZEN).mean())


def loop_rate(clips: NDArray[np.uint8]) -> float:
    """Share of frames, from the fifth on, that repeat one which lies four or more frames back, though the clip moved.

    Repeated is what is nearer to the earlier frame than 1/255, or than a quarter of the usual step from frame to frame.

    >>> turn = np.array([0, 80, 160, 80] * 3, np.uint8)
    >>> loop_rate(turn.reshape(1, 12, 1, 1, 1) * np.ones(3, np.uint8)), loop_rate(np.zeros((1, 12, 2, 2, 3), np.uint8))
    (1.0, 0.0)
    """
    x = clips.reshape(*clips.shape[:2], -1).astype(np.float32) / 255
    step = np.abs(np.diff(x, axis=1)).mean(axis=2)  # (N, T - 1)
    usual = np.median(step, axis=1)
    repeated = []
    for t in range(APART, x.shape[1]):
        away = np.abs(x[:, : t - APART + 1] - x[:, t : t + 1]).mean(axis=2)
        moved = step[:, t - APART : t].max(axis=1) >= FROZEN
        repeated.append(moved & (away.min(axis=1) < np.maximum(usual / 4, FROZEN)))
    return float(np.mean(repeated))


# What was asked for


def condition_match(
    clips: NDArray[np.uint8],
    captions: Sequence[Caption] | None = None,
    reference: NDArray[np.uint8] | None = None,
    onsets: NDArray | None = None,
) -> dict[str, float]:
    """How far clips show what was asked for; 1 is best, of what is given:

    | key                                     | meaning                                                           |
    |-----------------------------------------|-------------------------------------------------------------------|
    | colour, subject, verb, speed, direction | share of clips in which the held-out network reads this word      |
    | text                                    | the mean of these five                                            |
    | image                                   | SSIM of the first frame and the reference, mean over clips        |
    | sound                                   | correlation of the subject's size with the beats' pulse, mean too |
    """
    match: dict[str, float] = {}
    if captions is not None:
        match |= network.accuracy(clips, captions)
        match["text"] = float(np.mean([match[slot] for slot in VOCABULARY]))
    if reference is not None:
        match["image"] = ssim(clips[:, 0], reference)
    if onsets is not None:
        match["sound"] = beat_correlation(clips, onsets)
    return match


def beat_correlation(clips: NDArray[np.uint8], onsets: NDArray) -> float:
    """Correlation over time of the subject's size with `data.pulse` of the onsets (N, T), mean over clips that have
    beats. The size is how far a frame's pixels are from its ground, the median; a clip that doesn't change counts 0."""
    x = clips.astype(np.float32) @ np.ones(3, np.float32)
    size = np.abs(x - np.median(x, axis=(2, 3), keepdims=True)).mean(axis=(2, 3))
    pulse = data.pulse(onsets)
    size, pulse = (each - each.mean(axis=1, keepdims=True) for each in (size, pulse))
    audible = np.ptp(pulse, axis=1) > 0
    if not audible.any():
        raise UserError("none of the clips has beats; a match with the sound needs some")
    power = np.sqrt((size**2).sum(axis=1) * (pulse**2).sum(axis=1))
    return float(((size * pulse).sum(axis=1) / np.maximum(power, 1e-6))[audible].mean())


# Against one picture


def ssim(frames: NDArray[np.uint8], likeness: NDArray[np.uint8]) -> float:
    """Structural similarity of pictures (N, H, W, 3) and what they should be, mean over both (scikit-image's).

    >>> frames = np.random.default_rng(0).integers(256, size=(2, 16, 16, 3), dtype=np.uint8)
    >>> ssim(frames, frames)
    1.0
    """
    measure = _skimage().structural_similarity
    pairs = zip(frames, likeness, strict=True)
    return float(np.mean([measure(a, b, channel_axis=-1, data_range=255) for a, b in pairs]))


def psnr(frames: NDArray[np.uint8], likeness: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of all pictures together, dB (scikit-image's).

    >>> round(psnr(np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 51, np.uint8)), 2)  # 51 is a fifth of 255
    13.98
    """
    return float(_skimage().peak_signal_noise_ratio(likeness, frames, data_range=255))


def _skimage():
    try:
        import skimage.metrics
    except ImportError:
        raise UserError(
            "SSIM and PSNR need scikit-image, which is not installed; run: pip install 'rlfilm[video]'"
        ) from None
    return skimage.metrics
