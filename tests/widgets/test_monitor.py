"""The monitor's training is train's own; its buttons hold it, let it go on and end it; without hands it finishes."""

import asyncio
import time

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("matplotlib")

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.train import History
from rlfilm_lib.widgets import monitor
from rlfilm_lib.widgets.monitor import Monitor, chart, sentence

SCALE = {"random": 10.0, "expert": 50.0}
HISTORY = History(
    [
        {"steps": 100, "steps_per_s": 2000.0, "return_mean": 20.0},
        {"steps": 200, "steps_per_s": 2000.0},
        {"steps": 300, "steps_per_s": 2500.0, "return_mean": 40.0, "approx_kl": 0.01, "clip_fraction": 0.25},
    ]
)


def test_the_curve_skips_iterations_in_which_no_episode_ended():
    axes = chart(HISTORY, 1000, SCALE, untrained=0.1).axes[0]
    curve, *lines = axes.get_lines()
    np.testing.assert_allclose(curve.get_xydata(), [[0.1, 0.25], [0.3, 0.75]])
    assert sorted(line.get_ydata()[0] for line in lines) == [0.0, 0.1, 1.0]
    assert [text.get_text() for text in axes.texts] == ["random", "expert", "untrained"]
    assert axes.get_xlim() == (0, 1)


def test_without_yardsticks_it_is_the_return_itself():
    axes = chart(HISTORY, 1000, None, untrained=5.0).axes[0]
    assert axes.get_lines()[0].get_ydata().tolist() == [20.0, 40.0]
    assert axes.get_ylabel() == "return of an episode" and [text.get_text() for text in axes.texts] == ["untrained"]


def test_the_words_say_what_the_chart_shows():
    assert sentence(HISTORY, 1000, SCALE, 0.1, "running") == (
        "Running: 300 of 1,000 steps, 2,500 per second; score 0.75, untrained 0.10; KL 0.0100; 25% outside the band."
    )
    assert "score 0.25" in sentence(History(HISTORY[:2]), 1000, SCALE, 0.1, "running")
    assert sentence(History(), 1000, SCALE, 0.1, "ready") == "Ready: 0 of 1,000 steps, untrained 0.10."


@pytest.fixture
def watched(any_backend):
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=2, controls=1)

    def make(steps):
        settings = {"num_steps": 48, "minibatch_size": 48, "epochs": 1}
        return Monitor(rlfilm.learner("ppo", env, backend=any_backend, seed=0, **settings), env, steps)

    return make


def wait_until(true, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_left_alone_it_trains_to_the_end_as_train_does(watched):
    once, again = watched(960), watched(960)
    history = asyncio.run(once.finish())
    alone = rlfilm.train(again.learner, again.env, 960, progress=False)
    assert once.state == "finished" and once.learner.steps == 960
    assert history.column("return_mean").tolist() == alone.column("return_mean").tolist()
    assert "Finished: 960 of 960 steps" in once.words.value and "Finished" in once.still().text
    assert once.play.disabled and once.end.disabled


def test_pause_holds_go_on_goes_on_and_stop_ends(watched):
    one = watched(10_000_000)
    assert one.play.description == "Start" and one.history == []
    one.play.click()
    wait_until(lambda: len(one.history) > 2)
    one.play.click()
    assert one.state == "paused" and one.play.description == "Go on" and 'data-state="paused"' in one.words.value
    time.sleep(0.3)  # the iteration that was being made
    held = len(one.history)
    time.sleep(0.3)
    assert len(one.history) == held
    one.play.click()
    assert one.play.description == "Pause"
    wait_until(lambda: len(one.history) > held)
    one.end.click()
    wait_until(lambda: one.state == "stopped")
    assert asyncio.run(one.finish()) is one.history and len(one.history) > held
    assert one.learner.steps == one.history[-1]["steps"] == 96 * len(one.history)


def test_a_paused_training_can_be_stopped_and_one_that_never_began_too(watched):
    one, other = watched(10_000_000), watched(10_000_000)
    one.start()
    one.pause()
    one.stop()
    wait_until(lambda: one.state == "stopped")
    other.stop()
    assert other.state == "stopped" and asyncio.run(other.finish()) == []


def test_finish_goes_on_with_what_was_paused(watched):
    one = watched(960)
    one.start()
    one.pause()
    assert asyncio.run(one.finish())[-1]["steps"] == 960


def test_a_second_training_stops_the_first(watched):
    first, second = watched(10_000_000), watched(192)
    first.start()
    asyncio.run(second.finish())
    wait_until(lambda: first.state == "stopped")
    assert second.state == "finished" and Monitor.current is None


def test_an_interrupted_kernel_stops_the_training_and_keeps_the_history(watched):
    """An interrupt cancels the cell that waits."""
    one = watched(10_000_000)

    async def interrupted():
        waiting = asyncio.create_task(one.finish())
        while not one.history:
            await asyncio.sleep(0.01)
        waiting.cancel()
        return await waiting

    assert asyncio.run(interrupted()) is one.history and one.history
    assert one.state == "stopped"


def test_a_failure_is_shown_and_raised_where_one_waits(watched, monkeypatch):
    def fail(*_, **__):
        raise rlfilm.UserError("policy_loss became nan at step 96")

    monkeypatch.setattr(monitor, "train", fail)
    one = watched(960)
    with pytest.raises(rlfilm.UserError, match="became nan"):
        asyncio.run(one.finish())
    assert one.state == "failed" and "UserError: policy_loss became nan" in one.words.value
