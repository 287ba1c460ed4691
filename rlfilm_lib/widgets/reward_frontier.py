"""The reward-KL frontier: what each generator earns, how far it went from the one it began as, and what it makes.

`chart` draws the points, `view` one of them with its clips, `still` a row of pictures for readers without a kernel;
`RewardFrontier` is the shell: go along the points.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.widgets.clip_scrubber import players, strip
from rlfilm_lib.widgets.picture import (
    BLACK,
    BLUE,
    ORANGE,
    VERMILION,
    Described,
    drawing,
    image_tag,
    png,
    round_numbers,
    text,
)

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 64, 22, 20, 48
"""Margins of the chart, in pixels."""
MARKS = {"start": BLACK, "best of N": ORANGE, "tuned": BLUE}
"""Colour of each kind of point; a start is a square, a best of N a diamond, a tuned one a disc."""


@dataclass(frozen=True)
class Point:
    """A way to generate.

    kind: a key of `MARKS`; kl: in nats per clip, of its process to the start's; clips: (K, T, H, W, 3) uint8.
    """

    name: str
    kind: str
    kl: float
    reward: float
    frechet: float
    clips: NDArray[np.uint8]


def sentence(point: Point) -> str:
    """A point in words.

    >>> sentence(Point("best of 4", "best of N", 0.636, 1.25, 13.7, np.zeros((1, 1, 1, 1, 3), np.uint8)))
    'best of 4: reward 1.25 at a KL of 0.64 nats per clip; Fréchet distance to real clips 13.7.'
    """
    return (
        f"{point.name}: reward {point.reward:.2f} at a KL of {point.kl:.2f} nats per clip; Fréchet distance to real "
        f"clips {point.frechet:.1f}."
    )


def place(kl: float, reward: float, points: Sequence[Point]) -> tuple[float, float]:
    """Where a KL and a reward stand on the chart, in pixels: log(1 + KL) from left to right, the reward upwards.

    points: two or more, of different rewards, that reach from edge to edge.

    >>> made = [Point(str(kl), "tuned", kl, reward, 1.0, np.zeros(0)) for kl, reward in ((0.0, 1.0), (99.0, 2.0))]
    >>> x, y = place(9.0, 1.5, made)  # half way in both
    >>> round((x - LEFT) / (WIDTH - LEFT - RIGHT), 3), round((y - TOP) / (HEIGHT - TOP - BOTTOM), 3)
    (0.5, 0.5)
    """
    rewards = [point.reward for point in points]
    low, high = min(rewards), max(rewards)
    across = np.log1p(kl) / np.log1p(max(point.kl for point in points))
    up = (reward - low) / (high - low)
    return LEFT + float(across) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def chart(points: Sequence[Point], chosen: int | None = None) -> Described:
    """All points, reward over KL, the chosen one ringed and named."""
    rewards = [point.reward for point in points]
    most = max(point.kl for point in points)
    marks = ""
    for reward in round_numbers(min(rewards), max(rewards)):
        _, y = place(0.0, reward, points)
        marks += f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e4e4e4"/>'
        marks += text(LEFT - 12, y + 4, f"{reward:.4g}", "end")
    for kl in [tick for tick in (0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if tick <= most]:
        x, _ = place(kl, rewards[0], points)
        marks += (
            f'<line x1="{x:.1f}" y1="{HEIGHT - BOTTOM + 8}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM + 13}" stroke="#777"/>'
        )
        marks += text(x, HEIGHT - BOTTOM + 27, f"{kl:g}", "middle")
    marks += text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "KL to the start, nats per clip", "middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    marks += f'<g transform="translate(14 {middle:.0f}) rotate(-90)">{text(0, 0, "reward", "middle")}</g>'
    for number, point in enumerate(points):
        x, y = place(point.kl, point.reward, points)
        marks += _mark(point.kind, x, y)
        if number == chosen:
            marks += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="none" stroke="{VERMILION}" stroke-width="2.5"/>'
            side = "end" if x > WIDTH / 2 else "start"
            marks += text(x + (-16 if side == "end" else 16), y + 4, point.name, side)
    for kind, x in zip(MARKS, (WIDTH - 250, WIDTH - 180, WIDTH - 85), strict=True):
        marks += _mark(kind, x, HEIGHT - BOTTOM - 8) + text(x + 10, HEIGHT - BOTTOM - 4, kind)
    return drawing(WIDTH, HEIGHT, marks, "Reward over KL. " + " ".join(sentence(point) for point in points))


def _mark(kind: str, x: float, y: float) -> str:
    colour = MARKS[kind]
    if kind == "tuned":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if kind == "best of N" else ""
    return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="{colour}"{turn}/>'


def view(points: Sequence[Point], chosen: int, asked: Sequence[str]) -> Described:
    """The chart with a point chosen, and below it that point's clips, each under the caption that asked for it."""
    point = points[chosen]
    shown = players(list(point.clips), asked, f"Clips of “{point.name}”.", 128)
    return Described(chart(points, chosen).html + shown.html, sentence(point))


def still(points: Sequence[Point], asked: Sequence[str]) -> Described:
    """The chart, and of each point every second frame of its clips, for readers without a kernel."""
    cells = ""
    for point in points:
        sheet = strip(list(point.clips[:, ::2]))
        cells += f'<div style="font-size: 12px">{html.escape(sentence(point))}<br>'
        cells += f"{image_tag(png(sheet), point.name, sheet.shape[1]).html}</div>"
    words = f"Reward over KL, and clips at each point, a strip for each of, from top to bottom: {'; '.join(asked)}."
    looks = "display: flex; flex-wrap: wrap; gap: 10px"
    drawn = chart(points)
    return Described(
        f'{drawn.html}<div style="font-size: 13px">{html.escape(words)}</div>'
        f'<div role="img" aria-label="{html.escape(words)}" style="{looks}">{cells}</div>',
        words,
    )


def points_of(rows: Mapping[str, Mapping[str, float]], clips: Mapping[str, NDArray[np.uint8]]) -> list[Point]:
    """The rows of a fine-tuning's figures (reward, kl, frechet by name) that have clips, by rising KL.

    A row with `clips_per_caption` is a best of N, one with `kl_coef` a tuned one, any other the start.
    """
    made = []
    for name, row in rows.items():
        if name in clips:
            kind = "best of N" if "clips_per_caption" in row else "tuned" if "kl_coef" in row else "start"
            made.append(Point(name, kind, row["kl"], row["reward"], row["frechet"], clips[name]))
    return sorted(made, key=lambda point: point.kl)


# The shell


class RewardFrontier:
    """Go along the points from the start outwards, and look at what each makes.

    points: by rising KL; asked: the captions of their clips. As a cell's last line it shows itself, and still pictures
    for readers without a kernel.
    """

    def __init__(self, points: Sequence[Point], asked: Sequence[str]) -> None:
        import ipywidgets as widgets

        self.points, self.asked = list(points), list(asked)
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "420px"}}
        self.number = widgets.IntSlider(value=0, min=0, max=len(self.points) - 1, description="point", **wide)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        self.number.observe(self._moved, "value")
        self.box = widgets.VBox([self.number, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.points, self.number.value, self.asked)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-frontier" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.points, self.asked))
