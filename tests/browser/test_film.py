"""The page of the main job in a real browser: the film plays, and every picture is there."""

import pytest

pytest.importorskip("av", reason="PyAV is not installed")
pytestmark = pytest.mark.browser

PLAYED = """async () => {
    const film = document.querySelector("video")
    film.muted = true
    await film.play()
    await new Promise(done => setTimeout(done, 1000))
    film.pause()
    return {time: film.currentTime, width: film.videoWidth, height: film.videoHeight, seconds: film.duration}
}"""
PICTURES = "() => [...document.images].map(image => ({width: image.naturalWidth, alt: image.alt}))"


def test_the_film_plays_on_its_page(chromium, tmp_path, any_backend):
    from rlfilm_lib.screening import make_film

    make_film(tmp_path, any_backend, steps=800, size=(320, 180), progress=False)
    page = chromium.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    assert "PPO" in page.title()
    page.wait_for_function("() => document.querySelector('video').readyState >= 3")
    played = page.evaluate(PLAYED)
    assert played["time"] > 0.4 and (played["width"], played["height"]) == (320, 180) and 30 <= played["seconds"] <= 60
    pictures = page.evaluate(PICTURES)
    assert len(pictures) == 2 and all(picture["width"] > 500 and picture["alt"] for picture in pictures)
    page.close()
