"""What the doctor finds, on a healthy installation and on a broken one."""

import sys

import pytest

import rlfilm_lib
from rlfilm_lib import doctor


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("print('2.0 on cpu')", "2.0 on cpu"),
        ("raise ImportError('libcudart.so: cannot open')", "import fails: ImportError: libcudart.so: cannot open"),
        ("import os; os.abort()", "import fails: ended with -6"),
    ],
)
def test_a_framework_that_crashes_is_a_finding(program, found):
    finding = doctor._program("pytorch", "numpy", program, "torch", "numpy")
    assert finding.found == found and finding.works == (found == "2.0 on cpu")
    assert finding.works or finding.remedy == "pip install --force-reinstall numpy"


def test_an_import_that_hangs_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "IMPORT_TIMEOUT_S", 0.2)
    finding = doctor._program("pytorch", "numpy", "import time; time.sleep(60)", "torch", "numpy")
    assert not finding.works and "more than 0.2 s" in finding.found


def test_a_framework_that_is_not_there_gives_the_pip_line():
    finding = doctor._program("usd", "no_such_package", "", "render", "usd-core")
    assert finding == doctor.Finding("usd", False, "not installed", "pip install 'rlfilm[render]'")


def test_a_codec_that_fails_is_a_finding(monkeypatch):
    def refuse():
        raise RuntimeError("no such encoder\nlibx264")

    pytest.importorskip("av")
    monkeypatch.setattr(doctor, "_encode_h264", refuse)
    assert doctor._codec().found == "fails: no such encoder libx264"


def test_no_browser_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert not doctor._chromium().works and "apt-get" in doctor._chromium().remedy


@pytest.mark.parametrize(
    ("name", "program", "module"),
    [("mujoco", doctor.MUJOCO, "mujoco"), ("mitsuba", doctor.MITSUBA, "mitsuba"), ("usd", doctor.USD, "pxr")],
)
def test_what_the_film_set_needs_is_tried(name, program, module):
    pytest.importorskip(module)
    finding = doctor._program(name, module, program, "render", module)
    assert finding.works and finding.found[0].isdigit()


def test_blender_is_found_or_the_remedy_is_named(monkeypatch):
    monkeypatch.setenv("RLFILM_BLENDER", sys.executable)  # has no bpy
    finding = doctor._blender()
    assert not finding.works and "No module named 'bpy'" in finding.found and "pip install" not in finding.found
    assert finding.remedy.startswith("install Blender, or run: ")
    monkeypatch.setattr(doctor.blender, "version", lambda timeout: "5.0.1")
    assert doctor._blender() == doctor.Finding("blender", True, f"5.0.1 ({sys.executable})")


def test_this_installation():
    findings = {finding.name: finding for finding in doctor.examine()}
    assert findings["python"].found.startswith(".".join(map(str, sys.version_info[:3])))
    assert [name for name in rlfilm_lib.BACKENDS if findings[name].works] == rlfilm_lib.backends()
    assert all(finding.works or finding.remedy for finding in findings.values())
    assert all(finding.works for finding in findings.values() if finding.needed)
