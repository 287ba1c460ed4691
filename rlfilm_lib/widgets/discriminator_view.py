"""The discriminator's view over training: what it says of real, made and damaged clips, frame by frame.

`kinds` are the clips that it is shown, `judged` asks it, `Views` keeps the answers of several moments of a training;
`view` and `still` show them; `DiscriminatorView` is the shell: choose a clip, and move through the training.
"""

import base64
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.video.captions import Caption
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.widgets.clip_scrubber import strip
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, Described, drawing, png, text

Scores = Callable[[NDArray, NDArray], NDArray]
"""A discriminator: clips (N, T, Z), conditions (N, C) → what its spatial and its temporal part say, (2, N)."""
KINDS = {
    "real": ("real", BLUE, "none"),
    "made": ("made", VERMILION, "none"),
    "mismatched": ("real, told others' words", PURPLE, "6 3"),
    "still": ("real, its first frame held", GREEN, "2 3"),
    "shuffled": ("real, its frames shuffled", ORANGE, "8 3 2 3"),
}
"""What is shown to it: a name, a colour, dashes."""
SHUFFLED = 7
"""Seed of the order of shuffled frames."""


def kinds(real: NDArray, made: NDArray, told: NDArray) -> dict[str, tuple[NDArray, NDArray]]:
    """By kind, clips (N, T, Z) and conditions (N, C), from real and made ones and what both were told.

    >>> clips = np.arange(4.0).reshape(2, 2, 1)
    >>> x, conditions = kinds(clips, clips, np.array([[5], [6]]))["mismatched"]
    >>> x.ravel().tolist(), conditions.ravel().tolist()
    ([0.0, 1.0, 2.0, 3.0], [6, 5])
    """
    length = real.shape[1]
    return {
        "real": (real, told),
        "made": (made, told),
        "mismatched": (real, np.roll(told, 1, axis=0)),
        "still": (np.repeat(real[:, :1], length, axis=1), told),
        "shuffled": (real[:, np.random.default_rng(SHUFFLED).permutation(length)], told),
    }


def by_frame(scores: Scores, x: NDArray, told: NDArray) -> tuple[NDArray, NDArray]:
    """What each frame of clips (N, T, Z) does for the scores of a discriminator: (N, T) for either part.

    Spatial: the score of a clip that is this frame throughout; as the part takes a mean over frames, the mean of these
    is its score. Temporal: how much of the score goes if the frame before (for the first, the one after) stands in for
    this one.

    >>> rising = lambda x, told: np.stack([x.mean(axis=(1, 2)), np.diff(x[..., 0], axis=1).min(axis=1)])
    >>> spatial, temporal = by_frame(rising, np.array([[[0.0], [1.0], [3.0]]]), np.zeros((1, 1)))
    >>> spatial.tolist(), temporal.tolist()
    ([[0.0, 1.0, 3.0]], [[1.0, 1.0, 1.0]])
    """
    spatial, temporal, whole = [], [], scores(x, told)[1]
    for frame in range(x.shape[1]):
        spatial.append(scores(np.repeat(x[:, [frame]], x.shape[1], axis=1), told)[0])
        without = x.copy()
        without[:, frame] = x[:, frame - 1 if frame else min(1, x.shape[1] - 1)]
        temporal.append(whole - scores(without, told)[1])
    return np.stack(spatial, axis=1), np.stack(temporal, axis=1)


@dataclass(frozen=True)
class Views:
    """What a discriminator said of N held-out clips of T frames at L moments of a training.

    steps: (L,); captions: N texts; real: latents (N, T, Z); made: (L, N, T, Z); scores: (L, S, N, 2), spatial and
    temporal, of the S `KINDS`; spatial, temporal: (L, S, N, T), as `by_frame` gives them.
    """

    steps: NDArray
    captions: NDArray
    real: NDArray
    made: NDArray
    scores: NDArray
    spatial: NDArray
    temporal: NDArray

    def followed_by(self, other: "Views") -> "Views":
        """These moments, and those of another, of the same clips."""
        later = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("steps", "made", "scores", "spatial", "temporal")
        }
        return Views(captions=self.captions, real=self.real, **later)

    def save(self, path: str | Path) -> None:
        """Write an .npz file, in float16."""
        arrays: dict[str, Any] = {name: _as(np.float16, array) for name, array in vars(self).items()}
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Views":
        """What `save` wrote."""
        with np.load(path) as file:
            return cls(**{name: _as(np.float32, file[name]) for name in file})


def _as(kind: type[np.floating], array: NDArray) -> NDArray:
    return array.astype(kind) if array.dtype.kind == "f" else array


def judged(
    scores: Scores, step: int, captions: Sequence[Caption], real: NDArray, made: NDArray, told: NDArray
) -> Views:
    """One moment: what a discriminator says of clips of all kinds, real and made (N, T, Z), told (N, C)."""
    shown = list(kinds(real, made, told).values())
    frames = [by_frame(scores, *each) for each in shown]
    return Views(
        np.array([step]),
        np.array([caption.text for caption in captions]),
        real,
        made[None],
        np.stack([scores(*each).T for each in shown])[None],
        np.stack([spatial for spatial, _ in frames])[None],
        np.stack([temporal for _, temporal in frames])[None],
    )


# What there is to see, in pixels

LABEL, FRAME, GAP, BARS, HEAD, SIDE = 186, 34, 1, 30, 40, 124
ROW = FRAME + 2 * GAP + BARS + 10
REACH = {"spatial": 1.5, "temporal": 0.3}
"""What a frame does for a part beyond ± this is drawn at the edge."""
CHART, LOW, HIGH = 150, -2.0, 1.5
"""Height of the chart of scores, and which it shows; what is beyond is drawn at its edge."""


def sentence(views: Views, moment: int, number: int) -> str:
    """What the discriminator says of one clip at one moment, in words."""
    said = dict(zip(KINDS, views.scores[moment, :, number].mean(axis=1), strict=True))
    real, made, steps = said["real"], said["made"], views.steps[moment]
    verdict = "as real" if abs(real - made) < 0.1 else "below the real one" if made < real else "above the real one"
    return (
        f"“{views.captions[number]}” after {steps} steps: real {real:+.2f}, made {made:+.2f} ({verdict}), "
        f"told others' words {said['mismatched']:+.2f}, held still {said['still']:+.2f}, "
        f"shuffled {said['shuffled']:+.2f}."
    )


def view(views: Views, codec: PCA, moment: int, number: int) -> Described:
    """One clip at one moment: a strip of frames per kind, bars for what each frame does, and the scores over training.

    Blue bars: the spatial part's score of a frame; orange bars: what the temporal part loses without it.
    """
    shown = kinds(views.real[[number]], views.made[moment, [number]], np.zeros((1, 1)))
    width = LABEL + views.real.shape[1] * (FRAME + GAP) + SIDE
    marks = f'<rect x="{LABEL}" y="4" width="11" height="11" fill="{BLUE}"/>'
    marks += text(LABEL + 18, 14, f"spatial score of this frame (up to ±{REACH['spatial']:g})")
    marks += f'<rect x="{LABEL + 280}" y="4" width="11" height="11" fill="{ORANGE}"/>'
    marks += text(LABEL + 298, 14, f"what the temporal one loses without it (±{REACH['temporal']:g})")
    marks += text(width - SIDE + 8, 34, "spatial") + text(width - SIDE + 64, 34, "temporal")
    for row, (kind, (clips, _)) in enumerate(shown.items()):
        name, colour, dashes = KINDS[kind]
        top = HEAD + row * ROW
        line = f'x1="4" y1="{top + 34}" x2="60" y2="{top + 34}" stroke="{colour}" stroke-width="2.2"'
        marks += text(4, top + 22, name) + f'<line {line} stroke-dasharray="{dashes}"/>'
        marks += _frames(codec.decode(clips[0]), top)
        parts = views.spatial[moment, row, number], views.temporal[moment, row, number]
        marks += _bars(*parts, top + FRAME + 2 * GAP)
        spatial, temporal = views.scores[moment, row, number]
        marks += text(width - SIDE + 48, top + 22, f"{spatial:+.2f}", "end")
        marks += text(width - SIDE + 112, top + 22, f"{temporal:+.2f}", "end")
    top = HEAD + len(shown) * ROW + 12
    marks += _chart(views, moment, number, top, width)
    return drawing(width, top + CHART + 40, marks, sentence(views, moment, number))


def still(views: Views, codec: PCA, number: int = 0) -> Described:
    """The first moment with scores that differ, one on the way and the last, for readers without a kernel."""
    spread = np.ptp(views.scores[:, :, number].mean(axis=-1), axis=1)
    first = int(np.argmax(spread > 0.2))
    moments = sorted({first, (first + len(views.steps) - 1) // 2, len(views.steps) - 1})
    seen = [view(views, codec, moment, number) for moment in moments]
    words = " ".join(each.text for each in seen)
    return Described(f"<div>{'<br>'.join(each.html for each in seen)}</div>", words)


def _frames(clip: NDArray[np.uint8], top: int) -> str:
    source = base64.b64encode(png(strip([clip], scale=1))).decode()
    width, height = (FRAME + GAP) * len(clip) + GAP, FRAME + 2 * GAP
    return (
        f'<image x="{LABEL}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'style="image-rendering: pixelated" href="data:image/png;base64,{source}"/>'
    )


def _bars(spatial: NDArray, temporal: NDArray, top: int) -> str:
    middle, half = top + BARS / 2, BARS / 2
    marks = (
        f'<line x1="{LABEL}" y1="{middle}" x2="{LABEL + len(spatial) * (FRAME + GAP)}" y2="{middle}" stroke="#999"/>'
    )
    parts = ((6, spatial, BLUE, REACH["spatial"]), (19, temporal, ORANGE, REACH["temporal"]))
    for offset, values, colour, reach in parts:
        for frame, value in enumerate(np.clip(values / reach, -1, 1)):
            x, y = LABEL + frame * (FRAME + GAP) + offset, middle - max(value, 0) * half
            size = f'width="11" height="{abs(value) * half:.1f}"'
            marks += f'<rect x="{x}" y="{y:.1f}" {size} fill="{colour}"/>'
    return marks


def _chart(views: Views, moment: int, number: int, top: int, width: int) -> str:
    """Scores of all kinds over the moments, evenly spaced, with a line at this one."""
    left, right = LABEL, width - SIDE

    def height(score: float) -> float:
        return top + CHART * (HIGH - min(max(score, LOW), HIGH)) / (HIGH - LOW)

    xs = np.linspace(left, right, len(views.steps)) if len(views.steps) > 1 else np.array([left])
    marks = text(4, top + 20, "mean of both scores,") + text(4, top + 36, "over the training")
    for score in (-2, -1, 0, 1):
        y = height(score)
        marks += f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>'
        marks += text(left - 6, y + 4, f"{score:+g}" if score else "0", "end")
    for x, step in zip(xs, views.steps, strict=True):
        marks += text(x, top + CHART + 16, str(step), "middle")
    marks += text((left + right) / 2, top + CHART + 33, "steps of the training", "middle")
    x = xs[moment]
    marks += f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + CHART}" stroke="{BLACK}" stroke-opacity="0.4"/>'
    for row, (_, colour, dashes) in enumerate(KINDS.values()):
        scores = views.scores[:, row, number].mean(axis=1)
        points = " ".join(f"{x:.1f},{height(score):.1f}" for x, score in zip(xs, scores, strict=True))
        looks = f'stroke="{colour}" stroke-width="2.2" stroke-dasharray="{dashes}"'
        marks += f'<polyline points="{points}" fill="none" {looks}/>'
    return marks


# The shell


class DiscriminatorView:
    """Choose a clip, and move through the training: what the discriminator says of it, and of what was done to it.

    As a cell's last line it shows itself, and still pictures for readers without a kernel.
    """

    def __init__(self, views: Views, codec: PCA, number: int = 0) -> None:
        import ipywidgets as widgets

        self.views, self.codec, self.first = views, codec, number
        captions = [(str(caption), i) for i, caption in enumerate(views.captions)]
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "420px"}}
        self.clips = widgets.Dropdown(options=captions, value=number, description="clip", **wide)
        steps = [(str(step), i) for i, step in enumerate(views.steps)]
        self.moment = widgets.SelectionSlider(options=steps, value=len(steps) - 1, description="steps", **wide)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.clips, self.moment):
            control.observe(self._moved, "value")
        row = widgets.HBox([self.clips, self.moment])
        row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([row, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.views, self.codec, self.moment.value, self.clips.value)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-discriminator" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.views, self.codec, self.first))
