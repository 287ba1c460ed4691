"""Pictures carry their sentence, their pixels survive, and large clips are refused."""

import base64
import io
import re

import numpy as np
import pytest

from rlfilm_lib.widgets.picture import EMBED_LIMIT, clip, figure, gallery, picture

image = pytest.importorskip("PIL.Image")


def pixels(described):
    data = re.search(r"base64,([^\"]+)", described.html)[1]
    return np.asarray(image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_a_picture_holds_its_pixels_and_its_sentence():
    frame = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    described = picture(frame, 'the actor says "go" & <walks>')
    np.testing.assert_array_equal(pixels(described), frame)
    assert 'alt="the actor says &quot;go&quot; &amp; &lt;walks&gt;"' in described.html
    assert described._repr_mimebundle_()["text/plain"] == 'the actor says "go" & <walks>'


def test_a_figure_is_shown_once_at_its_own_width():
    plt = pytest.importorskip("matplotlib.pyplot")
    fig, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1])
    described = figure(fig, "a rising line")
    assert not plt.fignum_exists(fig.number)
    width = int(re.search(r'width="(\d+)"', described.html)[1])
    assert pixels(described).shape[1] // 2 == width
    assert 3.5 * 72 < width < 4.5 * 72


def test_a_clip_is_embedded_up_to_the_limit_and_refused_above_it(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(EMBED_LIMIT))
    assert 'aria-label="a film"' in clip(film, "a film").html
    film.write_bytes(bytes(EMBED_LIMIT + 1))
    with pytest.raises(ValueError, match=rf"film.mp4 has {EMBED_LIMIT + 1} bytes"):
        clip(film, "a film")


def test_a_gallery_has_a_jpeg_and_a_caption_per_frame_and_one_sentence():
    shown = gallery(np.zeros((3, 9, 16, 3), np.uint8), ["f/2", "f/4", "f/<8>"], "three times dark", columns=2)
    assert shown.html.count("data:image/jpeg") == 3 and "f/&lt;8&gt;" in shown.html and "repeat(2," in shown.html
    assert str(shown) == "three times dark" and 'aria-label="three times dark"' in shown.html
    with pytest.raises(ValueError):
        gallery(np.zeros((3, 9, 16, 3), np.uint8), ["f/2"], "captions are missing", columns=3)
