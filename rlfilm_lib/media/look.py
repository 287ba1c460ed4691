"""The look of a shot as files that grading tools open: a grade as a .cube table, or as an ASC CDL in XML.

All are display-referred: sRGB-encoded Rec.709 in, the same out, as `film.colour.grade`. Files are there whole or not at
all. A CDL clamps as its standard asks for: read it with the style "ASC" where OpenColorIO offers one.

Sources: Adobe, "Cube LUT Specification", 1.0, 2013; American Society of Cinematographers, "ASC Color Decision List
Transfer Functions and Interchange Syntax", 1.2, 2009.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike

from rlfilm_lib.errors import UserError
from rlfilm_lib.film.colour import grade
from rlfilm_lib.rl.checkpoint import write_bytes

CUBE_SIZE = 33
"""Samples to a side, as most grading tools write it."""
LARGEST_CUBE = 256
NAMESPACE = "urn:ASC:CDL:v1.01"
ROOTS = {".cdl": "ColorDecisionList", ".ccc": "ColorCorrectionCollection"}


def cube(cdl: ArrayLike, size: int = CUBE_SIZE) -> np.ndarray:
    """A grade (10,) as a table (size, size, size, 3): what becomes of blue, green and red, in this order of the axes.

    Between its samples a reader interpolates: with powers of 0.7 to 1.5 and 33 samples that is good to 0.02, and to
    0.003 where no channel is near black or clamps.

    >>> cube([1, 1, 1, 0, 0, 0, 2, 1, 1, 1], size=3)[2, 0, 1].tolist()  # blue 1, green 0, red a half
    [0.25, 0.0, 1.0]
    """
    ramp = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(ramp, ramp, ramp, indexing="ij")
    return grade(np.stack([red, green, blue], axis=-1), np.asarray(cdl, float))


def write_cube(path: str | os.PathLike, table: np.ndarray, title: str = "rlfilm") -> Path:
    """Write a table (size, size, size, 3), as `cube` makes it, as a .cube file; returns its path.

    UserError where the name does not end in .cube, the table has another shape, or the file cannot be written there.

    >>> import tempfile
    >>> path = write_cube(Path(tempfile.mkdtemp()) / "warm.cube", cube([1.1, 1, 0.9, 0, 0, 0, 1, 1, 1, 1]))
    >>> read_cube(path).shape
    (33, 33, 33, 3)
    """
    path, table = _named(path, [".cube"]), np.asarray(table)
    size = len(table)
    if table.shape != (size, size, size, 3) or not 2 <= size <= LARGEST_CUBE:
        raise UserError(f"a table has shape {table.shape}; a .cube needs (size, size, size, 3) with a size of 2 to 256")
    head = f'TITLE "{_plain(title)}"\nLUT_3D_SIZE {size}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n'
    rows = "\n".join(f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in table.reshape(-1, 3).tolist())
    write_bytes(path, f"{head}{rows}\n".encode())
    return path


def read_cube(path: str | os.PathLike) -> np.ndarray:
    """The table (size, size, size, 3) of a .cube file, blue on its first axis, red on its third.

    UserError where there is no such file, it is damaged or cut short, or holds anything but a 3D table over [0, 1].
    """
    path, size, rows = Path(path), 0, []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        word, *values = line.split() or ["#"]
        if word.startswith("#") or word == "TITLE":
            continue
        try:
            if word == "LUT_3D_SIZE":
                size = int(values[0])
            elif word in ("DOMAIN_MIN", "DOMAIN_MAX"):
                if [float(value) for value in values] != [float(word == "DOMAIN_MAX")] * 3:
                    raise UserError(f"'{path}' covers {word} {' '.join(values)}; give a table over 0 to 1")
            elif word[0].isalpha():
                raise UserError(f"'{path}' holds {word}, which is not read; give a 3D table over 0 to 1")
            else:
                red, green, blue = (float(value) for value in (word, *values))
                rows.append((red, green, blue))
        except (ValueError, IndexError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"'{path}' is damaged in line {number}, '{line[:40]}'; write it again") from None
    if not 2 <= size <= LARGEST_CUBE or len(rows) != size**3:
        raise UserError(f"'{path}' is cut short: {len(rows)} of {size**3} colours are there; write it again")
    return np.array(rows).reshape(size, size, size, 3)


def write_cdl(path: str | os.PathLike, grades: Mapping[str, ArrayLike]) -> Path:
    """Write named grades, {name: (10,)}, as a colour decision list (.cdl) or a collection (.ccc); returns its path.

    UserError where the name ends in neither, there is no grade or it is not ten finite numbers with slopes, powers and
    saturation that the standard allows, or the file cannot be written there.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "film.ccc"
    >>> _ = write_cdl(path, {"shot 1": [1.1, 1, 0.9, 0, 0.01, 0, 1, 1.2, 1, 0.8]})
    >>> read_cdl(path)["shot 1"].tolist()
    [1.1, 1.0, 0.9, 0.0, 0.01, 0.0, 1.0, 1.2, 1.0, 0.8]
    """
    path = _named(path, ROOTS)
    if not grades:
        raise UserError(f"there is no grade to write to '{path}'; give one or more by name")
    root = ElementTree.Element(ROOTS[path.suffix.lower()], xmlns=NAMESPACE)
    for name, numbers in grades.items():
        cdl = np.asarray(numbers, float)
        allowed = cdl.shape == (10,) and np.isfinite(cdl).all() and (cdl[:3] >= 0).all() and (cdl[6:9] > 0).all()
        if not allowed or cdl[9] < 0:
            raise UserError(
                f"the grade '{name}' is {cdl.tolist()}; give ten numbers: slopes from 0, offsets, powers above"
            )
        parent = ElementTree.SubElement(root, "ColorDecision") if path.suffix.lower() == ".cdl" else root
        correction = ElementTree.SubElement(parent, "ColorCorrection", id=_plain(name))
        curve = ElementTree.SubElement(correction, "SOPNode")
        for tag, channels in zip(("Slope", "Offset", "Power"), cdl[:9].reshape(3, 3), strict=True):
            ElementTree.SubElement(curve, tag).text = " ".join(f"{value:.7g}" for value in channels)
        saturation = ElementTree.SubElement(correction, "SatNode")
        ElementTree.SubElement(saturation, "Saturation").text = f"{cdl[9]:.7g}"
    ElementTree.indent(root)
    write_bytes(path, ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n")
    return path


def read_cdl(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The grades of a .cdl or .ccc file, {name: (10,)}, in its order; one without a name is called by its number.

    A part that a grade leaves out changes nothing. UserError where there is no such file, or it is damaged.
    """
    path = _named(path, ROOTS)
    damaged = UserError(f"'{path}' is damaged or no colour decision list; write it again")
    try:
        root = ElementTree.fromstring(_text(path))
    except ElementTree.ParseError:
        raise damaged from None
    grades: dict[str, np.ndarray] = {}
    for number, correction in enumerate(root.iter(f"{{{NAMESPACE}}}ColorCorrection"), start=1):
        values = []
        for tag, default in (("Slope", "1 1 1"), ("Offset", "0 0 0"), ("Power", "1 1 1"), ("Saturation", "1")):
            found = correction.find(f".//{{{NAMESPACE}}}{tag}")
            text = (default if found is None else found.text or "").split()
            try:
                values += [float(value) for value in text]
            except ValueError:
                raise damaged from None
            if len(text) != len(default.split()):
                raise damaged
        grades[correction.get("id", str(number))] = np.array(values)
    if not grades:
        raise damaged
    return grades


def _named(path: str | os.PathLike, endings: Mapping[str, str] | list[str]) -> Path:
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise UserError(f"'{path.name}' is not named as a look; end the name in {' or '.join(endings)}")
    return path


def _plain(name: str) -> str:
    """A name on one line, without quotation marks."""
    return " ".join(name.replace('"', "'").split())


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"there is no file '{path}'; check the name, or write the look first")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(f"cannot read '{path}': it is no text, or closed to you; write it again") from None
