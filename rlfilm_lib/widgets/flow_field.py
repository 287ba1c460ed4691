"""Flow matching where everything is known: a few data points, and the velocity from noise to them in closed form.

`shares`, `velocity` and `field` are the closed form, `follow` keeps every place on the way; `view` and `still` draw
points in two dimensions; `FlowField` is the shell of sliders.
"""

import html

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.video.flow import Velocity, integrate
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, VERMILION, Described, drawing, text

STEPS = 20
"""Moments between noise and data that the slider knows."""
REACH = 2.8
"""The panels show -REACH to REACH in both directions."""
PANEL, GAP, TOP = 360, 24, 28


def shares(x: NDArray, t: float | NDArray, data: NDArray) -> NDArray:
    """How likely each data point is the end of a straight line through x at time t: (N, M), rows add up to 1.

    x: (N, Z); t: below 1, one number or (N, 1); data: (M, Z), all equally likely. The line to x_i stands at
    (1 - t) ε + t x_i, so that x ~ N(t x_i, (1 - t)² I), and w_i ∝ exp(-‖x - t x_i‖² / 2 (1 - t)²).

    >>> data = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> [shares(np.array([[0.2, 0.0]]), t, data).round(3).tolist() for t in (0.0, 0.5)]
    [[[0.5, 0.5]], [[0.31, 0.69]]]
    """
    apart = x[:, None] - np.reshape(t, (-1, 1, 1)) * data
    logits = -(apart**2).sum(axis=-1) / (2 * np.reshape(1 - t, (-1, 1)) ** 2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def velocity(x: NDArray, t: float | NDArray, data: NDArray) -> NDArray:
    """E[x₁ - ε | x_t = x] = Σ w_i (x_i - x) / (1 - t), the average direction of the lines through x: (N, Z).

    >>> data = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> velocity(np.array([[0.2, 0.0]]), 0.0, data).round(3).tolist()  # at first everything heads for the mean
    [[-0.2, 0.0]]
    """
    return (shares(x, t, data) @ data - x) / np.reshape(1 - t, (-1, 1))


def field(data: NDArray) -> Velocity:
    """The exact velocity for data (M, T, Z), as `rlfilm_lib.video.flow` takes one: x (N, T, Z), times (N,) → v."""
    flat = data.reshape(len(data), -1)
    return lambda x, t: velocity(x.reshape(len(x), -1), t[:, None], flat).reshape(x.shape)


def follow(v: Velocity, noise: NDArray, steps: int) -> NDArray:
    """Every place on the way from noise (N, T, Z) to data by `integrate`: (steps + 1, N, T, Z).

    >>> follow(lambda x, t: np.ones_like(x), np.zeros((1, 1, 1)), steps=4).ravel().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    places = []

    def watched(x: NDArray, t: NDArray) -> NDArray:
        places.append(x)
        return v(x, t)

    end = integrate(watched, noise, steps)
    return np.stack([*places, end])


def sentence(data: NDArray, t: float, probe: tuple[float, float]) -> str:
    """What can be said of a point at time t."""
    here = np.array([probe], float)
    where = f"t = {t:.2f}: a particle at ({probe[0]:.1f}, {probe[1]:.1f})"
    if t >= 1:
        return "t = 1.00: everything has arrived at the data."
    weights, v = shares(here, t, data)[0], velocity(here, t, data)[0]
    likely = int((weights > 0.05).sum())
    return (
        f"{where} may be under way to {likely} of the {len(data)} points with more than 5 % each, to the likeliest "
        f"with {100 * weights.max():.0f} %; on the average it goes ({v[0]:+.2f}, {v[1]:+.2f}) per unit of time."
    )


def view(data: NDArray, paths: NDArray, step: int, probe: tuple[float, float]) -> Described:
    """Two panels at a moment: where a particle at `probe` may be going, and the whole cloud with its way so far.

    data: (M, 2); paths: (S + 1, N, 2) as `follow` keeps them; step: 0 to S.
    """
    t = step / (len(paths) - 1)
    left, right = (GAP, TOP), (2 * GAP + PANEL, TOP)
    marks = (
        HEAD + text(left[0], TOP - 9, "where one particle may be going") + text(right[0], TOP - 9, "the whole cloud")
    )
    for corner in (left, right):
        marks += f'<rect x="{corner[0]}" y="{corner[1]}" width="{PANEL}" height="{PANEL}" fill="white" stroke="#bbb"/>'
    marks += _clipped(left, _fan(data, t, probe, left)) + _clipped(right, _cloud(data, paths, step, right))
    size = 3 * GAP + 2 * PANEL, TOP + PANEL + 30
    marks += text(left[0], size[1] - 9, LEGEND)
    return drawing(*size, marks, sentence(data, t, probe))


def still(data: NDArray, paths: NDArray, moments: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)) -> Described:
    """The cloud and the arrows at some moments, for readers without a kernel."""
    steps = [round(t * (len(paths) - 1)) for t in moments]
    width, marks = 210, HEAD
    for column, (t, step) in enumerate(zip(moments, steps, strict=True)):
        corner = (column * (width + 8) + 4, TOP)
        frame = f'<rect x="{corner[0]}" y="{TOP}" width="{width}" height="{width}" fill="white" stroke="#bbb"/>'
        seen = _arrows(data, t, corner, 7, width) + _cloud(data, paths, step, corner, width, trails=False)
        marks += text(corner[0], TOP - 9, f"t = {t:g}") + frame + _clipped(corner, seen, width)
    alt = (
        f"A cloud of {paths.shape[1]} particles at {len(moments)} moments. At t = 0 it is round noise and all arrows "
        f"point to the middle of the {len(data)} data points; then it parts, arrow by arrow; at t = 1 every particle "
        "sits on a data point."
    )
    return drawing(len(moments) * (width + 8), TOP + width + 6, marks, alt)


# Marks, in pixels

HEAD = (
    '<defs><marker id="h" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="7" markerHeight="7" orient="auto" '
    'markerUnits="userSpaceOnUse"><path d="M0 0L6 3L0 6z" fill="context-stroke"/></marker></defs>'
)
LEGEND = (
    "orange: data; blue: particles; blue lines: possible ends, wider where likelier; red: to their average; "
    "grey: velocity"
)


def pixels(points: NDArray, corner: tuple[float, float], width: int = PANEL) -> NDArray:
    """Places (..., 2) on the screen: -REACH to REACH from left to right, and from the bottom up.

    >>> pixels(np.array([[-REACH, REACH], [0.0, 0.0]]), (10, 20), 100).tolist()
    [[10.0, 20.0], [60.0, 70.0]]
    """
    return np.asarray(corner) + width * (np.asarray(points) * [1, -1] + REACH) / (2 * REACH)


def _dots(points: NDArray, colour: str, radius: float) -> str:
    path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
    return f'<path d="{path}" stroke="{colour}" stroke-width="{2 * radius}" stroke-linecap="round"/>'


def _arrow(start: NDArray, end: NDArray, colour: str, width: float) -> str:
    (x, y), (u, v) = start, end
    line = f'x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}"'
    return f'<line {line} stroke="{colour}" stroke-width="{width:.1f}" marker-end="url(#h)"/>'


def _arrows(data: NDArray, t: float, corner: tuple[float, float], number: int, width: int = PANEL) -> str:
    """The velocity on a grid, each arrow as long as its particle goes in a fifth of the time; none at the end."""
    if t >= 1:
        return ""
    axis = (np.arange(number) + 0.5) / number * 2 * REACH - REACH
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    ends = grid + 0.2 * velocity(grid, t, data)
    pairs = zip(pixels(grid, corner, width), pixels(ends, corner, width), strict=True)
    return "".join(_arrow(a, b, "#9a9a9a", 1.2) for a, b in pairs)


def _fan(data: NDArray, t: float, probe: tuple[float, float], corner: tuple[float, float]) -> str:
    here = np.array([probe], float)
    start, ends = pixels(here, corner)[0], pixels(data, corner)
    marks = _arrows(data, t, corner, 11)
    if t < 1:
        for weight, (x, y) in zip(shares(here, t, data)[0], ends, strict=True):
            line = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{x:.1f}" y2="{y:.1f}"'
            marks += f'<line {line} stroke="{BLUE}" stroke-width="{12 * weight:.2f}" stroke-opacity="0.45"/>'
        tip = pixels(here + (1 - t) * velocity(here, t, data), corner)[0]
        marks += _arrow(start, tip, VERMILION, 3)
    return marks + _dots(ends, ORANGE, 5) + _dots(start[None], BLACK, 4.5)


def _cloud(
    data: NDArray, paths: NDArray, step: int, corner: tuple[float, float], width: int = PANEL, trails: bool = True
) -> str:
    places = pixels(paths[: step + 1], corner, width)
    marks = ""
    if trails and step:
        for way in places.transpose(1, 0, 2)[:60]:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
            marks += f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-opacity="0.25"/>'
    radius = 5 * width / PANEL
    return marks + _dots(pixels(data, corner, width), ORANGE, radius) + _dots(places[-1], BLUE, 0.36 * radius)


def _clipped(corner: tuple[float, float], marks: str, width: int = PANEL) -> str:
    name = f"c{corner[0]:.0f}"
    frame = f'<rect x="{corner[0]}" y="{corner[1]}" width="{width}" height="{width}"/>'
    return f'<clipPath id="{name}">{frame}</clipPath><g clip-path="url(#{name})">{marks}</g>'


# The shell


class FlowField:
    """Move the time and a particle, and see which data points it may be under way to, and their average.

    data: (M, 2). As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, data: NDArray, particles: int = 200, seed: int = 0) -> None:
        import ipywidgets as widgets

        self.data = np.asarray(data, float)
        noise = np.random.default_rng(seed).standard_normal((particles, 1, 2))
        self.paths = follow(field(self.data[:, None]), noise, STEPS)[:, :, 0]
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "300px"}}
        self.time = widgets.FloatSlider(value=0.5, min=0, max=1, step=1 / STEPS, description="time t", **wide)
        self.x = widgets.FloatSlider(value=0.8, min=-2.5, max=2.5, step=0.1, description="x", **wide)
        self.y = widgets.FloatSlider(value=0.5, min=-2.5, max=2.5, step=0.1, description="y", **wide)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.time, self.x, self.y):
            control.observe(self._moved, "value")
        row = widgets.HBox([self.time, self.x, self.y], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([row, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.data, self.paths, round(self.time.value * STEPS), (self.x.value, self.y.value))
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-flow" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.data, self.paths))
