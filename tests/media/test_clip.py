"""Clips survive the way to a file and back, and bad input is refused in one line."""

import builtins

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import clip

av = pytest.importorskip("av", reason='needs PyAV: pip install "rlfilm[film]"')

PATCHES = {
    (255, 0, 0): (63, 102, 240),  # Y'CbCr of BT.709, limited range, worked by hand: Y = 16 + 219 * 0.2126 = 62.6 ...
    (0, 255, 0): (173, 42, 26),
    (0, 0, 255): (32, 240, 118),
    (255, 255, 255): (235, 128, 128),
    (0, 0, 0): (16, 128, 128),
    (118, 118, 118): (117, 128, 128),
    (200, 140, 110): (145, 109, 156),
}


@pytest.fixture
def patches():
    picture = np.zeros((64, 64 * len(PATCHES), 3), np.uint8)
    for number, rgb in enumerate(PATCHES):
        picture[:, 64 * number : 64 * (number + 1)] = rgb
    return np.stack([picture] * 5)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (24, 48, 64, 3), dtype=np.uint8)


def test_colours_come_back_within_a_few_levels(tmp_path, patches):
    frames, fps = clip.read(clip.write(tmp_path / "a.mp4", patches, 24))
    assert frames.shape == patches.shape and frames.dtype == np.uint8 and fps == 24
    for number, rgb in enumerate(PATCHES):
        np.testing.assert_allclose(frames[2, 32, 64 * number + 32], rgb, atol=4)


def test_the_file_holds_tagged_bt709_in_limited_range(tmp_path, patches):
    path = clip.write(tmp_path / "a.mp4", patches, 24)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frame = next(container.decode(stream))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    luma, blue, red = (np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in frame.planes)
    for number, expected in enumerate(PATCHES.values()):
        x = 64 * number + 32
        np.testing.assert_allclose([luma[32, x], blue[16, x // 2], red[16, x // 2]], expected, atol=2)


def test_the_index_stands_at_the_front(tmp_path, noise):
    content = clip.write(tmp_path / "a.mp4", noise, 24).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_frames_are_taken_one_at_a_time_and_kept_in_order(tmp_path):
    levels = [30, 90, 150, 210]
    stream = (np.full((48, 64, 3), level, np.uint8) for level in levels)
    frames, fps = clip.read(clip.write(tmp_path / "a.mp4", stream, 23.976))
    np.testing.assert_allclose(frames.mean((1, 2, 3)), levels, atol=2)
    assert fps == pytest.approx(24000 / 1001, abs=1e-3)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.zeros((0, 48, 64, 3), np.uint8), "no frame"),
        (np.zeros((2, 48, 65, 3), np.uint8), "66x48"),
        (np.zeros((2, 47, 64, 3), np.uint8), "64x48"),
        (np.zeros((2, 48, 64, 3), np.float32), "float32"),
        (np.zeros((2, 48, 64), np.uint8), "(48, 64)"),
        (np.zeros((2, 48, 64, 4), np.uint8), "(48, 64, 4)"),
        ([np.zeros((48, 64, 3), np.uint8), np.zeros((48, 32, 3), np.uint8)], "frame 1"),
    ],
)
def test_refused_frames_leave_no_file(tmp_path, frames, words):
    with pytest.raises(UserError) as caught:
        clip.write(tmp_path / "a.mp4", frames, 24)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0, -24, float("nan")])
def test_a_clip_needs_a_frame_rate(tmp_path, noise, fps):
    with pytest.raises(UserError, match="fps"):
        clip.write(tmp_path / "a.mp4", noise, fps)


def test_names_and_folders_that_cannot_be_written(tmp_path, noise):
    with pytest.raises(UserError, match=r"end the name in \.mp4"):
        clip.write(tmp_path / "a.avi", noise, 24)
    with pytest.raises(UserError, match="cannot write"):
        clip.write(tmp_path / "nowhere" / "a.mp4", noise, 24)


def test_an_interrupted_clip_leaves_the_old_file(tmp_path, noise):
    path = clip.write(tmp_path / "a.mp4", noise, 24)
    before = path.read_bytes()

    def interrupted():
        yield from noise[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clip.write(path, interrupted(), 24)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_truncated_file_is_refused(tmp_path, noise, share):
    path = clip.write(tmp_path / "a.mp4", noise, 24)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError, match="cut short"):
        clip.read(path)


def test_files_that_are_no_video_are_refused(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        clip.read(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"not a video" * 100)
    with pytest.raises(UserError, match="cannot read"):
        clip.read(tmp_path / "b.mp4")
    (tmp_path / "c.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="cannot read"):
        clip.read(tmp_path / "c.mp4")


def test_a_missing_pyav_is_named_with_its_remedy(tmp_path, noise, monkeypatch):
    actual = builtins.__import__

    def without_av(name, *rest, **more):
        if name == "av":
            raise ImportError(name)
        return actual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(UserError, match=r'pip install "rlfilm\[film\]"'):
        clip.write(tmp_path / "a.mp4", noise, 24)
