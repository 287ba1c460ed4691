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
    finding = doctor._framework("pytorch", "numpy", program)
    assert finding.found == found and finding.works == (found == "2.0 on cpu")
    assert finding.works or finding.remedy == "pip install --force-reinstall numpy"


def test_an_import_that_hangs_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "IMPORT_TIMEOUT_S", 0.2)
    finding = doctor._framework("pytorch", "numpy", "import time; time.sleep(60)")
    assert not finding.works and "more than 0.2 s" in finding.found


def test_a_framework_that_is_not_there_gives_the_pip_line():
    finding = doctor._framework("pytorch", "no_such_package", "")
    assert finding == doctor.Finding("pytorch", False, "not installed", "pip install 'rlfilm[no_such_package]'")


def test_a_codec_that_fails_is_a_finding(monkeypatch):
    def refuse():
        raise RuntimeError("no such encoder\nlibx264")

    pytest.importorskip("av")
    monkeypatch.setattr(doctor, "_encode_h264", refuse)
    assert doctor._codec().found == "fails: no such encoder libx264"


def test_no_browser_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert not doctor._chromium().works and "apt-get" in doctor._chromium().remedy


def test_this_installation():
    findings = {finding.name: finding for finding in doctor.examine()}
    assert findings["python"].found.startswith(".".join(map(str, sys.version_info[:3])))
    assert [name for name in rlfilm_lib.BACKENDS if findings[name].works] == rlfilm_lib.backends()
    assert all(finding.works or finding.remedy for finding in findings.values())
    assert all(finding.works for finding in findings.values() if finding.needed)
