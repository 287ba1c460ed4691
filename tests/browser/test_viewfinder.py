"""Lessons 00 and 01 in JupyterLab: the stored film plays, the viewfinder answers its sliders and its button."""

import pytest

pytestmark = pytest.mark.browser

REWARD = "() => Number(document.querySelector('.rlfilm-readout').dataset.reward)"
BARS = "() => document.querySelector('.rlfilm-readout').innerText"
FRAME = "() => document.querySelector('.widget-image').src"
PLAYED = """async () => {
    const film = document.querySelector(".jp-OutputArea video")
    film.muted = true
    await film.play()
    await new Promise(done => setTimeout(done, 500))
    return {time: film.currentTime, width: film.videoWidth}
}"""


def test_the_stored_film_plays_before_anything_has_run(open_notebook):
    with open_notebook("00_first_take.ipynb") as page:
        page.wait_for_selector(".jp-OutputArea video", timeout=10_000)
        played = page.evaluate(PLAYED)
        assert played["time"] > 0.1 and played["width"] > 0


def test_the_viewfinder_answers_a_slider_and_lets_the_agent_take_over(open_notebook, run_all, any_backend):
    with open_notebook("01_film_as_an_mdp.ipynb") as page:
        cells = run_all(page)
        assert [cell["source"] for cell in cells if not cell["run"] or cell["errors"]] == []

        page.wait_for_selector(".rlfilm-readout")
        slider = page.locator(".widget-slider .noUi-handle").first
        slider.scroll_into_view_if_needed()
        before = [page.evaluate(look) for look in (REWARD, BARS, FRAME)]
        place = slider.get_attribute("aria-valuenow")
        slider.focus()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(f"({REWARD})() !== {before[0]}", timeout=20_000)
        page.wait_for_timeout(1_000)  # until the last of eight moves is drawn
        after = [page.evaluate(look) for look in (REWARD, BARS, FRAME)]
        assert slider.get_attribute("aria-valuenow") != place
        assert all(new != old for new, old in zip(after, before, strict=True))

        page.get_by_role("button", name="Let the agent take over").first.click()
        page.wait_for_function(f"({REWARD})() > {after[0]} + 0.1", timeout=30_000)
        assert page.evaluate(FRAME) != after[2]
        page.wait_for_function("() => !document.querySelector('button.jupyter-button').disabled", timeout=30_000)
