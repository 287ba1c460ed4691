"""Build the course: one percent script per lesson becomes an executed notebook, and an executed one with the solutions.

    python course/build.py                      # every lesson
    python course/build.py 01_film_as_an_mdp    # one lesson
    python course/build.py --check              # only compare sources, execute nothing; exit 1 on drift

A lesson is `course/lessons/NN_slug.py` (jupytext py:percent). Cell tags decide where a cell goes:

    exercise   only in notebooks/NN_slug.ipynb, what students open
    solution   only in course/solutions/NN_slug.ipynb
    check      in both; its output starts with "✓" once the exercise above it is solved
    hide-input in both, with the code folded away: for plotting that would bury the idea
    (others)   in both

Stored outputs depend on the lesson alone: no timings, no widget state, no stderr, no paths of the building machine.
"""

import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "course" / "lessons"
TARGETS = {"student": ROOT / "notebooks", "solution": ROOT / "course" / "solutions"}
LEFT_OUT = {"student": "solution", "solution": "exercise"}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
SECONDS_PER_CELL = 120
MACHINE = re.compile(rf"{re.escape(str(ROOT))}|{re.escape(str(Path.home()))}/|\b0x[0-9a-f]{{6,}}\b|/ipykernel_\d+")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class BuildError(Exception):
    """A lesson that cannot be built, in one line that names the lesson and the cell."""


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags, in the order of the source."""
    return cell.metadata.get("tags", [])


def assemble(script: str, version: str) -> NotebookNode:
    """The unexecuted notebook of a lesson; version is "student" or "solution".

    >>> lesson = "# %% tags=['exercise']\\narea = None\\n\\n# %% tags=['solution']\\narea = 6.0\\n"
    >>> [cell.source for cell in assemble(lesson, "student").cells]
    ['area = None']
    >>> [cell.source for cell in assemble(lesson, "solution").cells]
    ['area = 6.0']
    """
    cells = [cell for cell in jupytext.reads(script, "py:percent").cells if LEFT_OUT[version] not in tags(cell)]
    seen: dict[str, int] = {}
    for cell in cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest}-{seen[digest]}"
        metadata = {"tags": tags(cell)} if tags(cell) else {}
        if "hide-input" in tags(cell):
            metadata["jupyter"] = {"source_hidden": True}
        cell.metadata = NotebookNode(metadata)
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def execute(notebook: NotebookNode, backend: str = "pytorch") -> NotebookNode:
    """Run every cell in place, in a fresh kernel in notebooks/. BuildError, with the traceback, if one fails."""
    TARGETS["student"].mkdir(exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(TARGETS["student"])}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute(env=os.environ | {"RLFILM_BACKEND": backend, "RLFILM_STORED": "0"})
    except Exception as error:
        raise BuildError(COLOUR.sub("", f"a cell failed\n{error}")) from error
    notebook.metadata = NotebookNode(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = [output for output in cell.outputs if is_lasting(output)]
            if found := MACHINE.search("".join(map(str, cell.outputs))):
                raise BuildError(f"an output holds {found.group()!r}, which no other machine has; cell:\n{cell.source}")
    return notebook


def is_lasting(output: NotebookNode) -> bool:
    """Whether a stored output still says something without the kernel that made it: stderr and live widgets do not."""
    return output.get("name") != "stderr" and "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def unsolved(notebook: NotebookNode) -> list[str]:
    """The sources of the check cells whose printed answer does not start with "✓"."""
    checks = [cell for cell in notebook.cells if "check" in tags(cell)]
    return [cell.source for cell in checks if not "".join(o.get("text", "") for o in cell.outputs).startswith("✓")]


def differences(built: Path, expected: NotebookNode) -> list[str]:
    """What a built notebook's cells and the lesson's disagree on, one line each; empty when they agree."""
    if not built.exists():
        return [f"{built.name} is missing"]
    stored = nbformat.read(built, as_version=4).cells
    if len(stored) != len(expected.cells):
        return [f"{built.name} has {len(stored)} cells, its lesson {len(expected.cells)}"]
    return [
        f"{built.name}, cell {number}: {ours.source.splitlines()[0] if ours.source else '(empty)'}"
        for number, (theirs, ours) in enumerate(zip(stored, expected.cells, strict=True), 1)
        if (theirs.cell_type, theirs.source, tags(theirs)) != (ours.cell_type, ours.source, tags(ours))
    ]


def drift(lesson: Path) -> list[str]:
    """Where the stored notebooks of a lesson differ from its source."""
    script = lesson.read_text("utf-8")
    return [
        line
        for version, folder in TARGETS.items()
        for line in differences(folder / f"{lesson.stem}.ipynb", assemble(script, version))
    ]


def build(lesson: Path) -> None:
    """Execute both versions of a lesson and write them; nothing is written when either fails."""
    built = {version: execute(assemble(lesson.read_text("utf-8"), version)) for version in TARGETS}
    if sources := unsolved(built["solution"]):
        raise BuildError(f"{len(sources)} of its solutions do not pass their checks; the first:\n{sources[0]}")
    for version, folder in TARGETS.items():
        folder.mkdir(exist_ok=True)
        target = folder / f"{lesson.stem}.ipynb"
        partial = target.with_suffix(".partial")
        nbformat.write(built[version], partial)
        partial.replace(target)


def main(arguments: list[str] | None = None) -> int:
    """Build or check the lessons named on the command line, all of them by default; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", metavar="NN_slug")
    parser.add_argument("--check", action="store_true", help="compare sources only; exit 1 when a notebook has drifted")
    options = parser.parse_args(arguments)
    known = {path.stem: path for path in sorted(LESSONS.glob("[0-9][0-9]_*.py"))}
    if unknown := [name for name in options.lessons if name not in known]:
        print(f"unknown lesson {unknown[0]!r} (one of: {', '.join(known)})", file=sys.stderr)
        return 2
    failed = False
    for name in options.lessons or known:
        try:
            problems = drift(known[name]) if options.check else build(known[name]) or []
        except BuildError as error:
            problems = [str(error)]
        failed |= bool(problems)
        print(name, "ok" if not problems else "", *problems, sep="\n  " if problems else " ")
    if failed and options.check:
        print("run `make course` to build the notebooks again", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
