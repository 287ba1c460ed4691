"""Lesson 08 in JupyterLab: the light board answers its sliders and its button, the brief editor its mood."""

import pytest

pytestmark = pytest.mark.browser

BEGIN = """\
from rlfilm_lib.widgets.light_board import BriefEditor, LightBoard
LightBoard("day interior")"""
EDIT = 'BriefEditor("candle-lit")'
REWARD = "() => Number(document.querySelector('.rlfilm-lightboard').dataset.reward)"
PANELS = "() => [...document.querySelectorAll('.widget-image')].slice(0, 3).map(image => image.src)"
EDITOR = "() => document.querySelectorAll('.rlfilm-lightboard')[1].innerText"


def test_the_board_answers_a_slider_and_the_agent_and_the_editor_a_mood(open_notebook, replace_cells, run_all):
    with open_notebook("08_light_and_colour.ipynb") as page:
        replace_cells(page, [BEGIN, EDIT])
        assert [cell["errors"] for cell in run_all(page)] == [[], []]
        page.wait_for_selector(".rlfilm-lightboard")
        slider = page.locator(".widget-slider .noUi-handle").first
        slider.scroll_into_view_if_needed()
        reward, panels = page.evaluate(REWARD), page.evaluate(PANELS)
        slider.focus()
        for _ in range(6):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"({REWARD})() !== {reward}", timeout=20_000)
        page.wait_for_timeout(1_000)  # until the last of six moves is drawn
        after = page.evaluate(PANELS)
        assert len(after) == 3 and all(new != old for new, old in zip(after, panels, strict=True))

        page.get_by_role("button", name="Let the agent take over").first.click()
        page.wait_for_function(f"({REWARD})() > 0.9", timeout=60_000)

        before = page.evaluate(EDITOR)
        page.locator(".widget-dropdown select").first.select_option("moonlight")
        page.wait_for_function(f"before => ({EDITOR})() !== before", arg=before, timeout=20_000)
