"""The training monitor: a learning curve that grows while an agent trains, with buttons to pause it and to stop it.

Training runs in a thread of its own, so the kernel is free to answer the buttons. `chart` and `sentence` are plain
functions; `Monitor` is the shell.
"""

import asyncio
import html
import io
import threading
import time
from collections.abc import Mapping
from typing import ClassVar

import gymnasium as gym
import numpy as np

from rlfilm_lib.rl.environment import yardsticks
from rlfilm_lib.rl.evaluate import evaluate
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.train import History, train
from rlfilm_lib.widgets.learning_curves import plot_lines
from rlfilm_lib.widgets.picture import BLUE, Described, figure

DRAW_EVERY_S = 0.5
"""A drawing takes about a tenth of that from the training."""
EPISODES = 64
"""From which the untrained policy's line is measured."""
BUTTON = {
    "ready": ("Start", "play"),
    "running": ("Pause", "pause"),
    "paused": ("Go on", "play"),
    "finished": ("Finished", "check"),
    "stopped": ("Stopped", "stop"),
    "failed": ("Failed", "times"),
}
"""What the first button says in each state, and its icon."""


class Stop(Exception):
    """Raised between two iterations to end a training."""


def scores(history: History, scale: Mapping[str, float] | None) -> np.ndarray:
    """The mean return of each iteration, NaN where no episode ended; normalised where there are yardsticks.

    >>> scores(History([{"return_mean": 30.0}, {}]), {"random": 10.0, "expert": 50.0})
    array([0.5, nan])
    """
    returns = history.column("return_mean")
    return (returns - scale["random"]) / (scale["expert"] - scale["random"]) if scale else returns


def chart(history: History, steps: int, scale: Mapping[str, float] | None, untrained: float):
    """The learning curve so far as a Matplotlib figure, over the whole length of the run, with its yardsticks."""
    from matplotlib.figure import Figure  # without pyplot, which is not made for threads

    fig = Figure(figsize=(7, 2.8), layout="constrained")
    axes = fig.subplots()
    done, curve = history.column("steps"), scores(history, scale)
    known = np.isfinite(curve)
    axes.plot(done[known] / 1000, curve[known], color=BLUE, lw=1.8)
    plot_lines(axes, ({"random": 0.0, "expert": 1.0} if scale else {}) | {"untrained": untrained})
    unit = "normalised score" if scale else "return of an episode"
    axes.set(xlabel="environment steps (thousands)", ylabel=unit, xlim=(0, steps / 1000))
    axes.spines[["top", "right"]].set_visible(False)
    return fig


def sentence(history: History, steps: int, scale: Mapping[str, float] | None, untrained: float, state: str) -> str:
    """The chart in words: how far it is, what it earns, and what PPO's own gauges say."""
    if not history:
        return f"{state.capitalize()}: 0 of {steps:,} steps, untrained {untrained:.2f}."
    row, curve = history[-1], scores(history, scale)
    known = curve[np.isfinite(curve)]
    gauges = {"approx_kl": "KL {:.4f}", "clip_fraction": "{:.0%} outside the band", "entropy": "entropy {:.2f}"}
    parts = [words.format(row[name]) for name, words in gauges.items() if np.isfinite(row.get(name, np.nan))]
    earned = f"{'score' if scale else 'return'} {known[-1]:.2f}, untrained {untrained:.2f}" if len(known) else ""
    return (
        f"{state.capitalize()}: {row['steps']:,} of {steps:,} steps, {row['steps_per_s']:,.0f} per second; "
        f"{'; '.join(filter(None, [earned, *parts]))}."
    )


class Monitor:
    """Train a learner for `steps`, and watch: a button starts, pauses and goes on, another stops.

    As a cell's last line it shows itself. `await finish()` waits for the end and gives the history: it starts what has
    not been started and goes on with what was paused, so a notebook runs to its end without anybody at the buttons.
    """

    current: ClassVar["Monitor | None"] = None
    """The one that trains: starting another stops it, as when a cell is run again."""

    def __init__(self, learner: Learner, env: gym.vector.VectorEnv, steps: int) -> None:
        import ipywidgets as widgets

        self.learner, self.env, self.steps = learner, env, steps
        self.scale, self.history, self.state = yardsticks(env), History(), "ready"
        assert learner.env_id is not None
        judged = evaluate(learner.policy(), learner.env_id, episodes=EPISODES)
        self.untrained = judged.return_mean if judged.normalised_score is None else judged.normalised_score
        self.error: Exception | None = None
        self._going, self._stopping, self._drawn_at = threading.Event(), False, 0.0
        self._drawing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self.play = widgets.Button(layout={"width": "110px"})
        self.end = widgets.Button(description="Stop", icon="stop", layout={"width": "110px"})
        self.play.on_click(self._pressed)
        self.end.on_click(lambda _: self.stop())
        self.picture, self.words = widgets.Image(format="png", width=640), widgets.HTML()
        self.box = widgets.VBox([widgets.HBox([self.play, self.end]), self.picture, self.words])
        self._show()

    def start(self) -> None:
        """Begin to train in the background."""
        if Monitor.current:
            Monitor.current.stop()
        Monitor.current = self
        self._going.set()
        self._enter("running")
        self._thread.start()

    def pause(self) -> None:
        """Hold after the iteration that is being made."""
        self._going.clear()
        self._enter("paused")

    def go_on(self) -> None:
        """Train on after a pause."""
        self._enter("running")
        self._going.set()

    def stop(self) -> None:
        """End after the iteration that is being made; the learner keeps what it has learned."""
        self._stopping = True
        self._going.set()
        if self.state == "ready":
            self._enter("stopped")

    async def finish(self) -> History:
        """Wait for the end of the training, and return what it recorded; an interrupt of the kernel stops it.

        While `await monitor.finish()` waits, the kernel goes on answering the buttons (ipykernel 7). What made the
        training fail is raised here.
        """
        if self.state == "ready":
            self.start()
        elif self.state == "paused":
            self.go_on()
        try:
            while self._thread.is_alive():
                await asyncio.sleep(0.05)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self.stop()
            self._thread.join()
        if self.error:
            raise self.error
        return self.history

    def still(self) -> Described:
        """The chart as it is, for readers without a kernel."""
        return figure(chart(self.history, self.steps, self.scale, self.untrained), self.text)

    @property
    def text(self) -> str:
        """The chart in words."""
        return sentence(self.history, self.steps, self.scale, self.untrained, self.state)

    def _run(self) -> None:
        try:
            train(self.learner, self.env, self.steps, progress=False, history=self.history, on_iteration=self._watch)
            state = "finished"
        except Stop:
            state = "stopped"
        except Exception as error:
            self.error, state = error, "failed"
        Monitor.current = None
        self._enter(state)

    def _watch(self, _) -> None:
        if time.monotonic() - self._drawn_at > DRAW_EVERY_S:
            self._show()
        self._going.wait()
        if self._stopping:
            raise Stop

    def _pressed(self, _) -> None:
        {"ready": self.start, "running": self.pause, "paused": self.go_on}[self.state]()

    def _enter(self, state: str) -> None:
        self.state = state
        self._show()

    def _show(self) -> None:
        with self._drawing:  # two threads draw: the one that trains and the one that answers the buttons
            self.play.description, self.play.icon = BUTTON[self.state]
            self.play.disabled = self.end.disabled = self.state not in ("ready", "running", "paused")
            file = io.BytesIO()
            chart(self.history, self.steps, self.scale, self.untrained).savefig(file, format="png", dpi=110)
            self.picture.value, self._drawn_at = file.getvalue(), time.monotonic()
            words = self.text if self.error is None else f"{self.text} {type(self.error).__name__}: {self.error}"
            done = self.history[-1]["steps"] if self.history else 0
            self.words.value = (
                f'<p class="rlfilm-monitor" data-state="{self.state}" data-steps="{done}" style="line-height: 1.3">'
                f"{html.escape(words)}</p>"
            )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
