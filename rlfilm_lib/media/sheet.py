"""Contact sheets: frames of several takes in rows and columns, each with its caption."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, PAPER, ACCENT = (18, 20, 24), (236, 232, 222), (230, 159, 0)
WIDTH, HEIGHT, GAP, HEAD, LABEL = 480, 270, 14, 58, 42
"""Pixels: a picture, the space between two, the titles above, the caption below."""

Cell = tuple[np.ndarray, str]
"""A frame (H, W, 3), uint8, and its caption."""


def contact_sheet(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Image.Image:
    """A row of cells per take under the titles of the columns. The last column stands out.

    >>> grey = np.full((180, 320, 3), 90, np.uint8)
    >>> contact_sheet(["before", "after"], [[(grey, "score 0"), (grey, "score 1")]]).size
    (1002, 384)
    """
    size = (GAP + len(titles) * (WIDTH + GAP), HEAD + len(rows) * (HEIGHT + LABEL + GAP))
    sheet = Image.new("RGB", size, INK)
    draw = ImageDraw.Draw(sheet)
    colours = [PAPER] * (len(titles) - 1) + [ACCENT]
    for column, (title, colour) in enumerate(zip(titles, colours, strict=True)):
        left = GAP + column * (WIDTH + GAP)
        draw.text((left, 14), title, fill=colour, font=font(26))
        for row, cells in enumerate(rows):
            frame, caption = cells[column]
            top = HEAD + row * (HEIGHT + LABEL + GAP)
            sheet.paste(Image.fromarray(frame).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), (left, top))
            draw.text((left, top + HEIGHT + 8), caption, fill=colour, font=font(20))
    return sheet


def font(size: int) -> Any:
    """Pillow's own typeface, at least 10 pixels high."""
    return ImageFont.load_default(max(size, 10))
