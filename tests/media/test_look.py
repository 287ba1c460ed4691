"""Looks written, read back, and applied by OpenColorIO: the colours must be those of `film.colour.grade`."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.film.colour import UNGRADED, grade
from rlfilm_lib.media import look

WARM = np.array([1.07, 1.0, 0.93, 0.01, 0.0, -0.02, 1.1, 1.0, 0.9, 1.2])
HARD = np.array([1.2, 1.1, 1.3, -0.06, -0.05, -0.06, 1.5, 1.5, 1.5, 0.6])
SOFT = np.array([0.9, 0.9, 0.95, 0.06, 0.05, 0.04, 0.7, 0.7, 0.75, 1.4])
EACH_LOOK = pytest.mark.parametrize("cdl", [UNGRADED, WARM, HARD, SOFT], ids=["ungraded", "warm", "hard", "soft"])
COLOURS = np.random.default_rng(0).uniform(0, 1, (4000, 3)).astype(np.float32)


def through_ocio(transform) -> np.ndarray:
    """COLOURS as OpenColorIO shows them."""
    ocio = pytest.importorskip("PyOpenColorIO")
    processor = ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor()
    colours = COLOURS.copy()
    processor.applyRGB(colours)
    return colours


def file_transform(path):
    ocio = pytest.importorskip("PyOpenColorIO")
    transform = ocio.FileTransform(str(path), interpolation=ocio.INTERP_TETRAHEDRAL)
    transform.setCDLStyle(ocio.CDL_ASC)
    return transform


@EACH_LOOK
def test_ocio_applies_the_cube(tmp_path, cdl):
    """Between the samples: within 0.02, and within 0.003 where the colours are above 0.1, away from the clamps."""
    path = look.write_cube(tmp_path / "look.cube", look.cube(cdl))
    error = np.abs(through_ocio(file_transform(path)) - grade(COLOURS, cdl))
    assert error.max() < 0.02
    inside = (COLOURS > 0.15).all(axis=1) & (COLOURS < 0.7).all(axis=1)
    assert error[inside].max() < 0.003


@EACH_LOOK
@pytest.mark.parametrize("ending", [".cdl", ".ccc"])
def test_ocio_applies_the_cdl(tmp_path, cdl, ending):
    path = look.write_cdl(tmp_path / f"look{ending}", {"shot": cdl})
    np.testing.assert_allclose(through_ocio(file_transform(path)), grade(COLOURS, cdl), atol=2e-5)


def test_ocio_finds_each_grade_by_its_name(tmp_path):
    ocio = pytest.importorskip("PyOpenColorIO")
    path = look.write_cdl(tmp_path / "film.ccc", {"wide shot": WARM, "close": HARD})
    for name, cdl in (("wide shot", WARM), ("close", HARD)):
        found = ocio.CDLTransform.CreateFromFile(str(path), name)
        np.testing.assert_allclose([*found.getSlope(), *found.getOffset(), *found.getPower(), found.getSat()], cdl)


@EACH_LOOK
def test_a_cube_comes_back(tmp_path, cdl):
    table = look.cube(cdl, size=17)
    back = look.read_cube(look.write_cube(tmp_path / "look.cube", table, title='a "warm"\nlook'))
    np.testing.assert_allclose(back, table, atol=6e-7)


def test_red_runs_fastest(tmp_path):
    """The second colour of the ungraded table is 1/2 red, the fourth 1/2 green, the tenth 1/2 blue."""
    path = look.write_cube(tmp_path / "look.cube", look.cube(UNGRADED, size=3))
    rows = [line for line in path.read_text().splitlines() if line[0].isdigit()]
    assert rows[1] == "0.500000 0.000000 0.000000"
    assert rows[3] == "0.000000 0.500000 0.000000"
    assert rows[9] == "0.000000 0.000000 0.500000"


@pytest.mark.parametrize("ending", [".cdl", ".ccc"])
def test_grades_come_back_in_order(tmp_path, ending):
    path = look.write_cdl(tmp_path / f"film{ending}", {"b & <c>": WARM, "a": HARD})
    back = look.read_cdl(path)
    assert list(back) == ["b & <c>", "a"]
    np.testing.assert_allclose(back["b & <c>"], WARM)
    np.testing.assert_allclose(back["a"], HARD)


def test_parts_left_out_change_nothing(tmp_path):
    path = tmp_path / "other.ccc"
    path.write_text(
        '<ColorCorrectionCollection xmlns="urn:ASC:CDL:v1.01"><ColorCorrection><SatNode><Saturation>0.5</Saturation>'
        "</SatNode></ColorCorrection></ColorCorrectionCollection>"
    )
    assert look.read_cdl(path)["1"].tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1, 0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut short: 0 of 0 colours"),
        ("LUT_3D_SIZE 2\n0 0 0\n1 0 0\n", "cut short: 2 of 8 colours"),
        ("LUT_3D_SIZE two\n", "damaged in line 1, 'LUT_3D_SIZE two'"),
        ("LUT_3D_SIZE 2\n0 0 zero\n", "damaged in line 2"),
        ("LUT_3D_SIZE 2\n0 0\n", "damaged in line 2"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n", "holds LUT_1D_SIZE, which is not read"),
        ("LUT_3D_SIZE 2\nDOMAIN_MAX 2 2 2\n", "covers DOMAIN_MAX 2 2 2"),
    ],
)
def test_damaged_cubes(tmp_path, text, message):
    path = tmp_path / "look.cube"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        look.read_cube(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<ColorDecisionList>",
        "<a/>",
        '<ColorDecisionList xmlns="urn:ASC:CDL:v1.01"><ColorCorrection><SOPNode><Slope>1 1</Slope></SOPNode>'
        "</ColorCorrection></ColorDecisionList>",
        '<ColorDecisionList xmlns="urn:ASC:CDL:v1.01"><ColorCorrection><SOPNode><Slope>1 x 1</Slope></SOPNode>'
        "</ColorCorrection></ColorDecisionList>",
    ],
)
def test_damaged_cdls(tmp_path, text):
    path = tmp_path / "look.cdl"
    path.write_text(text)
    with pytest.raises(UserError, match="is damaged or no colour decision list"):
        look.read_cdl(path)


def test_bad_names_tables_and_grades(tmp_path):
    with pytest.raises(UserError, match=r"'look.lut' is not named as a look; end the name in .cube"):
        look.write_cube(tmp_path / "look.lut", look.cube(WARM))
    with pytest.raises(UserError, match=r"end the name in .cdl or .ccc"):
        look.write_cdl(tmp_path / "look.xml", {"shot": WARM})
    with pytest.raises(UserError, match="shape \\(3, 3, 3\\)"):
        look.write_cube(tmp_path / "look.cube", np.zeros((3, 3, 3)))
    with pytest.raises(UserError, match="no grade"):
        look.write_cdl(tmp_path / "look.cdl", {})
    for bad in (WARM[:9], -WARM, WARM * np.nan):
        with pytest.raises(UserError, match="the grade 'shot' is"):
            look.write_cdl(tmp_path / "look.cdl", {"shot": bad})
    with pytest.raises(UserError, match="there is no file"):
        look.read_cube(tmp_path / "none.cube")
    (tmp_path / "binary.cube").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read"):
        look.read_cube(tmp_path / "binary.cube")
    assert not list(tmp_path.glob("look*"))


def test_what_cannot_be_written_says_so_and_leaves_nothing(tmp_path):
    for write in (
        lambda folder: look.write_cube(folder / "look.cube", look.cube(WARM, 2)),
        lambda folder: look.write_cdl(folder / "look.cdl", {"shot": WARM}),
    ):
        with pytest.raises(UserError, match="cannot write .*: No such file or directory"):
            write(tmp_path / "no folder")
    (tmp_path / "look.cube").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        look.write_cube(tmp_path / "look.cube", look.cube(WARM, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["look.cube"]
