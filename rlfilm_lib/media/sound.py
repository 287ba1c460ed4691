"""Sound of files: read in blocks as 48 kHz stereo, measured per frame of a timeline, and its loudness.

Sound is (n, 2) float32, left and right, full scale ±1. Time 0 is the file's first picture, so that sound and picture
stay together; what a file lacks there is silence.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import clip

RATE = clip.SAMPLE_RATE
"""Samples per second."""
HOP = RATE // 100
"""Samples between two readings of the analysis: 10 ms."""
WINDOW = 1024
BANDS_HZ = 100 * 2.0 ** (np.arange(22) / 3)
"""Edges of 21 bands, a third of an octave each, in which onsets are sought."""
VOICE_HZ = (300, 3400)
"""The band of telephone speech."""
SYLLABLES_HZ = (2.5, 6.5)
"""The rate of syllables is about 4 Hz."""
SPEECH_DEPTH = (0.25, 0.55)
"""Depth of modulation at the syllables' rate, rms over mean, where activity begins and is full."""
GATE_DB, PAUSE_DB = 30, 10
"""Speech is at most so far below the loudest tenth of its file; pauses in it are so far below its own second."""
JUMP_S = 0.02
"""Timestamps that are further off than this from the samples before them are believed."""


class Sound:
    """Reads the sound of a file from anywhere, going forward; `skipped` counts packets that could not be decoded."""

    def __init__(self, path: str | os.PathLike, start: Fraction | float = 0, first: int = 0) -> None:
        """start: of time 0 on the file's clock, s; first: sample from which reading will begin."""
        self.path, self.start, self.skipped = Path(path), start, 0
        self._container = self._open()
        self._chunks = self._decoded(first)
        self._held: list[tuple[int, NDArray]] = []
        """Chunks that are not read past: first sample, samples (n, 2)."""

    def __enter__(self) -> "Sound":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """Samples [first, first + count) from time 0, (count, 2); no earlier than those of the call before."""
        while not self._held or self._held[-1][0] + len(self._held[-1][1]) < first + count:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held.append(chunk)
        self._held = [(at, samples) for at, samples in self._held if at + len(samples) > first]
        block = np.zeros((count, 2), np.float32)
        for at, samples in self._held:
            low, high = max(at, first), min(at + len(samples), first + count)
            if low < high:
                block[low - first : high - first] = samples[low - at : high - at]
        return block

    @property
    def seconds(self) -> float:
        """How long the file says it is; 0 where it doesn't."""
        return (self._container.duration or 0) / 1e6

    def _open(self) -> Any:
        av = clip.pyav()
        if not self.path.is_file():
            raise UserError(f"there is no file '{self.path}'; check the name")
        try:
            container = av.open(str(self.path))
        except (av.error.FFmpegError, ValueError):
            raise UserError(f"cannot read '{self.path}': it is damaged or holds no sound; get it again") from None
        if not container.streams.audio:
            container.close()
            raise UserError(f"'{self.path}' holds no sound; give a file that does")
        return container

    def _decoded(self, first: int) -> Iterator[tuple[int, NDArray]]:
        """Chunks of sound in order: first sample, samples."""
        av = clip.pyav()
        stream = self._container.streams.audio[0]
        if first > RATE:  # a second early: decoders of sound need a moment to start
            before = float(self.start) + first / RATE - 1
            try:
                self._container.seek(int(before / stream.time_base), stream=stream)
            except av.error.FFmpegError:
                pass
        resampler = av.AudioResampler("fltp", "stereo", RATE)
        at = 0
        for frame in self._frames(av, stream):
            if frame is not None and frame.time is not None:
                timed = round((frame.time - float(self.start)) * RATE)
                if abs(timed - at) > JUMP_S * RATE:
                    at = timed
                frame.pts = None
            for resampled in resampler.resample(frame):
                samples = resampled.to_ndarray().T
                yield at, samples
                at += len(samples)

    def _frames(self, av: Any, stream: Any) -> Iterator[Any]:
        """Decoded frames, and None at the end."""
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                frames = stream.decode(packet)
            except av.error.EOFError:
                packet, frames = None, []
            except av.error.FFmpegError:
                self.skipped += 1
                frames = []
            yield from frames
            if packet is None or (packet.dts is None and not packet.size):
                yield None
                return


@dataclass(frozen=True)
class Heard:
    """What the sound of a file is like, per frame (F,), and where sounds set in: see `footage.Footage`."""

    loudness: NDArray[np.float32]
    speech: NDArray[np.float32]
    voiced: NDArray[np.float32]
    onsets: NDArray[np.float64]
    skipped: int


def measure(path: str | os.PathLike, start: Fraction | float, frames: int, fps: Fraction) -> Heard:
    """Measure the first `frames` frames of a file's sound, at fps per second, streamed.

    **Speech-like activity** is 4 Hz modulation energy (Scheirer & Slaney 1997): speech swells and falls about four
    times a second, once a syllable. The envelope of the band 300 to 3400 Hz is filtered to 2.5 to 6.5 Hz, and its rms
    over a second is set against the envelope's mean. It is activity, not understanding: a drum of four beats a second
    counts as well. **Onsets** are peaks of spectral flux (Dixon 2006) in third-octave bands.

    UserError where the file holds no sound.
    """
    ticks = max(1, int(frames / fps * RATE) // HOP)
    window = np.hanning(WINDOW).astype(np.float32)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    bands = (bins >= BANDS_HZ[:-1, None]) & (bins < np.maximum(BANDS_HZ[1:, None], BANDS_HZ[:-1, None] + RATE / WINDOW))
    voice = (bins >= VOICE_HZ[0]) & (bins <= VOICE_HZ[1])
    bands_of, envelope, meter = np.zeros((ticks, len(bands)), np.float32), np.zeros(ticks), LoudnessMeter()
    with Sound(path, start) as source:
        overlap = np.zeros((WINDOW, 2), np.float32)
        for tick in range(0, ticks, 100):
            count = min(100, ticks - tick)
            block = source.read(tick * HOP, count * HOP)
            meter.add(block)
            mono = np.concatenate([overlap, block]).mean(axis=1)
            overlap = np.concatenate([overlap, block])[-WINDOW:]
            # a window ends with its tick
            views = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[HOP::HOP][:count]
            power = np.abs(np.fft.rfft(views * window)) ** 2 / (WINDOW * 3 / 8)
            bands_of[tick : tick + count] = power @ bands.T
            envelope[tick : tick + count] = power @ voice
        skipped = source.skipped
    middles = (np.arange(frames) + 0.5) / float(fps) * RATE / HOP  # of the frames, in ticks
    activity, voiced = _speech(np.sqrt(envelope))
    return Heard(
        loudness=np.interp(middles, np.arange(ticks) + 0.5, meter.momentary()).astype(np.float32),
        speech=np.interp(middles, np.arange(ticks) + 0.5, activity).astype(np.float32),
        voiced=np.interp(middles, np.arange(ticks) + 0.5, voiced).astype(np.float32),
        onsets=_onsets(bands_of) * HOP / RATE * float(fps),
        skipped=skipped,
    )


def _speech(envelope: NDArray) -> tuple[NDArray, NDArray]:
    """Activity, and activity inside words, (T,) each, of an envelope (T,) of 100 values per second."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d
    from scipy.signal import butter, sosfiltfilt

    if len(envelope) < 100:
        return np.zeros_like(envelope), np.zeros_like(envelope)
    syllables = sosfiltfilt(butter(2, SYLLABLES_HZ, "bandpass", fs=100, output="sos"), envelope)
    mean = uniform_filter1d(envelope, 100)
    depth = np.sqrt(uniform_filter1d(syllables**2, 100)) / np.maximum(mean, 1e-9)
    low, high = SPEECH_DEPTH
    audible = np.maximum(np.quantile(envelope, 0.9) * 10 ** (-GATE_DB / 20), 1e-4)
    activity = np.clip((depth - low) / (high - low), 0, 1) * (mean > audible)
    loudest = maximum_filter1d(envelope, 100)
    word = maximum_filter1d(envelope > loudest * 10 ** (-PAUSE_DB / 20), 5)
    return activity, activity * word


def _onsets(bands: NDArray) -> NDArray[np.float64]:
    """Ticks (M,) at which sounds set in: peaks of the summed rise of log energy (T, bands), ±50 ms, above 1.5 times
    the mean of the second about them."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    if len(bands) < 3 or not bands.max() > 0:
        return np.zeros(0)
    level = np.log1p(1e4 * bands)
    flux = np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0).sum(axis=1)
    around = uniform_filter1d(flux, 100)
    peaks = (flux == maximum_filter1d(flux, 11)) & (flux > 1.5 * around + 0.02 * flux.max())
    return np.flatnonzero(peaks).astype(float)


class LoudnessMeter:
    """Loudness by ITU-R BS.1770-4 as EBU R128 asks for it, of sound that comes in blocks of any length.

    The K-weighting is pyloudnorm's; its state is carried from block to block, and of the sound only the energy of each
    10 ms is kept, so that memory stays small however long it is.

    >>> meter, time = LoudnessMeter(), np.arange(5 * RATE) / RATE
    >>> for block in np.array_split(0.1 * np.sin(2 * np.pi * 997 * time)[:, None] * np.ones(2), 7):
    ...     meter.add(block)
    >>> round(meter.integrated(), 1)  # a stereo sine of 997 Hz at -20 dB of full scale
    -20.0
    """

    def __init__(self) -> None:
        try:
            import pyloudnorm
        except ImportError:
            raise UserError(
                "loudness needs pyloudnorm, which is not installed; run: pip install 'rlfilm[edit]'"
            ) from None
        stages = pyloudnorm.Meter(RATE)._filters.values()
        self._stages = [(stage.passband_gain * stage.b, stage.a, np.zeros((2, 2))) for stage in stages]
        self._rest = np.zeros((0, 2))
        self._energies: list[NDArray] = []
        self.peak = 0.0
        """Largest magnitude of a sample so far."""

    def add(self, block: NDArray) -> None:
        """Go on with samples (n, 2)."""
        from scipy.signal import lfilter

        if not len(block):
            return
        self.peak = max(self.peak, float(np.abs(block).max()))
        for number, (b, a, state) in enumerate(self._stages):
            block, state = lfilter(b, a, block, axis=0, zi=state)
            self._stages[number] = b, a, state
        whole = np.concatenate([self._rest, block])
        end = len(whole) // HOP * HOP
        self._rest = whole[end:]
        self._energies.append((whole[:end].reshape(-1, HOP, 2) ** 2).mean(axis=1).sum(axis=1))

    def momentary(self) -> NDArray[np.float64]:
        """LUFS of the 400 ms about each 10 ms, (T,), -120 at least."""
        from scipy.ndimage import uniform_filter1d

        energies = np.concatenate(self._energies) if self._energies else np.zeros(1)
        return -0.691 + 10 * np.log10(np.maximum(uniform_filter1d(energies, 40, mode="constant"), 10**-11.9))

    def integrated(self) -> float:
        """LUFS of the whole, gated; -inf for silence, or less than 400 ms."""
        energies = np.concatenate(self._energies) if self._energies else np.zeros(0)
        if len(energies) < 40:
            return -np.inf
        blocks = np.lib.stride_tricks.sliding_window_view(energies, 40)[::10].mean(axis=1)
        loudness = -0.691 + 10 * np.log10(np.maximum(blocks, 1e-30))
        heard = blocks[loudness > -70]
        if not len(heard):
            return -np.inf
        gate = -0.691 + 10 * np.log10(heard.mean()) - 10
        return float(-0.691 + 10 * np.log10(blocks[(loudness > -70) & (loudness > gate)].mean()))


def loudness(blocks: Iterable[NDArray]) -> LoudnessMeter:
    """A meter that has heard all the blocks."""
    meter = LoudnessMeter()
    for block in blocks:
        meter.add(block)
    return meter
