"""Clips: arrays of frames to and from H.264 mp4 files, through PyAV.

Files hold 8-bit yuv420p in BT.709, limited range, tagged as such, with the index at the front so that a browser can
start before it has the whole file. They are written under a temporary name and renamed: there whole or not at all.
"""

import math
import os
import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from rlfilm_lib.errors import UserError

BT709 = 1
"""Its number in ISO/IEC 23091-2, alike for primaries, transfer curve and matrix."""
LIMITED, FULL = 1, 2
SAMPLE_RATE = 48_000
"""Of the sound, per second."""


def write(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    fps: float | Fraction,
    crf: int = 16,
    sound: Iterable[np.ndarray] | None = None,
) -> Path:
    """Write frames (H, W, 3) uint8, display-referred RGB, as an mp4 clip; returns its path.

    path: ends in .mp4, in a folder that exists; frames: an array (F, H, W, 3) or any iterable, taken one at a time;
    fps: frames per second; crf: the encoder's quality, 0 (lossless) to 51: 16 is hard to tell from the original; sound:
    blocks (n, 2) float32 of stereo at 48 kHz, taken as the frames go on, for an AAC track. A file that is already there
    is replaced once the new one is complete.

    Raises ValueError where there is no frame, a frame has an odd side, another shape than the first or another type
    than uint8, fps is not above 0, or the file cannot be written there.

    >>> import tempfile
    >>> path = write(Path(tempfile.mkdtemp()) / "grey.mp4", np.full((12, 90, 160, 3), 118, np.uint8), 24)
    >>> frames, fps = read(path)
    >>> frames.shape, fps
    ((12, 90, 160, 3), 24.0)
    """
    path = Path(path)
    check_path(path)
    if not (math.isfinite(fps) and fps > 0):
        raise UserError(f"fps is {fps}; give a number of frames per second above 0, such as 24")
    av = pyav()
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise UserError(f"there is no frame to write to '{path}'; a clip needs at least one")
    _check_frame(first, 0, np.shape(first))
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = _stream(container, first.shape, fps, crf)
            track, heard = _track(av, container, sound), 0.0
            _encode(av, container, stream, first)
            for number, frame in enumerate(frames, start=1):
                _check_frame(frame, number, first.shape)
                while heard * fps < number * SAMPLE_RATE:
                    heard = next(track, math.inf)
                _encode(av, container, stream, frame)
            for _ in track:
                pass
            container.mux(stream.encode())
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror or error}; choose another place for it") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def read(path: str | os.PathLike) -> tuple[np.ndarray, float]:
    """Frames (F, H, W, 3) uint8, display-referred RGB, and frames per second of a video file.

    Files that do not say so are taken for BT.709, limited range. All frames are held in memory.

    Raises ValueError where there is no such file, it holds no video, or it ends before its last frame.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}'; check the name, or make the clip first")
    av = pyav()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"'{path}' holds no video; give a video file, such as an mp4")
            stream = container.streams.video[0]
            fps = stream.average_rate or stream.guessed_rate or Fraction(24)
            expected = round(stream.duration * stream.time_base * fps) if stream.duration else stream.frames
            frames = [rgb(frame) for frame in container.decode(stream)]
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot read '{path}' as a video: it is damaged, cut short or none; get it again") from None
    if len(frames) < max(expected - 1, 1):
        raise UserError(f"'{path}' is cut short: {len(frames)} of its {expected} frames are there; get it again")
    return np.stack(frames), float(fps)


def pyav() -> ModuleType:
    """PyAV; UserError where it is missing."""
    try:
        import av
    except ImportError:
        raise UserError('video files need PyAV, which is not installed; run: pip install "rlfilm[film]"') from None
    return av


def _check_frame(frame: np.ndarray, number: int, shape: tuple[int, ...]) -> None:
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise UserError(f"frame {number} has shape {frame.shape}; a frame is (height, width, 3)")
    if frame.dtype != np.uint8:
        raise UserError(f"frame {number} is {frame.dtype}; a frame is uint8, 0 to 255")
    if frame.shape != shape:
        raise UserError(f"frame {number} has shape {frame.shape}, the first {shape}; all frames of a clip are alike")
    check_size(frame.shape[1], frame.shape[0])


def check_path(path: Path) -> None:
    """ValueError where a clip cannot have this name, or a folder has it."""
    if path.suffix.lower() != ".mp4":
        raise UserError(f"a clip is an mp4 file, and '{path.name}' is not named as one; end the name in .mp4")
    if path.is_dir():
        raise UserError(f"cannot write '{path}': it is a folder; choose another name for the clip")


def check_size(width: int, height: int) -> None:
    """ValueError where a clip cannot have frames of this size, in pixels."""
    if height % 2 or width % 2 or not height or not width:
        even = f"{max(width + width % 2, 2)}x{max(height + height % 2, 2)}"
        raise UserError(f"a frame of {width}x{height} pixels has an odd or empty side; H.264 needs even ones: {even}")


def _stream(container: Any, shape: tuple[int, ...], fps: float | Fraction, crf: int) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": str(crf)}
    context = stream.codec_context
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    return stream


def _track(av: ModuleType, container: Any, sound: Iterable[np.ndarray] | None) -> Iterator[int]:
    """Encodes one block of sound at each step, and yields how many samples there are by then."""
    if sound is None:
        return
    stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.bit_rate = 192_000
    samples = 0
    for block in sound:
        part = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T, np.float32), format="fltp", layout="stereo")
        part.sample_rate, part.pts, part.time_base = SAMPLE_RATE, samples, Fraction(1, SAMPLE_RATE)
        container.mux(stream.encode(part))
        samples += len(block)
        yield samples
    container.mux(stream.encode())


def _encode(av: ModuleType, container: Any, stream: Any, frame: np.ndarray) -> None:
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    converted = _converted(
        picture, format="yuv420p", src_color_range=FULL, dst_colorspace=BT709, dst_color_range=LIMITED
    )
    container.mux(stream.encode(converted))


_kept = threading.local()


def _converted(frame: Any, **form: Any) -> Any:
    """A frame of PyAV in another size and format. `frame.reformat` would make the tables for it anew each time, which
    takes longer than to use them: here each thread keeps its own."""
    if not hasattr(_kept, "reformatter"):
        _kept.reformatter = pyav().video.reformatter.VideoReformatter()
    return _kept.reformatter.reformat(frame, **form)


def rgb(frame: Any, width: int | None = None, height: int | None = None) -> np.ndarray:
    """A decoded frame of PyAV as (height, width, 3) uint8 RGB, scaled where a size is given."""
    matrix = frame.colorspace if frame.colorspace in (4, 5, 6, 7, 9) else BT709
    spread = frame.color_range if frame.color_range in (LIMITED, FULL) else LIMITED
    form = {"format": "rgb24", "src_colorspace": matrix, "src_color_range": spread, "dst_color_range": FULL}
    return _converted(frame, width=width, height=height, **form).to_ndarray()
