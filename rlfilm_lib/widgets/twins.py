"""The two frameworks' source of one algorithm, side by side."""

import difflib
import html
from importlib.resources import files

from rlfilm_lib.widgets.picture import Described

CODE = "white-space: pre-wrap; overflow-wrap: anywhere; font: 0.9em/1.35 monospace"
CELL = f"text-align: left; vertical-align: top; {CODE}"
TINT = "background: rgba(230, 159, 0, 0.18)"  # lines that differ; a translucent tint suits light and dark themes


def aligned(left: list[str], right: list[str]) -> list[tuple[str, str, bool]]:
    """Rows (left line, right line, alike) that put equal lines beside each other; a missing partner is "".

    >>> aligned(["a", "x", "b"], ["a", "y", "z", "b"])
    [('a', 'a', True), ('x', 'y', False), ('', 'z', False), ('b', 'b', True)]
    """
    rows = []
    for kind, i, i_end, j, j_end in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        height = max(i_end - i, j_end - j)
        lefts = left[i:i_end] + [""] * (height - (i_end - i))
        rights = right[j:j_end] + [""] * (height - (j_end - j))
        rows += [(a, b, kind == "equal") for a, b in zip(lefts, rights, strict=True)]
    return rows


def side_by_side(left: str, right: str, titles: tuple[str, str]) -> Described:
    """Two sources as a table with one line per row; lines that differ are tinted.

    >>> side_by_side("a = 1\\n", "a = 1\\n", ("one.py", "two.py"))
    one.py (1 line) beside two.py (1 line): 1 of 1 rows alike
    """
    rows = aligned(left.splitlines(), right.splitlines())
    body = "".join(
        f'<tr style="{"" if alike else TINT}">'
        f'<td style="{CELL}">{html.escape(a) or "&nbsp;"}</td><td style="{CELL}">{html.escape(b) or "&nbsp;"}</td></tr>'
        for a, b, alike in rows
    )
    head = "".join(f'<th scope="col" style="{CELL}; font-weight: bold">{html.escape(title)}</th>' for title in titles)
    counts = [len(source.splitlines()) for source in (left, right)]
    names = [f"{title} ({n} line{'s' * (n != 1)})" for title, n in zip(titles, counts, strict=True)]
    text = f"{names[0]} beside {names[1]}: {sum(alike for *_, alike in rows)} of {len(rows)} rows alike"
    rows_html = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    table = f'<table style="width: 100%; table-layout: fixed; font-size: 0.9em">{rows_html}</table>'
    return Described(f"{table}<p>{html.escape(text)}.</p>", text)


def twins(name: str, between: tuple[str, str] | None = None) -> Described:
    """`rlfilm_lib/pytorch/NAME.py` beside `rlfilm_lib/tf/NAME.py`; neither framework is imported.

    between: (first, last) substrings: only the lines from the first that holds `first` to the next that holds `last`.
    Raises FileNotFoundError for an unknown name and ValueError when a substring is in no line.
    """
    left, right = (files("rlfilm_lib").joinpath(twin, f"{name}.py").read_text("utf-8") for twin in ("pytorch", "tf"))
    if between:
        left, right = excerpt(left, *between), excerpt(right, *between)
    return side_by_side(left, right, (f"pytorch/{name}.py", f"tf/{name}.py"))


def excerpt(text: str, first: str, last: str) -> str:
    """The lines of `text` from the first that holds `first` up to the next that holds `last`, both included.

    >>> excerpt("a\\nb\\nc\\nd", "b", "c")
    'b\\nc'
    """
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if first in line), None)
    if start is None:
        raise ValueError(f"no line holds {first!r}")
    stop = next((i for i, line in enumerate(lines) if i >= start and last in line), None)
    if stop is None:
        raise ValueError(f"no line after line {start + 1} holds {last!r}")
    return "\n".join(lines[start : stop + 1])
