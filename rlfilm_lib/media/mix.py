"""The sound of a cut: its shots crossfaded, music ducked under speech, all brought to one loudness. Streamed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.media.sound import RATE, Sound, loudness
from rlfilm_lib.media.timeline import Segment, Timeline

TARGET_LUFS = -23.0
"""Programme loudness of EBU R128."""
CEILING = 10 ** (-1 / 20)
"""Largest sample: -1 dB of full scale. A mix that would pass it stays quieter than the target."""
LARGEST_GAIN_DB = 30.0
"""Near silence is not blown up by more."""
CROSSFADE = 2
"""Frames, about each cut."""
DUCK_DB = -12.0
DUCK_S = 0.6
"""Music goes down by so much under speech, over so long before and after it."""
QUIETEST_LUFS = -35.0
"""Music follows the loudness of the shots, but no further down than this."""
BLOCK = RATE
MUSIC_FADE_S = 1.0


@dataclass(frozen=True)
class Mix:
    """The sound of a cut, and how loud it is.

    blocks(): the samples (n, 2) float32 at 48 kHz, a second at a time, as long as the picture to the sample; lufs: the
    programme's loudness, -inf for silence.
    """

    blocks: Callable[[], Iterator[NDArray[np.float32]]]
    lufs: float


def mix(cut: Timeline, starts: Mapping[str, Fraction], speech: NDArray) -> Mix:
    """The sound of a cut at -23 LUFS (EBU R128).

    starts: for each path, where its picture begins on its own clock, s; speech: (cut.frames,) speech-like activity of
    the cut, 0 to 1. Sounds are linearly crossfaded over two frames at each cut, so that sound that runs on through a
    cut is left as it is. Music first gets the loudness of the shots, then goes down 12 dB where somebody speaks.
    """
    music = 1.0
    if cut.music:
        heard = loudness(_mixed(cut, starts, speech, 1.0, 0.0)).integrated()
        played = loudness(_mixed(cut, starts, np.zeros_like(speech), 0.0, 1.0)).integrated()
        music = 10 ** ((max(heard, QUIETEST_LUFS) - played) / 20) if played > -np.inf else 1.0
    meter = loudness(_mixed(cut, starts, speech, 1.0, music))
    lufs = meter.integrated()
    gain = 1.0
    if lufs > -np.inf:
        gain = min(10 ** (min(TARGET_LUFS - lufs, LARGEST_GAIN_DB) / 20), CEILING / meter.peak)
    return Mix(lambda: _mixed(cut, starts, speech, gain, music * gain), lufs + 20 * float(np.log10(gain)))


def _mixed(
    cut: Timeline, starts: Mapping[str, Fraction], speech: NDArray, shots: float, music: float
) -> Iterator[NDArray[np.float32]]:
    """The blocks of a mix, the shots and the music with these gains; a gain of 0 leaves them out."""
    fps, total = cut.rate.fps, samples(cut.frames, cut)
    half = samples(CROSSFADE, cut) // 2
    waiting = cut.sound() if shots else []
    playing: list[tuple[Segment, Sound]] = []
    with ExitStack() as files:
        record = files.enter_context(Sound(cut.music.path)) if cut.music and music else None
        gains = _ducked(speech, float(fps))
        for begin in range(0, total, BLOCK):
            end = min(begin + BLOCK, total)
            block = np.zeros((end - begin, 2), np.float32)
            while waiting and samples(waiting[0].record, cut) - half < end:
                segment = waiting.pop(0)
                path = segment.source.path
                first = int(segment.start / fps * RATE) - half
                playing.append((segment, files.enter_context(Sound(path, starts[path], max(first, 0)))))
            for segment, sound in playing:
                _add(block, begin, segment, sound, cut, half, shots)
            for segment, sound in playing:
                if samples(segment.end, cut) + half <= end:
                    sound.close()
            playing = [each for each in playing if samples(each[0].end, cut) + half > end]
            if record:
                time = np.arange(begin, end)
                level = np.interp((time + 0.5) / RATE * float(fps), np.arange(len(gains)) + 0.5, gains)
                level *= np.minimum((total - time) / (MUSIC_FADE_S * RATE), 1)
                block += (music * level[:, None] * record.read(begin, end - begin)).astype(np.float32)
            yield block


def samples(frames: Fraction | int, cut: Timeline) -> int:
    """So many frames of a cut, in samples.

    >>> from rlfilm_lib.media.timeline import Event, Rate, Source
    >>> rate = Rate.named("29.97")
    >>> samples(30, Timeline("a", rate, (64, 36), [Event(Source("a.mp4", "a", rate, 0, 99), 0, 30)]))
    48048
    """
    return round(frames / cut.rate.fps * RATE)


def _add(block: NDArray, begin: int, segment: Segment, sound: Sound, cut: Timeline, half: int, gain: float) -> None:
    """Add what a segment sounds like to a block that begins at sample `begin` of the cut."""
    starts, ends = samples(segment.record, cut), samples(segment.end, cut)
    rises, falls = max(starts - half, 0), min(ends + half, samples(cut.frames, cut))
    first, last = max(begin, rises), min(begin + len(block), falls)
    if first >= last:
        return
    time = np.arange(first, last)
    fade = np.clip((time + 0.5 - rises) / (2 * half), 0, 1) * np.clip((falls - time - 0.5) / (2 * half), 0, 1)
    offset = segment.start / cut.rate.fps * RATE
    if segment.speed == 1:
        heard = sound.read(round(offset) + first - starts, last - first)
    else:  # as a tape that runs faster
        place = float(offset) + (time - starts) * float(segment.speed)
        low, high = int(np.floor(place[0])), int(place[-1]) + 2
        tape = sound.read(low, high - low)
        heard = np.stack([np.interp(place - low, np.arange(high - low), channel) for channel in tape.T], axis=1)
    block[first - begin : last - begin] += (gain * fade[:, None] * heard).astype(np.float32)


def _ducked(speech: NDArray, fps: float) -> NDArray[np.float64]:
    """The gain of the music per frame: 1, and -12 dB under speech, with slopes of 0.3 s."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    width = max(1, round(DUCK_S * fps))
    spoken = uniform_filter1d(maximum_filter1d((speech > 0.5).astype(float), 2 * width + 1), width)
    return 10 ** (DUCK_DB / 20 * spoken)
