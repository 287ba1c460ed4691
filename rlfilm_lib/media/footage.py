"""Footage: any video file that PyAV reads, at the rate of a timeline, cut into its shots and measured.

Files are streamed: a few pictures are in memory at a time, whatever the file's length. Everything is counted in frames
of the timeline: picture n is the one on screen in the middle of frame n, (n + 1/2) / rate seconds after the file's
first picture. Variable rates and rates other than the timeline's are conformed by that rule, and reading from the
middle of a file gives the same pictures as reading all of it.
"""

import importlib.util
import itertools
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.film.colour import LUMA
from rlfilm_lib.media import clip, sound, timeline
from rlfilm_lib.media.timeline import Rate, Source

PACKAGES = ("av", "cv2", "opentimelineio", "PIL", "pyloudnorm", "scenedetect", "scipy")
ANALYSIS_AREA = 256 * 144
"""Pixels at which pictures are measured."""
MOTION_S = 1 / 8
"""Motion is the change of the picture over so long."""
SAMPLES_PER_S = 2
"""Pictures per second that are embedded, as in Zhou et al. 2018."""
DIMENSIONS = 32
"""Of an embedding, at most."""
LONGEST_HOLD_S = 600
"""No picture stands for longer: beyond it a file's clock is broken, and goes on from there."""
HUES, SATURATIONS, VALUES = 12, 4, 4
CELLS, ORIENTATIONS = (4, 6), 9
"""Bins of the colour histogram; cells (down, across) and orientations of the histogram of gradients."""


def require() -> None:
    """UserError where a package that footage needs is missing."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise UserError(f"footage needs {package}, which is not installed; run: pip install 'rlfilm[edit]'")


@dataclass(frozen=True)
class Probe:
    """What a file says about itself. size: as shown, (width, height), turned upright, with square pixels; start: the
    time of its first picture on the file's clock, s; seconds: how long it says it is, 0 where it doesn't; variable:
    whether its pictures come at changing intervals, as far as the container says; timecode: of its first frame, ""
    where it has none."""

    path: str
    size: tuple[int, int]
    fps: Fraction
    start: Fraction
    seconds: float
    variable: bool
    has_audio: bool
    timecode: str


def probe(path: str | os.PathLike) -> Probe:
    """Open a file and decode its first picture. UserError where there is none."""
    require()
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}'; check the name")
    with _opened(path) as container:
        stream = _video(container, path)
        frame = next(_decoded(container, stream, []), None)
        if frame is None:
            raise UserError(f"'{path}' holds no picture that can be decoded; get the file again, or leave it out")
        width, height = frame.width, frame.height
        if aspect := stream.sample_aspect_ratio:
            width = round(width * aspect)
        if _quarters(frame) % 2:
            width, height = height, width
        fps = stream.average_rate or stream.guessed_rate or Fraction(25)
        tags = (holder.metadata.get("timecode") for holder in (stream, container, *container.streams))
        return Probe(
            path=str(path),
            size=(width, height),
            fps=Fraction(fps),
            start=_seconds(frame, 0, Fraction(fps)),
            seconds=(container.duration or 0) / 1e6,
            variable=stream.base_rate is not None and abs(float(stream.base_rate / fps) - 1) > 1e-3,
            has_audio=bool(container.streams.audio),
            timecode=next(filter(None, tags), ""),
        )


class Pictures:
    """The pictures of a file at the rate of a timeline, from frame `start` on, as decoded frames of PyAV.

    Iterate over it; `skipped` counts the packets that could not be decoded. Instead of them the picture before stands.
    """

    def __init__(self, file: Probe, rate: Rate, start: int = 0) -> None:
        self.file, self.rate, self.start = file, rate, start
        self._skipped: list[str] = []

    @property
    def skipped(self) -> int:
        return len(self._skipped)

    def __iter__(self) -> Iterator[Any]:
        number, held, ends = self.start, None, Fraction(0)
        for seconds, frame in self._from_start():
            while held is not None and self._middle(number) < min(seconds, ends + LONGEST_HOLD_S):
                yield held
                number += 1
            held, ends = frame, seconds + self._duration(frame)
        while held is not None and self._middle(number) < ends:
            yield held
            number += 1

    def _middle(self, number: int) -> Fraction:
        """Of frame `number`, in seconds."""
        return (number + Fraction(1, 2)) / self.rate.fps

    def _duration(self, frame: Any) -> Fraction:
        own = Fraction(frame.duration or 0) * (frame.time_base or 0)
        return own if 0 < own < 10 else 1 / self.file.fps

    def _from_start(self) -> Iterator[tuple[Fraction, Any]]:
        """(seconds after the file's first picture, picture), the first of them on screen at frame `start`, or the
        file's first."""
        wanted = self._middle(self.start)
        for back in (0, 4, None) if self.start else (None,):  # some files seek past what they are asked for
            with _opened(Path(self.file.path)) as container:
                stream = _video(container, Path(self.file.path))
                if back is not None:
                    target = self.file.start + max(wanted - back, Fraction(0))
                    try:
                        container.seek(int(target / stream.time_base), stream=stream)
                    except OSError:
                        continue
                decoded = self._timed(container, stream, counted=back is None)
                first = next(decoded, None)
                if first is None or (back is not None and first[0] > wanted):
                    continue
                before = first
                for seconds, frame in decoded:
                    if seconds > wanted:
                        yield before
                        yield seconds, frame
                        yield from decoded
                        return
                    before = seconds, frame
                yield before
                return

    def _timed(self, container: Any, stream: Any, counted: bool) -> Iterator[tuple[Fraction, Any]]:
        """Pictures with their time; without timestamps of their own they come one after the other, if `counted`."""
        for number, frame in enumerate(_decoded(container, stream, self._skipped)):
            if frame.pts is not None or counted:
                yield _seconds(frame, number, self.file.fps) - self.file.start, frame


def picture(frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A decoded frame as (height, width, 3) RGB, upright, as large as `size` (width, height) allows, on black."""
    quarters = _quarters(frame)
    aspect = Fraction(frame.width, frame.height) * (getattr(frame, "sample_aspect_ratio", None) or 1)
    shown = 1 / aspect if quarters % 2 else aspect
    width, height = size
    inner = (width, min(height, round(width / shown))) if shown > Fraction(*size) else (round(height * shown), height)
    if abs(inner[0] - width) <= 2 and abs(inner[1] - height) <= 2:
        inner = size  # no bar of a pixel or two
    turned = inner[::-1] if quarters % 2 else inner
    pixels = np.rot90(clip.rgb(frame, *turned), quarters)
    if inner == size:
        return np.ascontiguousarray(pixels)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = pixels
    return canvas


@dataclass(frozen=True)
class Footage:
    """One file, measured; F frames at the timeline's rate, T pictures embedded.

    | field     | shape  | meaning                                                                          |
    |-----------|--------|----------------------------------------------------------------------------------|
    | shots     | (K,)   | first frame of each shot, found by PySceneDetect's ContentDetector               |
    | colour    | (F, 3) | mean of red, green, blue, display-referred, 0 to 1                               |
    | motion    | (F,)   | mean absolute change of luma over 1/8 s, within the shot, 0 to 1                 |
    | sharpness | (F,)   | standard deviation of the Laplacian of luma (0 to 1) at about 256 × 144          |
    | loudness  | (F,)   | LUFS, momentary (BS.1770, 400 ms about the frame); -inf without sound            |
    | speech    | (F,)   | speech-like activity, 0 to 1: 4 Hz modulation, see `sound.measure`               |
    | voiced    | (F,)   | 0 to 1, the same inside a word, 0 in the pauses between words                    |
    | onsets    | (M,)   | frames, with fractions, at which a sound sets in                                 |
    | sampled   | (T,)   | frames that were embedded, two per second                                        |
    | features  | (T, D) | of these: square roots of an HSV histogram and a histogram of oriented gradients |
    | interest  | (T, 2) | where in the picture the eye goes, (u right, v up), 0 to 1: spectral residual    |
    """

    file: Probe
    source: Source
    shots: NDArray[np.int64]
    colour: NDArray[np.float32]
    motion: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    loudness: NDArray[np.float32]
    speech: NDArray[np.float32]
    voiced: NDArray[np.float32]
    onsets: NDArray[np.float64]
    sampled: NDArray[np.int64]
    features: NDArray[np.float32]
    interest: NDArray[np.float32]
    skipped: int
    """Packets that could not be decoded."""

    @property
    def frames(self) -> int:
        return len(self.colour)


def survey(file: Probe, rate: Rate, on_frame: Callable[[], object] = lambda: None) -> Footage:
    """Decode a file once, find its shots and measure it; on_frame() is called after each frame.

    UserError where it holds none.
    """
    import cv2
    from scenedetect import ContentDetector, FrameTimecode

    width, height = file.size
    scale = math.sqrt(ANALYSIS_AREA / (width * height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    pictures, detector = Pictures(file, rate), ContentDetector(min_scene_len=max(1, round(rate.fps / 3)))
    lag, stride = max(1, round(MOTION_S * rate.fps)), rate.fps / SAMPLES_PER_S
    sampled: list[int] = []
    colour, motion, sharpness, cuts, features, interest = [], [], [], [], [], []
    lumas: deque[np.ndarray] = deque(maxlen=lag + 1)
    shown = None
    for number, frame in enumerate(pictures):
        if frame is not shown:  # a picture that stands for several frames is measured once
            shown, pixels = frame, picture(frame, size)
            luma = (pixels @ LUMA.astype(np.float32)) / 255
            edges = cv2.Laplacian(luma, cv2.CV_32F)[1:-1, 1:-1]
            measures = np.array(cv2.mean(pixels)[:3]) / 255, edges.std()
        cuts += [
            found.frame_num for found in detector.process_frame(FrameTimecode(number, rate.fps), pixels[..., ::-1])
        ]
        lumas.append(luma)
        colour.append(measures[0])
        sharpness.append(measures[1])
        motion.append(float(np.abs(luma - lumas[0]).mean()))
        if number >= len(sampled) * stride:
            sampled.append(number)
            features.append(embedding_features(pixels))
            interest.append(point_of_interest(luma))
        on_frame()
    if not colour:
        raise UserError(f"'{file.path}' holds no frames; leave it out")
    cuts += [found.frame_num for found in detector.post_process(FrameTimecode(number, rate.fps))]
    shots = np.array([0, *sorted(set(cuts) - {0})])
    heard = sound.measure(file.path, file.start, len(colour), rate.fps) if file.has_audio else None
    silence = np.zeros(len(colour), np.float32)
    return Footage(
        file=file,
        source=_source(file, rate, len(colour)),
        shots=shots,
        colour=np.array(colour, np.float32),
        motion=_within_shots(np.array(motion, np.float32), shots, lag),
        sharpness=np.array(sharpness, np.float32),
        loudness=heard.loudness if heard else silence - np.inf,
        speech=heard.speech if heard else silence,
        voiced=heard.voiced if heard else silence,
        onsets=heard.onsets if heard else np.zeros(0),
        sampled=np.array(sampled),
        features=np.array(features, np.float32),
        interest=np.array(interest, np.float32),
        skipped=pictures.skipped + (heard.skipped if heard else 0),
    )


def embedding_features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour and form of a picture (H, W, 3), (D,): an HSV histogram of 12 × 4 × 4 bins, and histograms of oriented
    gradients (Dalal & Triggs 2005) of 9 orientations in 4 × 6 cells.

    Both are square roots of shares that sum to 1/2, so that the vector has length 1 and the inner product of two is
    the Bhattacharyya coefficient of their histograms, in [0, 1].

    >>> red, blue = np.zeros((2, 64, 96, 3), np.uint8); red[..., 0] = 255; blue[:, :48, 2] = 255
    >>> float(embedding_features(red) @ embedding_features(red)), round(float(embedding_features(red) @
    ...     embedding_features(blue)), 2) < 0.5
    (1.0, True)
    """
    rgb = pixels.astype(np.float32) / 255
    value, least = rgb.max(-1), rgb.min(-1)
    chroma = value - least
    safe = np.maximum(chroma, 1e-6)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    hue = (
        np.where(
            value == red,
            (green - blue) / safe,
            np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
        )
        / 6
        % 1
    )
    saturation = chroma / np.maximum(value, 1e-6)
    bins = (hue * HUES).astype(int) % HUES
    bins = bins * SATURATIONS + np.minimum((saturation * SATURATIONS).astype(int), SATURATIONS - 1)
    bins = bins * VALUES + np.minimum((value * VALUES).astype(int), VALUES - 1)
    colour = np.bincount(bins.ravel(), minlength=HUES * SATURATIONS * VALUES)

    down, across = np.gradient(rgb @ LUMA.astype(np.float32))
    angle = np.arctan2(down, across) / np.pi % 1
    rows, columns = (np.arange(n) * cells // n for n, cells in zip(angle.shape, CELLS, strict=True))
    bins = (rows[:, None] * CELLS[1] + columns) * ORIENTATIONS + (angle * ORIENTATIONS).astype(int) % ORIENTATIONS
    form = np.bincount(bins.ravel(), np.hypot(down, across).ravel(), math.prod(CELLS) * ORIENTATIONS) + 1e-6
    return np.sqrt(np.concatenate([colour / colour.sum(), form / form.sum()]) / 2).astype(np.float32)


def embed(features: NDArray, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Features (T, D) on the `dimensions` axes that carry most of them, as unit vectors (T, ≤ dimensions).

    Principal components about the origin, fitted on this footage: features are shares, so cosines stay in [0, 1] but
    for what the axes left out carry.

    >>> embed(np.array([[3.0, 4.0], [3.0, 4.0], [4.0, 3.0]])) @ np.ones((2, 1)) != 0
    array([[ True], [ True], [ True]])
    """
    _, _, axes = np.linalg.svd(features, full_matrices=False)
    reduced = features @ axes[:dimensions].T
    return (reduced / np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def point_of_interest(luma: NDArray) -> NDArray[np.float32]:
    """Where in a picture (H, W) the eye goes, (u, v) in [0, 1] with v upwards: centroid of its saliency.

    Saliency by the spectral residual of the picture at 64 pixels across (Hou & Zhang 2007), smoothed, and raised to the
    fourth power so that its peak counts.

    >>> spot = np.zeros((90, 160))
    >>> spot[20:26, 120:126] = 1
    >>> point_of_interest(spot).astype(float).round(2).tolist()
    [0.77, 0.76]
    """
    from scipy.ndimage import gaussian_filter, uniform_filter, zoom

    small = zoom(luma, 64 / luma.shape[1], order=1)
    spectrum = np.fft.fft2(small - small.mean())
    amplitude = np.abs(spectrum)
    log = np.log(amplitude + 1e-3 * amplitude.max() + 1e-12)
    residual = np.exp(log - uniform_filter(log, 3, mode="wrap") + 1j * np.angle(spectrum))
    saliency = gaussian_filter(np.abs(np.fft.ifft2(residual)) ** 2, 2.5) ** 4
    saliency /= max(saliency.sum(), 1e-30)
    height, width = saliency.shape
    u = saliency.sum(0) @ ((np.arange(width) + 0.5) / width)
    v = saliency.sum(1) @ (1 - (np.arange(height) + 0.5) / height)
    return np.array([u, v], np.float32)


def _within_shots(motion: NDArray, shots: NDArray, lag: int) -> NDArray:
    """Motion without what a cut adds: its first `lag` frames of each shot take on the value after them."""
    for first, end in itertools.pairwise([*shots, len(motion)]):
        after = min(first + lag, end - 1)
        motion[first:after] = motion[after] if after >= first + lag else 0
    return motion


def _source(file: Probe, rate: Rate, frames: int) -> Source:
    """The file as timelines name it, `frames` of theirs long: at its own rate, or at theirs where its own varies."""
    own = Rate.nearest(file.fps)
    if abs(float(own.fps / file.fps) - 1) > 1e-4:
        own = Rate(file.fps.numerator, file.fps.denominator)
    if file.variable or own.fps == rate.fps:
        own = rate
    labelled = Rate(own.num, own.den, drop=True) if ";" in file.timecode and own.name in ("29.97", "59.94") else own
    try:
        start = timeline.frames(file.timecode, labelled)
    except UserError:  # none, or none that this rate has
        start = 0
    return Source(file.path, Path(file.path).stem, own, start, math.ceil(frames * own.fps / rate.fps), file.has_audio)


# PyAV


def _opened(path: Path) -> Any:
    av = clip.pyav()
    try:
        return av.open(str(path))
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise UserError(f"cannot read '{path}': {error.strerror}; check its permissions") from None
        raise UserError(f"cannot read '{path}' as a video: it is damaged or none; get it again") from None


def _video(container: Any, path: Path) -> Any:
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        raise UserError(f"'{path}' holds no video stream; give a video file, and sound alone with --music")
    streams[0].thread_type = "AUTO"
    return streams[0]


def _is_cover(stream: Any) -> bool:
    """Whether it is the still picture on a record, which counts as a video stream."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _decoded(container: Any, stream: Any, skipped: list[str]) -> Iterator[Any]:
    """The frames of a stream in order of display; what cannot be decoded is added to `skipped`."""
    av = clip.pyav()
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:  # the file ends here, however much it promised
            skipped.append(str(error))
            packet = None
        try:
            frames = stream.decode(packet)
        except av.error.FFmpegError as error:
            if not isinstance(error, av.error.EOFError):
                skipped.append(str(error))
            frames = []
        for frame in frames:
            if frame.is_corrupt:
                skipped.append("damaged picture")
            else:
                yield frame
        if packet is None or (packet.size == 0 and packet.dts is None):
            return


def _seconds(frame: Any, number: int, fps: Fraction) -> Fraction:
    """On the file's clock; counted where the frame has no time of its own."""
    return Fraction(frame.pts) * frame.time_base if frame.pts is not None else number / fps


def _quarters(frame: Any) -> int:
    """Quarter turns, counter-clockwise, that set a frame upright."""
    return round(frame.rotation / 90) % 4
