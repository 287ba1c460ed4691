"""The lens viewfinder in JupyterLab: picture, plan and words answer its sliders; a dolly zoom keeps the size."""

import pytest

pytestmark = pytest.mark.browser

BEGIN = """\
from rlfilm_lib.widgets.lens_viewfinder import LensViewfinder

LensViewfinder()"""
WORDS = "() => document.querySelector('.rlfilm-lens').innerText"
PICTURE = "() => document.querySelector('.widget-image').src"
PLAN = "() => document.querySelector('.widget-html img').src"
FOCAL_LENGTH, F_STOP, _, DISTANCE = range(4)


def test_the_lens_answers_its_sliders_and_a_dolly_zoom_keeps_the_figure(open_notebook, replace_cells, run_all):
    with open_notebook("07_camera.ipynb") as page:
        replace_cells(page, [BEGIN])
        assert [cell["errors"] for cell in run_all(page)] == [[]]
        page.wait_for_selector(".rlfilm-lens")
        handles = page.locator(".widget-slider .noUi-handle")

        def looks() -> list[str]:
            return [page.evaluate(look) for look in (WORDS, PICTURE, PLAN)]

        def place(slider: int) -> float:
            return float(handles.nth(slider).get_attribute("aria-valuenow"))

        def press(slider: int, key: str, times: int) -> None:
            """Move a slider, and wait until the sentence of its last place is there and drawn."""
            words = page.evaluate(WORDS)
            handles.nth(slider).focus()
            for _ in range(times):
                page.keyboard.press(key)
            page.wait_for_function(f"before => ({WORDS})() !== before", arg=words, timeout=20_000)
            page.wait_for_timeout(1_500)

        before = looks()
        press(F_STOP, "ArrowLeft", 2)  # opened up: less is sharp
        assert all(new != old for new, old in zip(looks(), before, strict=True))

        before, near, lens = looks(), place(DISTANCE), place(FOCAL_LENGTH)
        page.locator("label:has-text('dolly zoom') input").check()
        press(FOCAL_LENGTH, "ArrowRight", 8)
        assert place(FOCAL_LENGTH) > lens and place(DISTANCE) > near  # longer, and farther away
        assert all(new != old for new, old in zip(looks(), before, strict=True))
        assert ": MS," in page.evaluate(WORDS)
