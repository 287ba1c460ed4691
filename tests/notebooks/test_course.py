"""The lesson pipeline, and what every built lesson promises.

nbval re-executes the notebooks themselves: with the solutions, whose checks must print the ✓ that is stored
(`make test`), and, in the other framework, what students open (`make lessons`):

    RLFILM_BACKEND=pytorch pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=120 \
        --nbval-sanitize-with=tests/notebooks/sanitize.cfg -p no:randomly notebooks/

It compares only cells tagged `nbval-check-output`, and those only if they hold a count and an output: hence the guard.
"""

import importlib.util
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "course" / "lessons").glob("[0-9][0-9]_*.py"))
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)

SMALL = """\
# %% [markdown]
# # A shot

# %% tags=["exercise"]
height = None

# %% tags=["solution"]
height = 0.84

# %% tags=["check", "nbval-check-output"]
print("✓ right" if height == 0.84 else "not done yet")
"""


@pytest.fixture(scope="module")
def build():
    pytest.importorskip("jupytext")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    spec = importlib.util.spec_from_file_location("course_build", ROOT / "course" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_students_get_the_exercise_and_instructors_the_solution(build):
    check = 'print("✓ right" if height == 0.84 else "not done yet")'
    assert sources(build.assemble(SMALL, "student")) == ["# A shot", "height = None", check]
    assert sources(build.assemble(SMALL, "solution")) == ["# A shot", "height = 0.84", check]


def test_a_built_notebook_depends_on_its_source_alone(build):
    once, again = (nbformat.writes(build.execute(build.assemble(SMALL, "student"))) for _ in range(2))
    assert once == again
    assert '"id"' in once and "execution_count" in once and "iopub" not in once


def test_an_unsolved_check_is_found_and_a_solved_one_passes(build):
    student, solution = (build.execute(build.assemble(SMALL, version)) for version in ("student", "solution"))
    assert len(build.unsolved(student)) == 1
    assert build.unsolved(solution) == []


def test_stderr_and_live_widgets_are_not_stored(build):
    script = "# %%\nimport sys, ipywidgets\nprint('a', file=sys.stderr)\nprint('kept')\nipywidgets.IntSlider()\n"
    (cell,) = build.execute(build.assemble(script, "student")).cells
    assert [output.text for output in cell.outputs] == ["kept\n"]


@pytest.mark.parametrize("code", ["print(object())", "import os; print(os.path.expanduser('~/x'))"])
def test_an_output_that_holds_only_on_this_machine_is_refused(build, code):
    with pytest.raises(build.BuildError, match="no other machine has"):
        build.execute(build.assemble(f"# %%\n{code}\n", "student"))


def test_a_failing_cell_stops_the_build_with_its_traceback(build):
    with pytest.raises(build.BuildError, match="ZeroDivisionError"):
        build.execute(build.assemble("# %%\n1 / 0\n", "student"))


@pytest.mark.parametrize(
    "change",
    [
        ("height = None", "height = ..."),
        ('"check", ', ""),
        ("# # A shot", "# # A shot\n\n# %%\npass"),
        ("[markdown]", "[raw]"),
    ],
    ids=["source", "tags", "a cell more", "cell type"],
)
def test_drift_sees_every_kind_of_change(build, tmp_path, change):
    built = tmp_path / "00_small.ipynb"
    assert build.differences(built, build.assemble(SMALL, "student")) == ["00_small.ipynb is missing"]
    nbformat.write(build.assemble(SMALL, "student"), built)
    assert build.differences(built, build.assemble(SMALL, "student")) == []
    assert build.differences(built, build.assemble(SMALL.replace(*change), "student")) != []


def test_an_unknown_lesson_is_named(build, capsys):
    assert build.main(["99_nothing"]) == 2
    assert "unknown lesson '99_nothing' (one of: " in capsys.readouterr().err


@each_lesson
def test_the_notebooks_are_those_of_the_source(build, lesson):
    assert build.drift(lesson) == [], "run `make course`"


def test_every_notebook_has_a_source(build):
    built = {path.stem for folder in build.TARGETS.values() for path in folder.glob("*.ipynb")}
    assert built == {lesson.stem for lesson in LESSONS}


@each_lesson
def test_every_compared_cell_holds_an_output(build, lesson):
    """nbval compares nothing, and says nothing, where the stored count or output is missing."""
    for folder in build.TARGETS.values():
        notebook = nbformat.read(folder / f"{lesson.stem}.ipynb", as_version=4)
        compared = [cell for cell in notebook.cells if "nbval-check-output" in build.tags(cell)]
        assert compared, "no cell of this lesson is compared"
        assert [cell.source for cell in compared if not (cell.execution_count and cell.outputs)] == []


@each_lesson
def test_every_code_cell_was_run_and_none_failed(build, lesson):
    for folder in build.TARGETS.values():
        cells = [c for c in nbformat.read(folder / f"{lesson.stem}.ipynb", as_version=4).cells if c.cell_type == "code"]
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        assert all(output.output_type != "error" for cell in cells for output in cell.outputs)


@each_lesson
def test_every_exercise_has_a_solution_and_a_check_that_starts_undone(build, lesson):
    cells = build.assemble(lesson.read_text("utf-8"), "student").cells
    solved = build.assemble(lesson.read_text("utf-8"), "solution").cells
    exercises = [cell for cell in cells if "exercise" in build.tags(cell)]
    assert len(exercises) == sum("solution" in build.tags(cell) for cell in solved) > 0
    stored = nbformat.read(build.TARGETS["student"] / f"{lesson.stem}.ipynb", as_version=4)
    checks = [cell for cell in stored.cells if "check" in build.tags(cell)]
    assert len(checks) == len(exercises)
    assert {"".join(output.text for output in cell.outputs) for cell in checks} == {"not done yet\n"}


@each_lesson
def test_a_lesson_has_what_every_lesson_has(lesson):
    text = lesson.read_text("utf-8")
    parts = ("Driving question", "You will", "Before you start", "Time", "## The answer", "## Quiz", "## References")
    assert [part for part in parts if part not in text] == []


@each_lesson
def test_the_stored_solutions_pass_their_checks(build, lesson):
    assert build.unsolved(nbformat.read(build.TARGETS["solution"] / f"{lesson.stem}.ipynb", as_version=4)) == []


@each_lesson
def test_nbval_sees_a_solution_that_no_longer_passes(build, lesson):
    cells = build.assemble(lesson.read_text("utf-8"), "solution").cells
    assert [c.source for c in cells if "check" in build.tags(c) and "nbval-check-output" not in build.tags(c)] == []
