"""What repo2docker makes of binder/: the Dockerfile, without Docker."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"


def pins(path):
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", path.read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    if importlib.util.find_spec("repo2docker") is None:
        pytest.skip("repo2docker is not installed")
    checkout = tmp_path_factory.mktemp("checkout")  # what the builder reads, without the .venv beside it
    (checkout / "binder").symlink_to(BINDER)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout + done.stderr


def test_python_is_the_version_the_constraints_were_tested_with(dockerfile):
    assert "Building conda environment for python=3.11" in dockerfile


def test_packages_are_installed_before_the_checkout_is_copied(dockerfile):
    installed = dockerfile.index('-r "binder/requirements.txt"')
    copied = re.search(r"COPY --chown=\S+ src/ \$\{REPO_DIR\}", dockerfile)
    assert copied is not None and installed < copied.start(), "a commit would install both frameworks again"


def test_post_build_and_start_are_used(dockerfile):
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


def test_versions_are_the_tested_ones():
    tested = pins(ROOT / "constraints.txt")
    ours = pins(BINDER / "requirements.txt")
    ours["tensorflow"] = ours.pop("tensorflow-cpu")
    assert ours == {name: tested[name] for name in ours}


def test_nothing_that_the_library_or_its_lessons_need_is_left_out():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = [each for name in ("torch", "film", "character", "edit", "video") for each in extras[name]]
    needed = {re.match(r"[\w-]+", each).group() for each in project["dependencies"] + listed}
    assert needed <= {name.lower() for name in pins(BINDER / "requirements.txt")}


def test_pytorch_comes_without_cuda():
    requirements = (BINDER / "requirements.txt").read_text()
    assert re.search(r"^torch==\S+\+cpu$", requirements, re.MULTILINE) and "whl/cpu" in requirements


def test_the_package_itself_is_left_to_post_build():
    assert "-e" not in (BINDER / "requirements.txt").read_text().split()
    commands = (BINDER / "postBuild").read_text()
    assert "\nset -e\n" in commands and "pip install --no-deps --no-cache-dir -e ." in commands


def test_start_hands_over_to_the_server():
    assert (BINDER / "start").read_text().rstrip().endswith('exec "$@"')


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable(name):
    assert os.access(BINDER / name, os.X_OK)
