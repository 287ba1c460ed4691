"""The training monitor in JupyterLab: its buttons are answered while an agent trains, and while a cell waits for it."""

import pytest

pytest.importorskip("ipykernel", "7.4", reason="an older ipykernel answers no button while a cell waits")
pytestmark = pytest.mark.browser

BEGIN = """\
import rlfilm_lib as rlfilm
from rlfilm_lib.widgets.monitor import Monitor

env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=2, controls=1)
settings = {"num_steps": 48, "minibatch_size": 48, "epochs": 1}
monitor = Monitor(rlfilm.learner("ppo", env, seed=0, **settings), env, steps=10_000_000)
monitor"""
FINISH = "history = await monitor.finish()\nmonitor.still()"
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"  # without waiting for the end
STATE = "() => document.querySelector('.rlfilm-monitor')?.dataset.state"
STEPS = "() => Number(document.querySelector('.rlfilm-monitor').dataset.steps)"
PICTURE = "() => document.querySelector('.widget-image').src"
STILL = ".jp-OutputArea-output img[alt^='Stopped']"


def button(page, name: str):
    return page.locator(f'button:text-is("{name}")')  # by its text: an icon is a part of its role's name


def press(page, name: str, then: str) -> None:
    """Press a button and wait for the state that it leads to."""
    button(page, name).click()
    page.wait_for_function(f"({STATE})() === '{then}'", timeout=60_000)


def wait_for_steps_beyond(page, steps: int) -> None:
    page.wait_for_function(f"({STEPS})() > {steps}", timeout=60_000)


def test_start_pause_go_on_stop(open_notebook, replace_cells, run_all, any_backend):
    with open_notebook("00_first_take.ipynb") as page:
        replace_cells(page, [BEGIN])
        assert [cell["errors"] for cell in run_all(page)] == [[]]
        page.wait_for_function(f"({STATE})() === 'ready'", timeout=60_000)
        first = page.evaluate(PICTURE)

        press(page, "Start", "running")
        wait_for_steps_beyond(page, 0)
        assert page.evaluate(PICTURE) != first

        press(page, "Pause", "paused")
        page.wait_for_timeout(1_000)  # the iteration that was being made
        held = page.evaluate(STEPS)
        page.wait_for_timeout(1_500)
        assert page.evaluate(STEPS) == held

        press(page, "Go on", "running")
        wait_for_steps_beyond(page, held)
        press(page, "Stop", "stopped")
        ended = page.evaluate(STEPS)
        page.wait_for_timeout(1_500)
        assert page.evaluate(STEPS) == ended > held
        assert button(page, "Stopped").is_disabled()


def test_the_buttons_answer_while_a_cell_waits_for_the_end(open_notebook, replace_cells, any_backend):
    with open_notebook("00_first_take.ipynb") as page:
        replace_cells(page, [BEGIN, FINISH])
        page.evaluate(RUN_ALL)
        page.wait_for_function(f"({STATE})() === 'running'", timeout=60_000)
        wait_for_steps_beyond(page, 0)
        press(page, "Pause", "paused")
        page.wait_for_timeout(1_000)
        held = page.evaluate(STEPS)
        press(page, "Go on", "running")
        wait_for_steps_beyond(page, held)
        press(page, "Stop", "stopped")
        page.wait_for_selector(STILL, timeout=20_000)
