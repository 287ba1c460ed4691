"""A JupyterLab of its own, on a copy of the notebooks, seen through a real Chromium."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "t"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # keep cells that are out of sight in the page
}
READY = """() => {
    const widget = window.jupyterapp?.shell.currentWidget, session = widget?.context?.sessionContext
    return Boolean(widget?.context?.isReady && session?.session?.kernel?.connectionStatus === "connected"
                   && session.session.kernel.status === "idle")
}"""
# One entry per code cell: has it been run to its end, and which errors does it show?
CELLS = """() => window.jupyterapp.shell.currentWidget.context.model.sharedModel.cells
    .filter(cell => cell.cell_type === "code")
    .map(cell => ({
        run: cell.execution_count !== null,
        source: cell.getSource(),
        errors: cell.getOutputs().filter(output => output.output_type === "error").map(output => output.evalue),
    }))"""

REPLACE = """sources => {
    const notebook = window.jupyterapp.shell.currentWidget.context.model.sharedModel
    notebook.deleteCellRange(0, notebook.cells.length)
    notebook.insertCells(0, sources.map(source => ({cell_type: "code", source})))
}"""


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with settings of its own, on copies of notebooks/ and course/media/."""
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copytree(ROOT / "course" / "media", root / "course" / "media")
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "RLFILM_STORED": "1",
    }
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"),
    ]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, server, folder / "lab.log")
        yield address
    finally:
        server.terminate()  # the server ends its kernels
        server.wait(30)


def wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture
def open_notebook(chromium, lab):
    """`with open_notebook(name) as page:` opens a notebook, its kernel ready; fails on uncaught errors in the page."""

    @contextmanager
    def opened(name: str):
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            page.goto(f"{lab}/lab/tree/notebooks/{name}?reset&token={TOKEN}")
            page.wait_for_function(READY, timeout=90_000)
            yield page
            assert errors == []
        finally:
            page.close()

    return opened


@pytest.fixture
def replace_cells():
    """`replace_cells(page, sources)` makes of the open notebook one of these code cells."""
    return lambda page, sources: page.evaluate(REPLACE, sources)


@pytest.fixture
def run_all():
    """Forget the stored outputs, run every cell of the open notebook, and return one entry per code cell."""

    def run(page) -> list[dict]:
        for command in ("notebook:clear-all-cell-outputs", "notebook:run-all-cells"):
            page.evaluate("command => window.jupyterapp.commands.execute(command)", command)
        return page.evaluate(CELLS)

    return run
