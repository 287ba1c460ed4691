"""The motion player in JupyterLab: the figure and the words answer the frame slider, the actor and the gesture."""

import pytest

pytest.importorskip("mujoco")
pytestmark = pytest.mark.browser

BEGIN = """\
import numpy as np
from rlfilm_lib.widgets.motion_player import MotionPlayer

still = lambda env: lambda observations, deterministic=True: np.zeros((1, env.controls), np.float32)
actors = {"zero residual": still, "random": lambda env: env.random_policy(0)}
MotionPlayer(actors, {"gesture": "bow", "cue": "sound"})"""
STEP = "() => Number(document.querySelector('.rlfilm-motion').dataset.step)"
WORDS = "() => document.querySelector('.rlfilm-motion').innerText"
PICTURES = "() => [...document.querySelectorAll('.widget-html img')].map(image => image.src)"


def test_the_player_answers_the_frame_the_actor_and_the_gesture(open_notebook, replace_cells, run_all):
    with open_notebook("09_character.ipynb") as page:
        replace_cells(page, [BEGIN])
        assert [cell["errors"] for cell in run_all(page)] == [[]]
        page.wait_for_selector(".rlfilm-motion")
        assert page.evaluate(STEP) == 0 and "the take begins" in page.evaluate(WORDS)
        first = page.evaluate(PICTURES)
        assert len(first) == 3  # reference, figure, terms

        page.locator(".widget-slider .noUi-handle").first.focus()
        page.keyboard.press("End")
        page.wait_for_function(f"({STEP})() > 20", timeout=30_000)
        page.wait_for_timeout(1_000)
        fell = page.evaluate(WORDS)
        assert "fallen at" in fell and "worst term" in fell
        assert all(new != old for new, old in zip(page.evaluate(PICTURES)[1:], first[1:], strict=True))

        actor, gesture = page.locator(".widget-dropdown select").all()
        actor.select_option("random")  # falls sooner
        page.wait_for_function(f"before => ({WORDS})() !== before", arg=fell, timeout=60_000)
        sooner = page.evaluate(STEP)
        assert 0 < sooner < int(fell.split()[3].rstrip(","))

        words = page.evaluate(WORDS)
        gesture.select_option("wave")
        page.wait_for_function(f"before => ({WORDS})() !== before", arg=words, timeout=60_000)
