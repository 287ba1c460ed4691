"""What works on this machine, and what to do about what does not: the findings of `rlfilm doctor`."""

import io
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from rlfilm_lib.errors import UserError
from rlfilm_lib.stage import blender

IMPORT_TIMEOUT_S = 120

PYTORCH = """
import torch
cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(torch.__version__, "on", ", ".join(["cpu", *cuda]))
"""
TENSORFLOW = """
import rlfilm_lib.tf, tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
print(tf.__version__, "on", ", ".join(["cpu", *names]))
"""
MUJOCO = """
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco/>")
mujoco.mj_step(model, mujoco.MjData(model))
print(mujoco.__version__)
"""
MITSUBA = """
import mitsuba
mitsuba.set_variant("scalar_rgb")
mitsuba.render(mitsuba.load_dict(mitsuba.cornell_box()), spp=1)
print(mitsuba.__version__, "scalar_rgb")
"""
USD = """
from pxr import Usd, UsdGeom, UsdLux
UsdGeom.Camera.Define(Usd.Stage.CreateInMemory(), "/camera")
print(*Usd.GetVersion(), sep=".")
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    works: bool
    found: str
    """Version and devices, or what is wrong; one line."""
    remedy: str = ""
    """What to do where it does not work; one line."""
    needed: bool = False
    """Whether the library is of no use without it."""


def examine() -> list[Finding]:
    """Everything `rlfilm doctor` reports, in order. Tries most of it in processes of their own: about 15 s."""
    return [
        Finding("python", True, f"{platform.python_version()} ({sys.executable})", needed=True),
        Finding("system", True, f"{platform.platform()}, {os.cpu_count()} cores"),
        *(_package(name, "pip install rlfilm", needed=True) for name in ("numpy", "gymnasium", "safetensors")),
        _program("pytorch", "torch", PYTORCH, "torch", "torch"),
        _program("tensorflow", "tensorflow", TENSORFLOW, "tensorflow", "tensorflow"),
        _codec(),
        _package("matplotlib", "pip install 'rlfilm[film]'"),
        _package("jupyterlab", "pip install 'rlfilm[lab]'"),
        _package("ipywidgets", "pip install 'rlfilm[lab]'"),
        _program("mujoco", "mujoco", MUJOCO, "character", "mujoco"),
        _program("mitsuba", "mitsuba", MITSUBA, "render", "mitsuba"),
        _program("usd", "pxr", USD, "render", "usd-core"),
        _blender(),
        _chromium(),
    ]


def _package(name: str, remedy: str, needed: bool = False) -> Finding:
    try:
        return Finding(name, True, metadata.version(name), needed=needed)
    except metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", remedy, needed)


def _program(name: str, module: str, program: str, extra: str, package: str) -> Finding:
    """Runs the program, which prints what it found, elsewhere: so a module that crashes or hangs is a finding too.

    extra: ours that installs it; package: what pip calls it.
    """
    remedy, again = f"pip install 'rlfilm[{extra}]'", f"pip install --force-reinstall {package}"
    if find_spec(module) is None:
        return Finding(name, False, "not installed", remedy)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(name, False, f"import took more than {IMPORT_TIMEOUT_S} s", again)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return Finding(name, False, f"import fails: {reason}", again)
    return Finding(name, True, done.stdout.strip().splitlines()[-1])


def _blender() -> Finding:
    try:
        return Finding("blender", True, f"{blender.version(IMPORT_TIMEOUT_S)} ({blender.find()[0]})")
    except UserError as error:
        return Finding("blender", False, str(error).removesuffix(f": {blender.REMEDY}"), blender.REMEDY)


def _codec() -> Finding:
    if find_spec("av") is None:
        return Finding("h264", False, "not installed", "pip install 'rlfilm[film]'")
    try:
        return Finding("h264", True, _encode_h264())
    except Exception as error:  # whatever the codec raises is the finding
        return Finding("h264", False, f"fails: {' '.join(str(error).split())}", "pip install --force-reinstall av")


def _encode_h264() -> str:
    """Encodes two frames in memory."""
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, width=64, height=36, pix_fmt="yuv420p")
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8))))
        container.mux(stream.encode())
    return f"PyAV {av.__version__}, libx264: 2 frames, {len(file.getvalue())} bytes"


def _chromium() -> Finding:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return Finding("chromium", True, path)
    return Finding("chromium", False, "not found", "only the browser tests need it: apt-get install chromium")
