"""What a clip shows, read from its frames by small convolutional networks that were trained here.

Two networks, of different sizes, trained on different clips from different first weights:
- `features.safetensors`: its last hidden layer is the space in which realism is measured (`video.metrics.frechet`). It
  was trained to tell how noisy a clip is, too, and how strong the ghosts of other frames in it are;
- `held_out.safetensors`: it tells whether a clip shows what its caption says (`video.metrics.condition_match`). It is
  never a reward, so that what is tuned on a reward can be judged by it.

Each follows the subject with its gaze (see `gaze`): in every frame it looks at the picture about the subject, by
convolutions of stride 2 that go round at the edges, and at how far the gaze went. Then it looks along time, and takes
the mean and the largest over time; so clips of any length from 8 frames on can be read. They were trained on clips of 8
to 16 frames, half of them as the codec shows them, by

    $ python course/media/video_features.py
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video.captions import VOCABULARY, Caption

HERE = Path(__file__).resolve().parent
SIZE = 16
"""Pixels at which pictures are looked at; larger ones are averaged down."""
SHORTEST = 8
"""Frames that the convolutions along time need."""
BATCH = 64
"""Clips that are looked at together, to keep memory small."""

Weights = dict[str, NDArray[np.float32]]
Network = Literal["features", "held_out"]


def features(frames: NDArray[np.uint8], network: Network = "features") -> NDArray[np.float32]:
    """The last hidden layer's activations (N, F) for clips (N, T, H, W, 3) uint8, T at least 8.

    >>> features(np.zeros((2, 8, 16, 16, 3), np.uint8)).shape
    (2, 64)
    """
    weights = _load(network)
    return np.concatenate([activations(weights, frames[i : i + BATCH]) for i in range(0, len(frames), BATCH)])


def classify(frames: NDArray[np.uint8], network: Network = "features") -> dict[str, NDArray[np.float32]]:
    """Log-probabilities of every word, by slot of the caption: {"colour": (N, 6), …} for clips (N, T, H, W, 3)."""
    weights, hidden = _load(network), features(frames, network)
    return {slot: _log_softmax(hidden @ weights[f"{slot}/kernel"] + weights[f"{slot}/bias"]) for slot in VOCABULARY}


def caption(frames: NDArray[np.uint8], network: Network = "features") -> list[Caption]:
    """What each of the clips (N, T, H, W, 3) most likely shows."""
    words = classify(frames, network)
    return grammar.decode(np.stack([words[slot].argmax(axis=1) for slot in VOCABULARY], axis=1))


def accuracy(frames: NDArray[np.uint8], captions: Sequence[Caption], network: Network = "held_out") -> dict[str, float]:
    """How often the network reads the caption's word in clips (N, T, H, W, 3), by slot."""
    right = grammar.encode(caption(frames, network)) == grammar.encode(captions)
    return {slot: float(share) for slot, share in zip(VOCABULARY, right.mean(axis=0), strict=True)}


def activations(weights: Weights, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The forward pass: clips (N, T, H, W, 3) uint8 → (N, F). The sizes of the layers are those of the weights.

    UserError for fewer than 8 frames.
    """
    n, length = frames.shape[:2]
    if length < SHORTEST:
        raise UserError(f"a clip of {length} frames is too short to be judged; give {SHORTEST} or more")
    x, went = gaze(frames)
    x = x.reshape(-1, SIZE, SIZE, 3)
    for layer in range(2):
        x = _relu(_convolve(x, weights[f"space/{layer}/kernel"]) + weights[f"space/{layer}/bias"])
    x = _relu(x.reshape(n, length, -1) @ weights["frame/kernel"] + weights["frame/bias"])
    x = np.concatenate([x, went], axis=2)
    for layer in range(2):
        kernel = weights[f"time/{layer}/kernel"]
        steps = [x[:, k : x.shape[1] - len(kernel) + 1 + k] @ kernel[k] for k in range(len(kernel))]
        x = _relu(sum(steps, weights[f"time/{layer}/bias"]))
    pooled = np.concatenate([x.mean(axis=1), x.max(axis=1)], axis=1)
    return _relu(pooled @ weights["features/kernel"] + weights["features/bias"])


def gaze(frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Clips (N, T, H, W, 3) as an eye sees them that follows the subject: pictures (N, T, 16, 16, 3), see `shrink`,
    with the subject in the middle, and how far the gaze went since the frame before, (N, T, 2) right and down, pixels.

    The gaze rests on the mean place, on the circle that a row or a column closes to, of how much the pixels differ
    from the ground, which is their median.

    >>> frames = np.zeros((1, 8, 16, 16, 3), np.uint8)
    >>> for t in range(8):
    ...     frames[0, t, 5, (12 + t) % 16] = 255  # a dot that leaves the picture on the right
    >>> pictures, went = gaze(frames)
    >>> bool((pictures[0, :, 8, 8] > 3.5).all()), went[0, 1:].round(3).tolist() == [[1, 0]] * 7
    (True, True)
    """
    n, length = frames.shape[:2]
    x = shrink(frames.reshape(-1, *frames.shape[2:]))
    ground = np.median(x.reshape(len(x), -1, 3), axis=1)[:, None, None]
    weight = ((x - ground) ** 2).sum(axis=-1)
    circle = np.exp(2j * np.pi * np.arange(SIZE) / SIZE)
    place = np.stack([np.angle(weight.sum(axis=axis) @ circle) for axis in (1, 2)], axis=1) * (SIZE / (2 * np.pi))
    columns, rows = np.rint(place).astype(int).T
    about = np.arange(SIZE) - SIZE // 2
    down, across = (rows[:, None] + about) % SIZE, (columns[:, None] + about) % SIZE
    pictures = x[np.arange(len(x))[:, None, None], down[:, :, None], across[:, None, :]]
    went = np.diff(place.reshape(n, length, 2), axis=1, prepend=place.reshape(n, length, 2)[:, :1])
    went -= SIZE * np.rint(went / SIZE)
    return pictures.reshape(n, length, SIZE, SIZE, 3), went.astype(np.float32)


def shrink(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures (N, H, W, 3) uint8 averaged down to (N, 16, 16, 3), scaled to about mean 0 and variance 1.

    >>> shrink(np.full((1, 24, 24, 3), 255, np.uint8))[0, 0, 0].astype(float).round(2).tolist()
    [3.6, 3.6, 3.6]
    """
    x = pictures.astype(np.float32) * (4 / 255) - 0.4
    down, across = (_averaging(edge) for edge in pictures.shape[1:3])
    if down is not None:
        x = np.einsum("ph,nhwc->npwc", down, x)
    if across is not None:
        x = np.einsum("qw,npwc->npqc", across, x)
    return x


@functools.cache
def _averaging(edge: int) -> NDArray[np.float32] | None:
    """The share of each of `edge` pixels in each of 16, (16, edge); None where they are the same."""
    if edge == SIZE:
        return None
    low, high = (np.arange(SIZE) + i for i in (0, 1))
    ends = np.minimum(high[:, None] * edge / SIZE, np.arange(edge) + 1)
    starts = np.maximum(low[:, None] * edge / SIZE, np.arange(edge))
    return (np.maximum(ends - starts, 0) * SIZE / edge).astype(np.float32)


def _convolve(x: NDArray, kernel: NDArray) -> NDArray:
    """Convolution of stride 2 that goes round at the edges: x (N, H, W, C), kernel (k, k, C, D) → (N, H/2, W/2, D)."""
    k, edge = len(kernel), x.shape[1]
    pad = k // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="wrap")
    seen = [x[:, i : i + edge : 2, j : j + edge : 2] for i in range(k) for j in range(k)]
    return np.concatenate(seen, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])


def _relu(x: NDArray) -> NDArray:
    return np.maximum(x, 0)


def _log_softmax(logits: NDArray) -> NDArray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@functools.cache
def _load(network: Network) -> Weights:
    return load_file(HERE / f"{network}.safetensors")
