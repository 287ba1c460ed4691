"""The brief editor: ask for a shot in the words of a film set, see what the camera is to do, and have it shot.

`words`, `shoot` and `show` are plain functions; `BriefEditor` is the shell of menus and sliders.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rlfilm_lib.envs.camera_move import ANGLES, BRIEFS, LIMITS, MOVEMENTS, SIDES, CameraMove
from rlfilm_lib.envs.shooting import Shot, play
from rlfilm_lib.film import framing
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets.picture import BLUE, VERMILION, Described, figure, gallery

SCENE = "rlfilm/CameraMove-v0"
UNITS = {"push-in": "of the distance per second", "orbit": "rad/s", "dolly zoom": "octaves of focal length per second"}
BLURS = (0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1)
FRAMES = 5

Policy = Callable[..., np.ndarray]


def words(brief: Mapping[str, Any]) -> str:
    """A brief in words.

    >>> words({"movement": "push-in", "rate": 0.08, "k": 0.4, "angle": "low"})
    'push-in at 0.08 of the distance per second; MS (k = 0.40); low angle'
    """
    said = []
    if "movement" in brief:
        movement = brief["movement"]
        said.append(f"{movement} at {brief['rate']:g} {UNITS[movement]}" if "rate" in brief else movement)
    if "k" in brief:
        said.append(f"{framing.shot_size(brief['k'])} (k = {brief['k']:.2f})")
    if "angle" in brief:
        said.append("eye level" if brief["angle"] == "eye" else f"{brief['angle']} angle")
    if "side" in brief:
        said.append("eyes in the centre" if brief["side"] == "centre" else f"eyes on the {brief['side']} third")
    if "lead_room" in brief:
        said.append(f"lead room {brief['lead_room']:.2f} of the width")
    if "blur" in brief:
        said.append(f"blur of the backdrop {100 * brief['blur']:.1f} % of the height")
    if "f_stop" in brief:
        said.append(f"light for f/{brief['f_stop']:.1f}")
    return "; ".join(said)


def shoot(brief: Mapping[str, Any], policy: Policy | None = None, seed: int = 1) -> Shot:
    """One take after the brief, by the environment's expert or another policy."""
    return play(policy or CameraMove(1).expert_policy(), SCENE, seed=seed, options={"brief": dict(brief)})


def show(shot: Shot, caption: str) -> Described:
    """A take as frames from first to last, and the mean of every reward term below."""
    import matplotlib.pyplot as plt

    weights, seconds = CameraMove.weights, len(shot.take) / shot.take.fps
    numbers = np.linspace(0, len(shot.take) - 1, FRAMES).round().astype(int)
    frames = [preview.render(shot.take[number : number + 1], 240, 135)[0] for number in numbers]
    film = gallery(frames, [f"{number / shot.take.fps:.1f} s" for number in numbers], caption, FRAMES, 172)
    means = {name: float(term.mean()) for name, term in shot.terms.items()}
    fig, axes = plt.subplots(figsize=(9.2, 1.7), layout="constrained")
    axes.bar(range(len(means)), list(means.values()), color=[BLUE if weights[n] > 0 else VERMILION for n in means])
    axes.set_xticks(range(len(means)), [name.replace("_", "\n") for name in means], fontsize=8)
    for place, mean in enumerate(means.values()):
        axes.text(place, mean + 0.03, f"{mean:.2f}", ha="center", fontsize=8)
    axes.set(ylim=(0, 1.2), yticks=(0, 0.5, 1), ylabel="mean of the term")
    axes.spines[["top", "right"]].set_visible(False)
    worst = min((name for name in means if weights[name] > 0), key=lambda name: means[name])
    result = (
        f"A take of {seconds:.1f} s, {caption}; return {shot.rewards.sum():.1f}; lowest term "
        f"{worst.replace('_', ' ')} ({means[worst]:.2f})."
    )
    bars = figure(fig, f"Mean of each reward term. {result}")
    return Described(f"<p>{html.escape(result)}</p>{film.html}{bars.html}", result)


class BriefEditor:
    """Menus and sliders for a brief; `.brief` holds it, and the button has it shot by a policy, or by the expert.

    As a cell's last line it shows itself, and a take after the first brief for readers without a kernel.
    """

    def __init__(self, first: str = "realisation", policy: Policy | None = None, seed: int = 1) -> None:
        import ipywidgets as widgets

        self.policy, self.seed, self.first = policy, seed, first
        looks = {"style": {"description_width": "130px"}, "layout": {"width": "420px"}}
        slides = {"continuous_update": False, **looks}
        k = dict(zip(("min", "max"), np.log2(LIMITS["k"]), strict=True))
        self.preset = widgets.Dropdown(options=list(BRIEFS), value=first, description="start from", **looks)
        self.controls = {
            "movement": widgets.Dropdown(options=list(MOVEMENTS), description="movement", **looks),
            "rate": widgets.FloatSlider(min=-1, max=1, step=0.01, description="rate", **slides),
            "k": widgets.FloatLogSlider(base=2, **k, step=0.05, description="size k", readout_format=".2f", **slides),
            "angle": widgets.ToggleButtons(options=list(ANGLES), description="angle", style={"button_width": "80px"}),
            "side": widgets.ToggleButtons(options=list(SIDES), description="side", style={"button_width": "80px"}),
            "lead_room": widgets.FloatSlider(
                min=LIMITS["lead_room"][0], max=LIMITS["lead_room"][1], step=0.01, description="lead room", **slides
            ),
            "blur": widgets.SelectionSlider(
                options=[("as it comes", 0.0), *((f"{100 * blur:g} %", blur) for blur in BLURS)],
                description="backdrop blur",
                **slides,
            ),
        }
        self.button = widgets.Button(description="Shoot it", icon="video-camera")
        self.words, self.result = widgets.HTML(), widgets.HTML()
        self._loading = False
        self.preset.observe(lambda change: self.load(change["new"]), "value")
        self.controls["movement"].observe(lambda _: self._set_range(), "value")
        for control in self.controls.values():
            control.observe(lambda _: self._say(), "value")
        self.button.on_click(lambda _: self.shoot())
        left = [self.preset, *(self.controls[name] for name in ("movement", "rate", "k", "lead_room", "blur"))]
        right = [self.controls["angle"], self.controls["side"], self.button]
        self.box = widgets.VBox([
            widgets.HBox([widgets.VBox(left), widgets.VBox(right)], layout={"flex_flow": "row wrap"}),
            self.words,
            self.result,
        ])  # fmt: skip
        self.load(first)

    @property
    def brief(self) -> dict[str, Any]:
        """The brief as `reset(options={"brief": ...})` takes it."""
        values = {name: control.value for name, control in self.controls.items()}
        low, high = MOVEMENTS[values["movement"]].rate
        rate = values.pop("rate")
        if high:
            values["rate"] = float(np.copysign(np.clip(abs(rate), 0.5 * low, 1.25 * high), rate))
        if not values["blur"]:
            del values["blur"]
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}

    def load(self, name: str) -> None:
        """Set all controls to a brief of the environment; what it leaves open asks for nothing special."""
        self._loading = True
        chosen = {"lead_room": 0.0, "blur": 0.0} | BRIEFS[name]
        self.controls["movement"].value = chosen["movement"]
        self._set_range()
        for entry, value in chosen.items():
            self.controls[entry].value = value
        self._loading = False
        self._say()

    def shoot(self) -> None:
        """Shoot the brief and show the take."""
        self.button.disabled = True
        brief = self.brief
        self.result.value = show(shoot(brief, self.policy, self.seed), words(brief)).html
        self.button.disabled = False

    def _set_range(self) -> None:
        movement, slider = MOVEMENTS[self.controls["movement"].value], self.controls["rate"]
        low, high = movement.rate
        slider.disabled = not high
        if high:
            bottom, top = (-1.25 * high if movement.both_ways else 0.5 * low), 1.25 * high
            slider.min, slider.max = min(bottom, slider.min), top
            slider.min = bottom
            slider.value = float(np.clip(slider.value, bottom, top)) or high

    def _say(self) -> None:
        if not self._loading:
            self.words.value = f'<p class="rlfilm-brief">{html.escape(words(self.brief))}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(show(shoot(BRIEFS[self.first], self.policy, self.seed), f"brief “{self.first}”"))
