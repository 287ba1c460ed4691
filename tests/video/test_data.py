"""Made clips: where the subject is can be worked out by hand, and is seen in the pictures."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data
from rlfilm_lib.video.captions import Caption

pytest.importorskip("sklearn")

STILL = np.zeros((1, 16), np.float32)


def staged(caption, **known):
    staging = data.stage(np.random.default_rng(0), [caption])
    given = {"start": [[0.5, 0.5]], "radius": [0.2], "shade": [[1.0, 0.5, 0.0]], "ground": [0.1], "side": [1.0]} | known
    return staging._replace(**{name: np.array(value, float) for name, value in given.items()})


def seen(frames):
    """Middle of the subject (T, 2) and its area (T,), as heights of the picture, from the pictures alone."""
    light = frames[..., 0].astype(float) - frames[..., 0].min()
    light /= light.max()
    places = (np.arange(frames.shape[-2]) + 0.5) / frames.shape[-2]
    area = light.sum(axis=(-1, -2))
    middle = np.stack([(light.sum(axis=-2) @ places) / area, (light.sum(axis=-1) @ places) / area], axis=-1)
    return middle, area / frames.shape[-2] ** 2


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("subject", ["disc", "square", "triangle"])
def test_a_shape_has_the_area_of_its_formula(subject, size):
    caption = Caption("red", subject, "moves", "slowly", "left")
    _, area = seen(data.film([caption], staged(caption), STILL, size).reference)
    radius = 0.2
    # the triangle's sides are 0.88|x| = 0.475 (y + 1.15 r) down to y = 0.75 r
    exact = {"disc": np.pi, "square": 1.8**2, "triangle": 0.475 / 0.88 * 1.9**2}[subject] * radius**2
    assert area[0] == pytest.approx(exact, rel=0.04)


def test_moving_is_a_straight_line_that_goes_round():
    caption = Caption("red", "disc", "moves", "fast", "right")
    centre, radius = data.path([caption], staged(caption), STILL)
    step = data.SPEED[1] * data.CALM
    np.testing.assert_allclose(centre[0, :, 0], 0.5 + step * np.arange(16))
    np.testing.assert_allclose(centre[0, :, 1], 0.5)
    assert np.all(radius == 0.2)
    middle, _ = seen(data.film([caption], staged(caption), STILL, 32).frames[0])
    inside = np.arange(6)  # before it meets the edge
    np.testing.assert_allclose(middle[inside], centre[0, inside], atol=0.004)
    far = data.film([caption], staged(caption, start=[[0.5 + 1.0, 0.5]]), STILL, 32)
    assert np.array_equal(far.frames, data.film([caption], staged(caption), STILL, 32).frames)


@pytest.mark.parametrize("side", [1, -1])
def test_bouncing_turns_at_the_walls_and_drifts_on(side):
    caption = Caption("red", "disc", "bounces", "fast", "left")
    centre, _ = data.path([caption], staged(caption, side=[side]), np.zeros((1, 32)))
    x, y = centre[0].T
    step = data.SPEED[1] * data.CALM
    np.testing.assert_allclose(np.diff(x), -step)
    wall = data.RADIUS[1]
    assert wall - 1e-9 <= y.min() < wall + 2 * step and 1 - wall - 2 * step < y.max() <= 1 - wall + 1e-9
    straight = np.abs(np.abs(np.diff(y)) - data.ACROSS * step) < 1e-9
    assert straight.mean() > 0.7 and np.sign(y[1] - y[0]) == side
    assert 2 <= np.sum(np.diff(np.sign(np.diff(y))) != 0) <= 6


@pytest.mark.parametrize(
    ("direction", "heading"), [("left", (-1, 0)), ("right", (1, 0)), ("up", (0, -1)), ("down", (0, 1))]
)
def test_circling_sets_off_in_its_direction_and_goes_anticlockwise(direction, heading):
    caption = Caption("red", "disc", "circles", "slowly", direction)
    centre, _ = data.path([caption], staged(caption), np.zeros((1, 32)))
    step = np.diff(centre[0], axis=0)
    assert step[0] @ np.array(heading) > 0.98 * np.linalg.norm(step[0])
    turn = step[:-1, 0] * step[1:, 1] - step[:-1, 1] * step[1:, 0]
    assert np.all(turn < 0)  # anticlockwise, with y down
    left = np.array([heading[1], -heading[0]])  # of the heading, on screen
    middle = np.array([0.5, 0.5]) + data.ORBIT * left
    np.testing.assert_allclose(np.linalg.norm(centre[0] - middle, axis=-1), data.ORBIT)


def test_a_beat_swells_and_surges():
    caption = Caption("red", "disc", "moves", "slowly", "right")
    onsets = STILL.copy()
    onsets[0, 4] = 1
    clips = data.film([caption], staged(caption, start=[[0.3, 0.5]]), onsets, 64)
    middle, area = seen(clips.frames[0])
    radius = np.sqrt(area / np.pi)
    np.testing.assert_allclose(radius[4] / radius[3], 1 + data.SWELL, rtol=0.01)
    np.testing.assert_allclose(radius[5] / radius[3], 1 + data.SWELL * data.DECAY, rtol=0.01)
    steps = np.diff(middle[:, 0])
    assert steps[3] / steps[2] == pytest.approx((data.CALM + data.SURGE) / data.CALM, rel=0.1)


def test_only_the_sound_tells_the_beats_and_only_the_reference_the_shade():
    caption = Caption("red", "disc", "moves", "slowly", "right")
    onsets = data.rhythm(np.random.default_rng(1), 2, 16)
    one, other = (data.film([caption], staged(caption), row[None]) for row in onsets)
    assert np.array_equal(one.reference, other.reference) and not np.array_equal(one.frames, other.frames)
    dark = data.film([caption], staged(caption, shade=[[0.7, 0.1, 0.1]]), onsets[:1])
    assert dark.captions == one.captions and np.array_equal(dark.onsets, one.onsets)
    assert not np.array_equal(dark.reference, one.reference)
    np.testing.assert_array_equal(one.reference[0, 8, 8], [255, 128, 0])
    np.testing.assert_array_equal(one.reference[0, 0, 0], 26)


def test_beats_come_at_a_steady_tempo():
    onsets = data.rhythm(np.random.default_rng(0), 500, 32)
    for row in onsets:
        gaps = np.diff(np.flatnonzero(row))
        assert np.ptp(gaps) <= 1
    bpm = 60 * data.FPS * onsets.mean()
    assert data.TEMPO[0] < bpm < data.TEMPO[1]


def test_one_seed_one_set_of_clips_and_more_clips_begin_with_the_same():
    few, many = data.make(5, seed=3), data.make(300, seed=3)
    for part, whole in zip(few, many.take(slice(5)), strict=True):
        assert np.array_equal(part, whole) if isinstance(part, np.ndarray) else part == whole
    assert not np.array_equal(few.frames, data.make(5, seed=4).frames)
    first, second = (next(data.stream(0, batch=4)) for _ in range(2))
    assert np.array_equal(first.frames, second.frames)


def test_silent_clips_have_no_beats_and_do_not_swell():
    clips = data.make(20, seed=0, beats=False)
    assert clips.onsets.max() == 0
    caption = Caption("red", "disc", "moves", "slowly", "right")
    _, area = seen(data.film([caption], staged(caption), STILL, 32).frames[0, :6])
    assert np.ptp(area) < 0.02 * area.mean()


@pytest.mark.parametrize("frames", [8, 16, 32])
@pytest.mark.parametrize("size", [16, 33, 64])
def test_shapes(size, frames):
    clips = data.make(3, seed=0, size=size, frames=frames)
    assert clips.frames.shape == (3, frames, size, size, 3) and clips.frames.dtype == np.uint8
    assert clips.reference.shape == (3, size, size, 3) and clips.onsets.shape == (3, frames)
    assert len(clips.captions) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"size": 8}, "8 pixels"), ({"size": 128}, "16 to 64"), ({"frames": 4}, "8 to 32"), ({"n": 0}, "0 clips")],
)
def test_refused_settings(settings, message):
    with pytest.raises(UserError, match=message):
        data.make(**{"n": 1, "seed": 0} | settings)


# The sound


def test_the_onsets_of_a_sound_are_read_back():
    for onsets in data.rhythm(np.random.default_rng(0), 100, 16):
        assert np.array_equal(data.measure_onsets(data.sound(onsets), data.RATE, 16), onsets)


def test_a_weaker_beat_is_a_weaker_onset():
    onsets = np.array([0, 1, 0, 0, 0.5, 0, 0, 0.25], np.float32)
    np.testing.assert_allclose(data.measure_onsets(data.sound(onsets), data.RATE, 8), onsets, atol=0.02)


def test_beats_are_heard_under_noise_and_at_another_rate():
    rng = np.random.default_rng(0)
    found = []
    for onsets in data.rhythm(rng, 30, 16):
        wave = data.sound(onsets)
        loud = np.interp(np.arange(2 * 44_100) / 44_100, np.arange(len(wave)) / data.RATE, wave)
        noisy = loud + 0.005 * rng.standard_normal(len(loud))
        found.append(np.mean((data.measure_onsets(noisy, 44_100, 16) > 0.3) == onsets))
    assert np.mean(found) > 0.97


def test_a_silent_or_short_sound_is_refused():
    with pytest.raises(UserError, match=r"silent.*beats"):
        data.measure_onsets(np.zeros(4 * data.RATE), data.RATE, 16)
    with pytest.raises(UserError, match=r"lasts 1.00 s and the clip 2.00 s"):
        data.measure_onsets(data.sound(np.ones(8)), data.RATE, 16)


# Cached files


def test_a_cached_file_is_read_again(tmp_path, monkeypatch):
    made = data.make(6, seed=0, cache=tmp_path)
    monkeypatch.setattr(data, "film", None)  # it must come from the file
    read = data.make(6, seed=0, cache=tmp_path)
    assert read.captions == made.captions
    for name in ("frames", "reference", "onsets"):
        assert np.array_equal(getattr(read, name), getattr(made, name))
    assert [path.name for path in tmp_path.iterdir()] == ["clips-1-6-0-16-16-True.npz"]


def damaged(path):
    """The file with a byte changed, cut off, of another version, and something else altogether."""
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 0xFF
    yield bytes(changed)
    yield whole[: len(whole) // 2]
    yield b"nothing of the kind"
    yield b""


def test_a_damaged_file_is_made_anew(tmp_path):
    made = data.make(6, seed=0, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    for contents in damaged(path):
        path.write_bytes(contents)
        with pytest.warns(UserWarning, match="made anew") as warned:
            again = data.make(6, seed=0, cache=tmp_path)
        assert "\n" not in str(warned[0].message) and path.name in str(warned[0].message)
        assert np.array_equal(again.frames, made.frames)
        assert np.array_equal(data.make(6, seed=0, cache=tmp_path).frames, made.frames)  # mended, without a warning


def test_a_file_of_other_settings_or_arrays_is_not_believed(tmp_path, monkeypatch):
    made = data.make(6, seed=0, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    data.make(6, seed=1, cache=tmp_path)
    (tmp_path / "clips-1-6-1-16-16-True.npz").replace(path)
    with pytest.warns(UserWarning, match="other settings"):
        assert np.array_equal(data.make(6, seed=0, cache=tmp_path).frames, made.frames)
    monkeypatch.setattr(data, "VERSION", data.VERSION + 1)
    data.make(6, seed=0, cache=tmp_path)
    assert (tmp_path / f"clips-{data.VERSION}-6-0-16-16-True.npz").is_file()
    monkeypatch.undo()
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"frames": arrays["frames"][:3]})
    with pytest.warns(UserWarning, match="checksum"):
        assert np.array_equal(data.make(6, seed=0, cache=tmp_path).frames, made.frames)
