"""What a discriminator says against one that is known; what is drawn; files; the shell."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rlfilm_lib.video.captions import Caption
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.widgets import discriminator_view
from rlfilm_lib.widgets.discriminator_view import KINDS, DiscriminatorView, Views, by_frame, judged, kinds, view

FRAMES, LATENT = 5, 3
CAPTIONS = [Caption("red", "disc", "moves", "fast", "up"), Caption("blue", "two", "circles", "slowly", "down")]


def mean_and_order(x, told):
    """Spatial: the mean of all numbers, plus what was told; temporal: how often the first number rises."""
    rises = (np.diff(x[..., 0], axis=1) > 0).sum(axis=1)
    return np.stack([x.mean(axis=(1, 2)) + told[:, 0], rises.astype(float)])


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    real = np.sort(rng.standard_normal((2, FRAMES, LATENT)), axis=1)  # rising
    return real, rng.standard_normal((2, FRAMES, LATENT)), np.array([[0.0], [10.0]])


@pytest.fixture
def codec():
    frames = np.random.default_rng(0).integers(256, size=(40, 16, 16, 3), dtype=np.uint8)
    return PCA.fit(frames, LATENT)


@pytest.fixture
def views(clips):
    real, made, told = clips
    none = judged(lambda x, conditions: np.zeros((2, len(x))), 0, CAPTIONS, real, made, told)
    return none.followed_by(judged(mean_and_order, 100, CAPTIONS, real, made + 1, told))


def test_the_damage_is_what_its_name_says(clips):
    real, made, told = clips
    shown = kinds(real, made, told)
    assert list(shown) == list(KINDS)
    np.testing.assert_array_equal(shown["made"][0], made)
    x, conditions = shown["mismatched"]
    np.testing.assert_array_equal(x, real)
    np.testing.assert_array_equal(conditions, told[::-1])
    held, shuffled = shown["still"][0], shown["shuffled"][0]
    np.testing.assert_array_equal(held, np.broadcast_to(real[:, :1], real.shape))
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), real)
    assert not np.array_equal(shuffled, real)


def test_the_frames_spatial_scores_have_the_whole_as_their_mean(clips):
    real, _, told = clips
    spatial, temporal = by_frame(mean_and_order, real, told)
    np.testing.assert_allclose(spatial, real.mean(axis=2) + told, rtol=1e-12)
    np.testing.assert_allclose(spatial.mean(axis=1), mean_and_order(real, told)[0], rtol=1e-12)
    np.testing.assert_array_equal(temporal, np.ones((2, FRAMES)))  # a frame that stands twice is one rise less


def test_of_one_frame_nothing_is_missed(clips):
    real, _, told = clips
    spatial, temporal = by_frame(lambda x, told: mean_and_order(x, told), real[:, :1], told)
    assert spatial.shape == temporal.shape == (2, 1) and not temporal.any()


def test_moments_follow_one_another(views, clips):
    _, made, _ = clips
    assert views.steps.tolist() == [0, 100] and views.scores.shape == (2, len(KINDS), 2, 2)
    np.testing.assert_array_equal(views.made, [made, made + 1])
    assert not views.scores[0].any()
    rises = dict(zip(KINDS, views.scores[1, :, 0, 1], strict=True))
    assert rises["real"] == FRAMES - 1 and rises["still"] == 0 and rises["shuffled"] < FRAMES - 1
    spatial = dict(zip(KINDS, views.scores[1, :, 0, 0], strict=True))
    assert spatial["mismatched"] == pytest.approx(spatial["real"] + 10)


def test_a_file_keeps_them_to_half_precision(views, tmp_path):
    views.save(tmp_path / "views.npz")
    again = Views.load(tmp_path / "views.npz")
    assert again.captions.tolist() == [caption.text for caption in CAPTIONS]
    for name in ("real", "made", "scores", "spatial", "temporal"):
        assert getattr(again, name).dtype == np.float32
        np.testing.assert_allclose(getattr(again, name), getattr(views, name), rtol=1e-3, atol=1e-3)


def drawn(described):
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_bars_are_as_high_as_what_a_frame_does(views, codec):
    svg = drawn(view(views, codec, 1, 0))
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    bars = re.findall(rf'width="11" height="([\d.]+)" fill="{discriminator_view.BLUE}"', svg)[1:]  # the first: legend
    expected = discriminator_view.BARS / 2 * np.minimum(np.abs(views.spatial[1, :, 0]) / 1.5, 1)
    np.testing.assert_allclose(np.array(bars, float).reshape(len(KINDS), FRAMES), expected, atol=0.06)
    assert svg.count("<polyline") == len(KINDS)


def test_the_sentence_gives_all_scores(views):
    words = discriminator_view.sentence(views, 1, 0)
    for score in views.scores[1, :, 0].mean(axis=1):
        assert f"{score:+.2f}" in words
    assert "100 steps" in words and CAPTIONS[0].text in words
    assert "as real" in discriminator_view.sentence(views, 0, 1)


def test_the_shell_follows_clip_and_moment(views, codec):
    pytest.importorskip("ipywidgets")
    shell = DiscriminatorView(views, codec)
    assert "100 steps" in shell.words.value and CAPTIONS[0].text in shell.words.value
    before = shell.picture.value
    shell.moment.value = 0
    assert "after 0 steps" in shell.words.value and shell.picture.value != before
    shell.clips.value = 1
    assert CAPTIONS[1].text in shell.words.value
    assert "100 steps" in discriminator_view.still(views, codec).text
