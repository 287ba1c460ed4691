"""The networks that read clips: they read clips that they never saw, at any size, and are two."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data, features
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA

pytest.importorskip("sklearn")
NETWORKS = pytest.mark.parametrize("network", ["features", "held_out"])


@pytest.fixture(scope="module")
def clips():
    return data.make(256, seed=7)


@NETWORKS
def test_clips_of_other_seeds_are_read(clips, network):
    """The bounds are four standard errors of 256 clips below what `course/media/video_features.json` holds."""
    share = features.accuracy(clips.frames, clips.captions, network)
    assert share["colour"] > 0.98 and share["verb"] > 0.98 and share["speed"] > 0.98
    assert share["subject"] > 0.93 and share["direction"] > {"features": 0.86, "held_out": 0.95}[network]


@NETWORKS
def test_they_are_read_as_the_codec_shows_them(clips, network):
    codec = PCA.fit(data.make(256, seed=8).frames, 64)
    share = features.accuracy(codec.decode(codec.encode(clips.frames)), clips.captions, network)
    assert np.mean(list(share.values())) > 0.9 and share["subject"] > 0.75


def test_larger_pictures_and_longer_clips_are_read():
    clips = data.make(96, seed=9, size=40, frames=24)
    share = features.accuracy(clips.frames, clips.captions)
    assert np.mean(list(share.values())) > 0.9


def test_averaging_down_keeps_the_light():
    pictures = np.random.default_rng(0).integers(256, size=(3, 40, 24, 3), dtype=np.uint8)
    shrunk = features.shrink(pictures)
    assert shrunk.shape == (3, 16, 16, 3)
    np.testing.assert_allclose(shrunk.mean(axis=(1, 2)), pictures.mean(axis=(1, 2)) / 63.75 - 0.4, atol=1e-4)
    halved = pictures[:, :32, :16].reshape(3, 16, 2, 16, 3).mean(axis=2) / 63.75 - 0.4
    np.testing.assert_allclose(features.shrink(pictures[:, :32, :16]), halved, atol=1e-5)


def test_the_gaze_follows_the_subject():
    """On clips in which it goes straight, the gaze goes as far as the subject does, and the picture stays."""
    clips = data.make(128, seed=4, beats=False)
    straight = clips.take([i for i, caption in enumerate(clips.captions) if caption.verb == "moves"])
    pictures, went = features.gaze(straight.frames)
    speed = {"slowly": data.SPEED[0], "fast": data.SPEED[1]}
    for caption, far in zip(straight.captions, went, strict=True):
        heading = data.HEADINGS[["left", "right", "up", "down"].index(caption.direction)]
        expected = 16 * data.CALM * speed[caption.speed] * heading
        np.testing.assert_allclose(far[1:].mean(axis=0), expected, atol=0.1)
    turned = np.roll(straight.frames, (3, -5), axis=(2, 3))
    np.testing.assert_allclose(features.gaze(turned)[0], pictures, atol=1e-5)


def test_convolution_by_hand():
    picture = np.arange(16.0).reshape(1, 4, 4, 1)
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1], kernel[0, 1] = 1.0, 10.0  # the pixel itself, and ten times the one above it, round the edge
    np.testing.assert_allclose(features._convolve(picture, kernel)[0, :, :, 0], [[120, 142], [48, 70]])


@NETWORKS
def test_the_same_as_pytorch(network):
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    weights = {name: torch.from_numpy(array) for name, array in features._load(network).items()}
    frames = data.make(4, seed=1, frames=12).frames
    pictures, went = (torch.from_numpy(part).flatten(0, 1) for part in features.gaze(frames))
    x = pictures.permute(0, 3, 1, 2)
    for layer in range(2):
        kernel = weights[f"space/{layer}/kernel"].permute(3, 2, 0, 1)
        pad = kernel.shape[-1] // 2
        x = functional.pad(x, (pad,) * 4, mode="circular")
        x = torch.relu(functional.conv2d(x, kernel, weights[f"space/{layer}/bias"], stride=2))
    x = torch.relu(x.permute(0, 2, 3, 1).flatten(1) @ weights["frame/kernel"] + weights["frame/bias"])
    x = torch.cat([x, went], dim=1).unflatten(0, (4, 12)).transpose(1, 2)
    for layer in range(2):
        kernel = weights[f"time/{layer}/kernel"].permute(2, 1, 0)
        x = torch.relu(functional.conv1d(x, kernel, weights[f"time/{layer}/bias"]))
    pooled = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
    hidden = torch.relu(pooled @ weights["features/kernel"] + weights["features/bias"])
    np.testing.assert_allclose(features.features(frames, network), hidden.numpy(), atol=1e-4)


def test_log_probabilities_sum_to_one(clips):
    for slot, log_prob in features.classify(clips.frames[:8]).items():
        assert log_prob.shape == (8, len(VOCABULARY[slot]))
        np.testing.assert_allclose(np.exp(log_prob).sum(axis=1), 1, rtol=1e-5)


def test_the_two_networks_are_two():
    first, second = features._load("features"), features._load("held_out")
    assert set(first) == set(second)
    assert all(
        first[name].shape != second[name].shape for name in ("space/0/kernel", "time/0/kernel", "features/kernel")
    )
    for network in (first, second):
        assert sum(array.nbytes for array in network.values()) < 1e6


def test_too_few_frames_are_refused():
    with pytest.raises(UserError, match="7 frames is too short to be judged; give 8 or more"):
        features.features(np.zeros((1, 7, 16, 16, 3), np.uint8))
