"""The distribution: its metadata, its tested versions, what an import costs, and what make does with it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import rlfilm_lib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "-"))]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


CONSTRAINTS = pins(ROOT / "constraints.txt")
DIRECT = {
    requirement.name: requirement
    for requirement in map(Requirement, chain(PROJECT["dependencies"], *EXTRAS.values()))
    if requirement.name != PROJECT["name"]
}


@pytest.mark.parametrize("name", DIRECT)
def test_every_direct_dependency_has_a_tested_version_within_its_range(name):
    assert DIRECT[name].specifier.contains(CONSTRAINTS[canonicalize_name(name)])


def test_constraints_hold_no_local_versions():
    assert not [name for name, version in CONSTRAINTS.items() if "+" in version]


def test_all_is_the_frameworks_and_what_the_film_and_the_lessons_need():
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.extras == {"torch", "tensorflow", "film", "lab", "character", "render", "edit", "video"}


def test_the_test_extra_brings_no_framework():
    assert not {Requirement(each).name for each in EXTRAS["test"]} & {"torch", "tensorflow", "stable-baselines3"}


def test_version_is_the_same_everywhere():
    changelog = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert changelog is not None
    assert rlfilm_lib.__version__ == PROJECT["version"] == changelog.group(1) == metadata.version("rlfilm")


def test_import_brings_neither_framework_nor_plots():
    heavy = "{'torch', 'tensorflow', 'keras', 'matplotlib', 'av', 'IPython'}"
    program = f"import sys, rlfilm_lib.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wheel_holds_the_library_and_nothing_else(tmp_path):
    wheel = pytest.importorskip("hatchling.builders.wheel")
    shutil.copytree(ROOT / "rlfilm_lib", tmp_path / "rlfilm_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    built = next(wheel.WheelBuilder(str(tmp_path)).build(directory=str(tmp_path / "dist")))
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", built], capture_output=True, text=True, check=True)
    files = {line.split()[0] for line in listed.stdout.splitlines()[1:]}
    sources = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "rlfilm_lib").rglob("*.py")}
    assert "rlfilm_lib/film/lens.py" in files  # .gitignore's /film/ is the output folder, not this one
    assert sources | {"rlfilm_lib/py.typed"} <= files
    assert all(name.startswith(("rlfilm_lib/", f"rlfilm-{PROJECT['version']}.dist-info/")) for name in files)


@pytest.fixture
def make(tmp_path):
    """Says what make would run in a folder that was set up, or in an empty one."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def run(target, *options, set_up=(), path=os.environ["PATH"]):
        (tmp_path / ".venv/bin").mkdir(parents=True, exist_ok=True)
        for name in set_up:
            (tmp_path / ".venv" / name).touch()
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "EXTRAS"))
        }
        return subprocess.run(
            ["make", f"PYTHON={sys.executable}", *(options or ["--dry-run"]), target],
            cwd=tmp_path,
            env={**inherited, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def planned(make):
    """The commands that make would run."""
    return lambda target, set_up=(): make(target, set_up=set_up).stdout


def test_make_sets_up_an_empty_clone(planned):
    assert "-m venv .venv" in planned("test") and "--editable '.[all,baselines,test]'" in planned("test")


def test_film_needs_pytorch_and_the_film_set_but_no_notebooks(planned):
    assert "--editable '.[torch,film,character,render]'" in planned("film")


@pytest.mark.parametrize("target", ["lab", "film", "test", "check", "course", "bench"])
def test_make_sets_up_nothing_twice(planned, target):
    assert "pip install" not in planned(target, set_up=["bin/python", ".film", ".all"])


def test_make_sets_up_again_when_the_requirements_change(planned, tmp_path):
    planned("test", set_up=["bin/python", ".film", ".all"])
    future = os.stat(tmp_path / ".venv/.all").st_mtime + 10
    os.utime(tmp_path / "constraints.txt", (future, future))
    assert "pip install" in planned("test") and "-m venv" not in planned("test")


@pytest.mark.parametrize(
    ("answers", "gpu", "extras", "from_own_index"),
    [
        ("true", False, "torch,film", True),
        ("false", False, "torch,film", False),
        ("true", True, "torch,film", False),
        ("true", False, "tensorflow,film", False),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere plain pip brings no CUDA")
def test_pytorch_without_a_gpu_is_the_cpu_build(make, tmp_path, answers, gpu, extras, from_own_index):
    if shutil.which("nvidia-smi") and not gpu:
        pytest.skip("this machine has an NVIDIA GPU")
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    path = f"{tmp_path}:{os.environ['PATH']}" if gpu else os.environ["PATH"]
    options = [f"ANSWERS={answers}", "PIP=echo pip", f"EXTRAS={extras}"]
    done = make(".venv/.all", *options, set_up=["bin/python"], path=path)
    assert done.returncode == 0, done.stderr
    installs = [line for line in done.stdout.splitlines() if line.startswith("pip ")]
    own = ["pip --no-deps --index-url https://download.pytorch.org/whl/cpu torch"] if from_own_index else []
    assert installs == [*own, f"pip --editable .[{extras}]"]


def test_make_names_the_python_that_is_too_old(make):
    done = make(".venv/bin/python", "PYTHON=/bin/false")
    assert done.returncode != 0 and "/bin/false is not Python 3.11 or newer" in done.stderr
