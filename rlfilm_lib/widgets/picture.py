"""Pictures and clips for notebooks, each with a sentence for readers who cannot see it.

JupyterLab drops the alternative text of image outputs, so pictures are shown as HTML, with the sentence as plain text.
"""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Okabe & Ito (2008), "Color universal design": told apart with every common kind of colour vision.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000",
)  # fmt: skip
EMBED_LIMIT = 200_000  # bytes


@dataclass(frozen=True)
class Described:
    """HTML with the sentence that stands for it where HTML cannot be shown."""

    html: str
    text: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def png(frame: np.ndarray) -> bytes:
    """A frame (height, width, 3) uint8 as the bytes of a PNG file.

    >>> png(np.zeros((2, 2, 3), np.uint8))[1:4]
    b'PNG'
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(frame).save(file, "png")
    return file.getvalue()


def jpeg(frame: np.ndarray) -> bytes:
    """A frame (height, width, 3) uint8 as the bytes of a JPEG file, small enough to send at every move."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(frame).save(file, "jpeg", quality=88)
    return file.getvalue()


def picture(frame: np.ndarray, alt: str, width: int | None = None) -> Described:
    """A frame (height, width, 3) uint8 to be shown `width` CSS pixels wide (its own width by default).

    >>> picture(np.zeros((2, 2, 3), np.uint8), "a black square")
    a black square
    """
    return image_tag(png(frame), alt, width or frame.shape[1])


def figure(fig, alt: str) -> Described:
    """A Matplotlib figure as a described picture; the figure is closed, so that it is not shown twice."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=2 * 72, bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    data = file.getvalue()
    return image_tag(data, alt, int.from_bytes(data[16:20], "big") // 2)  # the PNG header holds the width in pixels


def image_tag(data: bytes, alt: str, width: int) -> Described:
    """The bytes of a PNG file as a described <img>, `width` CSS pixels wide at most."""
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return Described(f'<img src="{source}" width="{width}" style="max-width: 100%" alt="{html.escape(alt)}">', alt)


def clip(path: str | Path, alt: str, width: int = 640, sound: bool = False) -> Described:
    """An mp4 file as a player held in the notebook itself: silent and looping, or once with its sound.

    Raises ValueError above EMBED_LIMIT bytes."""
    data = Path(path).read_bytes()
    if len(data) > EMBED_LIMIT:
        raise ValueError(f"{path} has {len(data)} bytes; a notebook holds at most {EMBED_LIMIT}: shorten or shrink it")
    source = f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
    label = html.escape(alt)
    return Described(
        f'<video src="{source}" width="{width}" style="max-width: 100%" controls {"" if sound else "loop muted "}'
        f'playsinline aria-label="{label}" title="{label}"></video>',
        alt,
    )


def row(**parts: Described) -> Described:
    """Pictures or clips beside each other, each under its name.

    >>> row(before=picture(np.zeros((2, 2, 3), np.uint8), "dark"), after=picture(np.ones((2, 2, 3), np.uint8), "light"))
    before: dark; after: light
    """
    columns = "".join(
        f'<div style="max-width: 100%"><b>{html.escape(name)}</b><br>{part.html}</div>' for name, part in parts.items()
    )
    text = "; ".join(f"{name}: {part.text}" for name, part in parts.items())
    return Described(f'<div style="display: flex; flex-wrap: wrap; gap: 12px">{columns}</div>', text)


def gallery(
    frames: Sequence[np.ndarray], captions: Sequence[str], alt: str, columns: int, width: int = 180
) -> Described:
    """Frames (height, width, 3) uint8 in rows of so many, as JPEG, `width` CSS pixels wide, each under its caption.

    >>> gallery([np.zeros((2, 2, 3), np.uint8)] * 2, ("f/2", "f/4"), "twice the same black", columns=2)
    twice the same black
    """
    cells = "".join(
        f'<div style="font-size: 12px; text-align: center">{html.escape(caption)}<br>'
        f'<img src="data:image/jpeg;base64,{base64.b64encode(jpeg(frame)).decode()}" width="{width}" '
        f'style="max-width: 100%" alt="{html.escape(caption or alt)}"></div>'
        for frame, caption in zip(frames, captions, strict=True)
    )
    looks = f"display: grid; grid-template-columns: repeat({columns}, minmax(0, {width}px)); gap: 6px"
    return Described(f'<div role="img" aria-label="{html.escape(alt)}" style="{looks}">{cells}</div>', alt)


def strip(frames: np.ndarray, alt: str, width: int = 960) -> Described:
    """Frames (F, height, width, 3) uint8 from left to right, as one picture."""
    return picture(np.concatenate(list(frames), axis=1), alt, width)


# Drawings in SVG, made in milliseconds, so that sliders feel live


def drawing(width: int, height: int, marks: str, alt: str) -> Described:
    """SVG marks as a described image."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>{marks}</svg>'
    )
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return Described(f'<img src="{source}" width="{width}" style="max-width: 100%" alt="{html.escape(alt)}">', alt)


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Words as SVG."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(words)}</text>'


def round_numbers(low: float, high: float) -> np.ndarray:
    """Three to seven round numbers between low and high.

    >>> round_numbers(-7.2, 16.0).tolist(), round_numbers(-0.31, 1.3).tolist()
    ([-5.0, 0.0, 5.0, 10.0, 15.0], [0.0, 0.5, 1.0])
    """
    decade = 10 ** np.floor(np.log10((high - low) / 3))
    step = decade * max(size for size in (1, 2, 5) if size * decade <= (high - low) / 3)
    return step * np.arange(np.ceil(low / step), np.floor(high / step) + 1) + 0.0  # no -0
