"""The noise-to-video scrubber: a clip at any moment between noise and the end, and where it is heading from there.

`record` follows a flow and keeps every place and every velocity; `frames`, `view` and `still` show one; `ClipScrubber`
is the shell: choose a prompt or write one, and move the time.
"""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import Encoder
from rlfilm_lib.video.data import FPS
from rlfilm_lib.video.flow import Flow, integrate
from rlfilm_lib.widgets.picture import Described, image_tag, png

SCALE = 3
"""Screen pixels per pixel of a strip."""
GAP = 1
"""Pixels between frames of a strip, and between strips."""
PAPER = 255


@dataclass(frozen=True)
class Ways:
    """Ways of N clips from noise to the end in S steps.

    x: (S + 1, N, T, Z), where each stands; heading: (S + 1, N, T, Z), where its velocity would take it by the end,
    x + (1 - t) v: with guidance 1 the mean of what it may become, E[x₁ | x_t]. At the end both are the clip.
    """

    x: NDArray[np.float32]
    heading: NDArray[np.float32]

    @property
    def steps(self) -> int:
        """S."""
        return len(self.x) - 1


def record(
    flow: Flow, conditions: NDArray, steps: int | None = None, guidance: float | None = None, seed: int = 0
) -> Ways:
    """Follow a flow of either framework from one noise per condition (N, C); steps, guidance: other than configured."""
    steps = flow.config.sampling_steps if steps is None else steps
    guided = flow.velocity(conditions, flow.config.guidance if guidance is None else guidance)
    places, heading = [], []

    def watched(x: NDArray, t: NDArray) -> NDArray:
        v = guided(x, t)
        places.append(x)
        heading.append(x + (1 - t)[:, None, None] * v)
        return v

    end = integrate(watched, flow.noise(len(conditions), np.random.default_rng(seed)), steps)
    return Ways(np.stack([*places, end]), np.stack([*heading, end]))


# What there is to see


def strip(rows: Sequence[NDArray[np.uint8]], scale: int = SCALE) -> NDArray[np.uint8]:
    """Clips (T, H, W, 3) below one another, their frames from left to right, enlarged without smoothing.

    >>> strip([np.zeros((16, 16, 16, 3), np.uint8)] * 2, scale=1).shape
    (35, 273, 3)
    """
    clips = np.stack(rows)
    gaps = ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0))
    tiles = np.pad(clips, gaps, constant_values=PAPER)
    number, length, height, width, _ = tiles.shape
    sheet = tiles.transpose(0, 2, 1, 3, 4).reshape(number * height, length * width, 3)
    sheet = np.pad(sheet, ((GAP, 0), (GAP, 0), (0, 0)), constant_values=PAPER)
    return sheet.repeat(scale, axis=0).repeat(scale, axis=1)


def moving(frames: NDArray[np.uint8], alt: str, width: int = 96) -> Described:
    """A clip (T, H, W, 3) that plays in a loop, as an animated PNG without loss, `width` CSS pixels wide.

    >>> moving(np.zeros((2, 16, 16, 3), np.uint8), "two black frames")
    two black frames
    """
    from PIL import Image

    file = io.BytesIO()
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(file, "png", save_all=True, append_images=others, duration=1000 / FPS, loop=0)
    source = base64.b64encode(file.getvalue()).decode()
    looks = f"width: {width}px; image-rendering: pixelated; margin: 2px"
    return Described(f'<img src="data:image/png;base64,{source}" style="{looks}" alt="{html.escape(alt)}">', alt)


def players(clips: Sequence[NDArray[np.uint8]], names: Sequence[str], alt: str, width: int = 96) -> Described:
    """Clips (T, H, W, 3) that play beside each other, each under its name.

    >>> players([np.zeros((2, 16, 16, 3), np.uint8)], ["dark"], "one black clip")
    one black clip
    """
    cells = "".join(
        f'<div style="font-size: 12px; text-align: center; max-width: {width + 20}px">'
        f"{moving(clip, name, width).html}<br>{html.escape(name)}</div>"
        for clip, name in zip(clips, names, strict=True)
    )
    looks = "display: flex; flex-wrap: wrap; gap: 8px; align-items: flex-start"
    return Described(f'<div role="img" aria-label="{html.escape(alt)}" style="{looks}">{cells}</div>', alt)


def sentence(ways: Ways, prompt: str, step: int, number: int = 0) -> str:
    """A moment in words, and how far it is heading from what it becomes, as a root mean square over the latents."""
    off = np.sqrt(np.mean((ways.heading[step, number] - ways.x[-1, number]) ** 2))
    return (
        f"“{prompt}” at t = {step / ways.steps:.2f}: above, the clip as it stands; below, where it is heading, "
        f"{off:.2f} from what it becomes."
    )


def view(ways: Ways, codec: PCA, prompt: str, step: int, number: int = 0) -> Described:
    """A clip at a step: its sixteen frames, below them where they are heading, and both as they move."""
    now, heading = (codec.decode(latents[step, number]) for latents in (ways.x, ways.heading))
    words = sentence(ways, prompt, step, number)
    sheet = strip([now, heading])
    both = players([now, heading], ["as it stands", "where it is heading"], words)
    return Described(image_tag(png(sheet), words, sheet.shape[1]).html + both.html, words)


def still(
    ways: Ways, codec: PCA, prompt: str, moments: Sequence[float] = (0, 0.2, 0.4, 0.6, 0.8, 1), number: int = 0
) -> Described:
    """A clip at some moments: pairs of strips, one below the other, for readers without a kernel."""
    steps = [round(t * ways.steps) for t in moments]
    cells = ""
    for t, step in zip(moments, steps, strict=True):
        sheet = strip([codec.decode(latents[step, number, ::2]) for latents in (ways.x, ways.heading)])
        name = f"t = {t:g}, as it stands, and where it is heading"
        shown = image_tag(png(sheet), name, sheet.shape[1]).html
        cells += f'<div style="font-size: 12px">t = {t:g}: as it stands, and where it is heading<br>{shown}</div>'
    words = (
        f"“{prompt}” on its way from noise, every second frame, at t = {', '.join(f'{t:g}' for t in moments)}. "
        "The upper strip of each pair is the clip as it stands, the lower one where it is heading: first to a blur, "
        "the mean of all clips of that prompt, later ever more surely to the one that it becomes."
    )
    looks = "display: flex; flex-wrap: wrap; gap: 8px"
    return Described(f'<div role="img" aria-label="{html.escape(words)}" style="{looks}">{cells}</div>', words)


# The shell


class ClipScrubber:
    """Choose a prompt, or write one, and scrub from noise to the clip.

    flow: of either framework; encoder: of the conditions that it was trained with. A word outside the grammar is named,
    and the picture stays. As a cell's last line it shows itself, and still pictures for readers without a kernel.
    """

    def __init__(self, flow: Flow, encoder: Encoder, prompts: Sequence[str], seed: int = 0) -> None:
        import ipywidgets as widgets

        self.flow, self.encoder = flow, encoder
        self.prompt, self.ways = prompts[0], record(flow, encoder(captions=[prompts[0]]), seed=seed)
        self.left = still(self.ways, encoder.codec, self.prompt)
        wide = {"style": {"description_width": "80px"}, "layout": {"width": "420px"}}
        self.prompts = widgets.Dropdown(options=list(prompts), value=prompts[0], description="prompt", **wide)
        self.own = widgets.Text(placeholder=prompts[0], description="your own", continuous_update=False, **wide)
        self.noise = widgets.BoundedIntText(value=seed, min=0, max=999, description="noise no.", **wide)
        self.noise.layout.width = "180px"
        self.time = widgets.IntSlider(value=self.ways.steps, min=0, max=self.ways.steps, description="step", **wide)
        self.play = widgets.Play(min=0, max=self.ways.steps, interval=350)
        widgets.jslink((self.play, "value"), (self.time, "value"))
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        self.prompts.observe(lambda _: self._asked(self.prompts.value), "value")
        self.own.observe(lambda _: self._asked(self.own.value), "value")
        self.noise.observe(lambda _: self._asked(self.prompt), "value")
        self.time.observe(self._moved, "value")
        rows = [widgets.HBox([self.prompts, self.own]), widgets.HBox([self.time, self.play, self.noise])]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([*rows, self.picture, self.words])
        self._moved(None)

    def _asked(self, prompt: str) -> None:
        if not prompt.strip():
            return
        try:
            conditions = self.encoder(captions=[prompt])
        except UserError as error:
            self._say(str(error))
            return
        self.prompt, self.ways = prompt, record(self.flow, conditions, seed=self.noise.value)
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.ways, self.encoder.codec, self.prompt, self.time.value)
        self.picture.value = seen.html
        self._say(seen.text)

    def _say(self, words: str) -> None:
        self.words.value = f'<p class="rlfilm-scrubber" style="line-height: 1.3">{html.escape(words)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(self.left)
