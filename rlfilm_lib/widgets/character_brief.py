"""The brief editor of Character-v0: gesture, cue, and how the character feels from the beginning to the end of a take.

`face` and `faces` render expressions, `weights` gives them from valence and arousal, `view` and `still` show a brief;
`BriefEditor` is the shell of menus and sliders, whose `brief` goes to `Character`.
"""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rlfilm_lib.envs.character import CUES, DT, FACE_BLEND, Character
from rlfilm_lib.media.motion import GESTURES
from rlfilm_lib.stage import preview
from rlfilm_lib.stage.take import level_camera
from rlfilm_lib.widgets.picture import BLUE, ORANGE, Described, drawing, gallery, text

SECONDS = Character.episode_steps * DT
WHEN = (0.0, SECONDS / 2, SECONDS)
"""Seconds of the three points of an arc that the editor sets."""
MOMENTS = 5
"""Faces that a brief is shown with."""
SIDE = 120
"""Pixels of a face."""

Arc = Sequence[tuple[float, float, float]]


def weights(valence: ArrayLike, arousal: ArrayLike) -> np.ndarray:
    """Blend weights (..., 3) of brow, eye and mouth, from -1 to 1, of valence and arousal (...), from -1 to 1.

    >>> weights(1.0, 0.0).tolist()  # content: brow a little raised, eyes as they are, corners of the mouth up
    [0.6, 0.0, 1.0]
    """
    return np.stack(np.broadcast_arrays(valence, arousal), axis=-1) @ FACE_BLEND.T


def face(blend: ArrayLike, size: int = SIDE) -> np.ndarray:
    """Pictures (F, size, size, 3) uint8 of the standing figure's face with blend weights (F, 3)."""
    blend = np.atleast_2d(np.asarray(blend, float))
    env = Character(1)
    env.reset(seed=0, options={"start": "top"})
    standing = env.state()
    states = [standing | {"face": weights[None]} for weights in blend]
    take = env.take([standing, *states])
    take = replace(
        take,
        focal_length=np.full(len(take), 68.0),
        focus_distance=np.full(len(take), 1.7),
        camera_position=np.tile([-0.12, 0.2, 1.63], (len(take), 1)),
        camera_rotation=np.tile(level_camera(0.07), (len(take), 1, 1)),
        gate=(12.0, 12.0),
    )
    return preview.render(take, size, size)


def at(arc: Arc, when: ArrayLike) -> np.ndarray:
    """Valence and arousal (..., 2) of an arc at some seconds (...): straight lines between its points.

    >>> at([(0, 0.0, 0.0), (2, 1.0, -0.5)], 1.0).tolist()
    [0.5, -0.25]
    """
    seconds, *columns = np.array(arc, float).T
    return np.stack([np.interp(np.asarray(when, float), seconds, column) for column in columns], axis=-1)


def mood(valence: float, arousal: float) -> str:
    """A word for a place of Russell's (1980) circumplex, by the eighth of the circle that it lies in.

    >>> mood(0.7, 0.6), mood(-0.8, 0.0), mood(0.05, 0.1)
    ('delighted', 'miserable', 'neutral')
    """
    if np.hypot(valence, arousal) < 0.25:
        return "neutral"
    words = ("pleased", "delighted", "aroused", "alarmed", "miserable", "sad", "sleepy", "relaxed")
    return words[round(np.arctan2(arousal, valence) / (np.pi / 4)) % 8]


def sentence(brief: dict[str, Any]) -> str:
    """A brief in one sentence."""
    moods = [mood(*feeling) for feeling in at(brief["arc"], [point[0] for point in brief["arc"]])]
    how = " → ".join(dict.fromkeys(moods))
    cue = {"sound": "at a sound", "look": "at a look", "touch": "at a touch on the shoulder"}[brief["cue"]]
    return f"{brief['gesture']} {cue}; {how}."


def view(brief: dict[str, Any]) -> Described:
    """The arc over the take, and the face at some of its moments."""
    width, height, left, top = MOMENTS * SIDE, 120, 46, 10
    when = np.linspace(0, SECONDS, MOMENTS)
    places = left + SIDE * (np.arange(MOMENTS) + 0.5)  # the faces stand over the moments they belong to
    feelings = at(brief["arc"], np.linspace(0, SECONDS, 101))
    marks = ""
    for value in (-1, 0, 1):
        level = top + (1 - value) / 2 * height
        marks += f'<line x1="{places[0]}" x2="{places[-1]}" y1="{level}" y2="{level}" stroke="#ddd"/>'
        marks += text(places[0] - 8, level + 4, f"{value:+d}" if value else "0", "end")
    for place, second in zip(places, when, strict=True):
        marks += text(place, top + height + 20, f"{second:g}", "middle")
    marks += text(places.mean(), top + height + 38, "time (s)", "middle")
    for k, (name, colour, dash) in enumerate((("valence", BLUE, "none"), ("arousal", ORANGE, "6 3"))):
        x = places[0] + np.linspace(0, 1, 101) * (places[-1] - places[0])
        y = top + (1 - feelings[:, k]) / 2 * height
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        stroke = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"'
        marks += f'<polyline points="{points}" {stroke}/>'
        row = top + 14 + 24 * k
        marks += f'<line x1="{left + width}" x2="{left + width + 30}" y1="{row}" y2="{row}" {stroke}/>'
        marks += text(left + width + 36, row + 4, name)
    words = sentence(brief)
    faces = face(weights(*at(brief["arc"], when).T))
    shown = gallery(
        list(faces), [f"{second:g} s" for second in when], f"The face during the take. {words}", MOMENTS, SIDE - 6
    )
    curve = drawing(left + width + 110, top + height + 46, marks, f"Valence and arousal over the take. {words}")
    return Described(f'<div style="margin-left: {left}px">{shown.html}</div>{curve.html}', words)


class BriefEditor:
    """Set gesture, cue, and valence and arousal at the beginning, the middle and the end of the take.

    `brief` is what `Character(brief=...)` takes. As a cell's last line it shows itself, and a still picture for readers
    without a kernel.
    """

    def __init__(self, gesture: str = "bow", cue: str = "sound", arc: Arc | None = None) -> None:
        import ipywidgets as widgets

        arc = arc or [(when, 0.0, 0.0) for when in WHEN]
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "220px"}}
        self.gesture = widgets.Dropdown(options=GESTURES, value=gesture, description="gesture", **wide)
        self.cue = widgets.Dropdown(options=CUES, value=cue, description="cue", **wide)
        self.sliders = [
            [
                widgets.FloatSlider(
                    value=value, min=-1, max=1, step=0.1, description=f"{name}, {when:g} s", continuous_update=False,
                    readout_format="+.1f", style={"description_width": "100px"}, layout={"width": "290px"},
                )
                for name, value in zip(("valence", "arousal"), feeling, strict=True)
            ]
            for when, feeling in zip(WHEN, at(arc, WHEN), strict=True)
        ]  # fmt: skip
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.gesture, self.cue, *(slider for pair in self.sliders for slider in pair)):
            control.observe(self._moved, "value")
        columns = widgets.HBox([widgets.VBox(pair) for pair in self.sliders], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([widgets.HBox([self.gesture, self.cue]), columns, self.picture, self.words])
        self._moved(None)

    @property
    def brief(self) -> dict[str, Any]:
        """Gesture, cue and arc."""
        arc = [(when, *(slider.value for slider in pair)) for when, pair in zip(WHEN, self.sliders, strict=True)]
        return {"gesture": self.gesture.value, "cue": self.cue.value, "arc": arc}

    def _moved(self, _) -> None:
        seen = view(self.brief)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-brief" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(view(self.brief))
