"""The storyboard with its values and its policy on the panels, to look at and to play by hand.

`view`, `boards`, `way`, `sentence` and `readout` are plain functions; `StoryboardBoard` is the shell of buttons.
"""

import base64
import html
import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs import storyboard
from rlfilm_lib.envs.storyboard import ACTIONS, ANGLES, BEATS, COLUMNS, PANELS, SIZES, STORY, Storyboard
from rlfilm_lib.widgets.picture import VERMILION, Described

VIEWS = ("panels", "values", "policy")
BUTTON = {"hold": "pause", "wider": "arrow-left", "closer": "arrow-right", "towards the line": "arrow-down",
          "away from the line": "arrow-up"}  # fmt: skip
BEAT_NAMES = tuple(STORY)

State = dict[str, NDArray]


def view(axes, kind: str, told: int, q: NDArray | None = None, strip: NDArray | None = None) -> None:
    """The board into a Matplotlib axes: "panels", or over them the "values" or the "policy" of a table.

    told: beats told so far; q: (128, A) action values, for the last two; strip: the panels so far, for the first.
    """
    from matplotlib import colormaps
    from matplotlib.patheffects import withStroke

    from rlfilm_lib.stage.sketch import HEIGHT, WIDTH

    axes.imshow(storyboard.picture(np.zeros(0, int) if strip is None else strip, told))
    left, top = np.array([storyboard.corner(panel) for panel in range(PANELS)]).T
    axes.set_xticks(left[:COLUMNS] + WIDTH / 2, list(SIZES))
    axes.set_yticks(top[::COLUMNS] + HEIGHT / 2, [f"{angle}°" for angle in ANGLES])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("angle to the line", fontsize=9)
    if q is None or kind == "panels":
        return
    safe = storyboard.ACROSS * COLUMNS
    rows = q[told * PANELS : told * PANELS + safe]
    worth, best = rows.max(axis=1), rows.argmax(axis=1)
    known = np.ptp(rows, axis=1) > 0  # a table that was never here says nothing
    scale = (worth - worth.min()) / max(np.ptp(worth), 1e-9)
    outline = [withStroke(linewidth=3, foreground="white")]
    for panel in np.flatnonzero(known):
        x, y = left[panel] + WIDTH / 2, top[panel] + HEIGHT / 2
        if kind == "values":
            tint = colormaps["cividis"](scale[panel])
            axes.add_patch(_box(left[panel], top[panel], tint))
            axes.text(x, y, f"{worth[panel]:.2f}", ha="center", va="center", path_effects=outline, fontsize=11)
            continue
        down, right = storyboard.STEP[best[panel]]
        if down == right == 0:
            axes.plot(x, y, "o", ms=13, color=VERMILION, mec="white", mew=2)
            continue
        away = np.array([right * 0.3 * WIDTH, down * 0.3 * HEIGHT])
        arrow = {"arrowstyle": "-|>", "color": VERMILION, "lw": 3, "mutation_scale": 18, "path_effects": [
            withStroke(linewidth=6, foreground="white")]}  # fmt: skip
        axes.annotate("", (x + away[0], y + away[1]), (x - away[0], y - away[1]), arrowprops=arrow)


def _box(left: float, top: float, colour: tuple):
    from matplotlib.patches import Rectangle

    from rlfilm_lib.stage.sketch import HEIGHT, WIDTH

    return Rectangle((left, top), WIDTH, HEIGHT, color=colour, alpha=0.7, lw=0)


def boards(tables: Mapping[str, NDArray], kind: str, told: int) -> Described:
    """One board per table (128, A), one above the other, each under its name, for what comes after `told` beats."""
    import matplotlib.pyplot as plt

    fig, panels = plt.subplots(len(tables), 1, figsize=(9.2, 3.1 * len(tables)), layout="constrained", squeeze=False)
    for axes, (name, q) in zip(panels[:, 0], tables.items(), strict=True):
        view(axes, kind, told, q)
        axes.set_title(f"{name}: {kind}, {told} of {BEATS} beats told", fontsize=10, loc="left")
    return _described(fig, "; ".join(f"{name}: {sentence(q, told, kind)}" for name, q in tables.items()))


def _described(fig, alt: str) -> Described:
    """A Matplotlib figure as a described JPEG, a fifth of the size that its drawings take as PNG; it is closed."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    fig.savefig(file, format="jpeg", dpi=120, pil_kwargs={"quality": 82})
    plt.close(fig)
    source = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Described(f'<img src="{source}" width="880" style="max-width: 100%" alt="{html.escape(alt)}">', alt)


def way(q: NDArray, panel: int, told: int) -> list[int]:
    """The panels that a table leads through, from one panel to that of the next beat, or until it turns in a circle.

    >>> q = np.zeros((128, 5))
    >>> q[:, 2] = 1  # closer, always
    >>> way(q, panel=17, told=1)
    [17, 18, 19, 20, 21, 22]
    """
    path = [int(panel)]
    while path[-1] != storyboard.BEAT_PANELS[told] and path[-1] // COLUMNS < storyboard.ACROSS:
        action = q[storyboard.state_of(path[-1], told)].argmax()
        following = int(storyboard.moved(path[-1], action))
        if following in path:
            break
        path.append(following)
    return path


def sentence(q: NDArray, told: int, kind: str = "policy") -> str:
    """In words: how a table goes on from the panel of the last beat told (from the first panel before there is one),
    or between which values its panels lie."""
    if kind == "values":
        worth = q[told * PANELS :][: storyboard.ACROSS * COLUMNS].max(axis=1)
        return f"values from {worth.min():.2f} to {worth.max():.2f}, highest at {panel_name(int(worth.argmax()))}"
    start = storyboard.BEAT_PANELS[told - 1] if told else 0
    path = way(q, start, told)
    near = sum(panel // COLUMNS == storyboard.NEAR for panel in path)
    arrived = path[-1] == storyboard.BEAT_PANELS[told]
    reach = f"reaches “{BEAT_NAMES[told]}”" if arrived else f"does not reach “{BEAT_NAMES[told]}”"
    return f"{reach} in {len(path) - 1} cuts, {near} of its {len(path)} panels next to the line"


def panel_name(panel: int) -> str:
    """What a panel is called.

    >>> panel_name(17)
    'LS at 20°'
    """
    row, column = divmod(panel, COLUMNS)
    return f"{list(SIZES)[column]} at {ANGLES[row]}°"


def placed(state: State, panel: int, told: int = 0) -> State:
    """A state as if the story began on this panel after so many beats."""
    strip = np.full_like(state["strip"], -1)
    strip[:, 0] = panel
    changed = {"panel": [[panel]], "told": [[told]], "elapsed": [0]}
    return state | {name: np.array(value) for name, value in changed.items()} | {"strip": strip}


def strip_of(state: State) -> NDArray[np.int64]:
    """The panels of a story so far."""
    return state["strip"][0, : int(state["elapsed"][0]) + 1]


def readout(state: State, rewards: list[float], slip: str = "") -> str:
    """How the story goes, as HTML."""
    told, panel = int(state["told"][0, 0]), int(state["panel"][0, 0])
    if panel // COLUMNS == storyboard.ACROSS:
        news = "The line is crossed: the audience is lost, the story ends."
    elif told == BEATS:
        news = "All beats are told: the story ends."
    else:
        news = f"Next beat: {BEAT_NAMES[told]} ({panel_name(int(storyboard.BEAT_PANELS[told]))})."
    tremble = f" Your hand slipped: {slip}." if slip else ""
    return (
        f'<span class="rlfilm-story" data-return="{sum(rewards):.2f}"><b>{len(rewards)} panels, '
        f"{told} of {BEATS} beats, return {sum(rewards):.2f}.</b> {html.escape(news + tremble)}</span>"
    )


class StoryboardBoard:
    """Order the panels by hand, or let a table do it; over the panels its values or its policy.

    tables: name → action values (128, 5). `hand` is the probability that a press of a button does anything instead.
    As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, tables: Mapping[str, NDArray], start: int = 3, seed: int = 0) -> None:
        import ipywidgets as widgets

        self.tables, self.start, self.seed = dict(tables), start, seed
        self.env, self.rng = Storyboard(1), np.random.default_rng(seed)
        self.picture, self.words = widgets.Image(format="png", width=920), widgets.HTML()
        look = {"style": {"description_width": "90px"}, "layout": {"width": "330px"}}
        self.kind = widgets.ToggleButtons(options=VIEWS, description="show", style={"button_width": "80px"})
        self.table = widgets.Dropdown(options=list(self.tables), description="table", **look)
        self.told = widgets.IntSlider(0, 0, BEATS - 1, description="beats told", continuous_update=False, **look)
        self.hand = widgets.FloatSlider(
            0.0, min=0, max=0.5, step=0.05, description="shaky hand", continuous_update=False, **look
        )
        self.buttons = {
            name: widgets.Button(description=name, icon=BUTTON[name], layout={"width": "165px"}) for name in ACTIONS
        }
        self.go = widgets.Button(description="Let the table tell it", icon="play", layout={"width": "180px"})
        self.again = widgets.Button(description="A new story", icon="undo", layout={"width": "140px"})
        for action, button in enumerate(self.buttons.values()):
            button.on_click(lambda _, action=action: self.press(action))
        self.go.on_click(lambda _: self.tell())
        self.again.on_click(lambda _: self.begin())
        self._moving = False
        for control in (self.kind, self.table):
            control.observe(lambda _: self._draw(), "value")
        self.told.observe(self._told_moved, "value")
        rows = (self.buttons.values(), (self.go, self.again, self.kind), (self.table, self.told, self.hand))
        self.box = widgets.VBox([
            self.picture, self.words, *(widgets.HBox(list(row), layout={"flex_flow": "row wrap"}) for row in rows)
        ])  # fmt: skip
        self.begin()

    def begin(self, told: int = 0) -> None:
        """A new story, with other luck, from the first panel."""
        self.env.reset(seed=self.seed if self.env._key is None else None)
        panel = self.start if told == 0 else int(storyboard.BEAT_PANELS[told - 1])
        self.observations = self.env.restore(placed(self.env.state(), panel, told))
        self.rewards: list[float] = []
        self.over, self.slip = False, ""
        self._draw()

    def press(self, action: int) -> None:
        """One cut by hand."""
        taken = self.shaken(action)
        self.slip = ACTIONS[taken] if taken != action else ""
        self._cut(taken)
        self._draw()

    def tell(self) -> None:
        """The table goes on to the end of the story, with the same hand."""
        q = self.tables[self.table.value]
        while not self.over:
            self._cut(self.shaken(int(q[self.observations[0]].argmax())))
        self._draw()

    def shaken(self, action: int) -> int:
        """What the hand does that means to take this action."""
        return int(self.rng.integers(len(ACTIONS))) if self.rng.random() < self.hand.value else action

    def _cut(self, action: int) -> None:
        if self.over:
            return
        self.observations, reward, terminated, truncated, _ = self.env.advance(np.array([action]))
        self.rewards.append(float(reward[0]))
        self.over = bool(terminated[0] or truncated[0])

    def _told_moved(self, _) -> None:
        if not self._moving:
            self.begin(self.told.value)

    def _draw(self) -> None:
        from matplotlib.figure import Figure

        state = self.env.state()
        told = int(state["told"][0, 0])
        self._moving, self.told.value, self._moving = True, min(told, BEATS - 1), False
        fig, file = Figure(figsize=(9.2, 3.1), layout="constrained"), io.BytesIO()
        view(fig.subplots(), self.kind.value, self.told.value, self.tables[self.table.value], strip_of(state))
        fig.savefig(file, format="png", dpi=100)
        self.picture.value = file.getvalue()
        self.words.value = readout(state, self.rewards, self.slip)
        for button in (*self.buttons.values(), self.go):
            button.disabled = self.over

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(boards({self.table.value: self.tables[self.table.value]}, "policy", self.told.value))
