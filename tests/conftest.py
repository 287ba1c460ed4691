"""Made footage: clips whose every picture carries its number, so that a cut can be checked frame for frame."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

BITS = 14
"""Of the number that a picture carries: blocks of black and white along its upper edge."""


@cache
def patches(shot, size):
    """The picture below the numbers, 6 x 8 patches in colours of the shot's own."""
    width, height = size
    colours = np.random.default_rng(shot).integers(30, 226, (6, 8, 3), np.uint8)
    return colours.repeat(-(-height // 6), axis=0).repeat(-(-width // 8), axis=1)[:height, :width]


class Footage:
    """Writes clips with numbered pictures, and reads the numbers back."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, frames, rate=Fraction(24), size=(224, 126), times=None, sound=None, shot_frames=40, **tags):
        """An H.264 file. times: in seconds, of each picture, where they don't come at `rate`; sound: (n, 2) at 48 kHz;
        shot_frames: the picture below the number changes its colours after so many."""
        import av

        path = self.folder / name
        with av.open(str(path), "w", **tags) as container:
            stream = container.add_stream("libx264", rate=rate)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.options = {"crf": "16", "preset": "ultrafast", "g": "12"}
            base = Fraction(1, 90000) if times is not None else 1 / Fraction(rate)
            stream.codec_context.time_base = base
            track = None
            if sound is not None:
                track = container.add_stream("aac", rate=48000, layout="stereo")
            for number in range(frames):
                picture = av.VideoFrame.from_ndarray(self.picture(number, size, shot_frames), format="rgb24")
                picture.pts = round(times[number] / base) if times is not None else number
                picture.time_base = base
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
            if track is not None:
                block = np.ascontiguousarray(sound.T, np.float32)
                part = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                part.sample_rate, part.pts, part.time_base = 48000, 0, Fraction(1, 48000)
                container.mux(track.encode(part))
                container.mux(track.encode())
        return path

    def loop(self, name, path, seconds, times):
        """A file with the packets of another, which is `seconds` long, so many times over."""
        import av

        looped = self.folder / name
        with av.open(str(path)) as source, av.open(str(looped), "w") as container:
            streams = [container.add_stream_from_template(stream) for stream in source.streams]
            for turn in range(times):
                source.seek(0)
                for packet in source.demux():
                    if packet.dts is not None and 0 <= packet.dts < seconds / packet.time_base:
                        shift = round(turn * seconds / packet.time_base)
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = streams[packet.stream.index]
                        container.mux(packet)
        return looped

    @staticmethod
    def picture(number, size=(224, 126), shot_frames=40):
        width, height = size
        shot, phase = divmod(number, shot_frames)
        picture = np.roll(patches(shot, size), 2 * phase, axis=1)
        block = width // BITS
        for bit in range(BITS):
            picture[: height // 6, bit * block : (bit + 1) * block] = 255 * (number >> bit & 1)
        return picture

    @staticmethod
    def number(picture):
        """The number that a picture (height, width, 3) carries."""
        height, width, _ = picture.shape
        block = width // BITS
        lit = picture[height // 12, block // 2 : BITS * block : block].mean(axis=-1) > 128
        return int(lit @ (1 << np.arange(BITS)))

    def numbers(self, path):
        """Those of all pictures of a file, as they are decoded."""
        import av

        with av.open(str(path)) as container:
            frames = container.decode(container.streams.video[0])
            return [self.number(frame.to_ndarray(format="rgb24")) for frame in frames]


@pytest.fixture
def made(tmp_path):
    """Makes numbered clips in a folder of this test."""
    pytest.importorskip("av", reason='needs PyAV: pip install "rlfilm[edit]"')
    return Footage(tmp_path)


@pytest.fixture
def voice():
    """Makes (n, 2) at 48 kHz that swells four times a second, as speech does: noise of the voice's band."""

    def make(seconds, swell=4.0):
        time = np.arange(round(seconds * 48000)) / 48000
        noise = np.random.default_rng(0).standard_normal(len(time))
        spectrum = np.fft.rfft(noise)
        hertz = np.fft.rfftfreq(len(time), 1 / 48000)
        band = np.fft.irfft(spectrum * ((hertz > 400) & (hertz < 3000)), len(time))
        level = 0.5 - 0.5 * np.cos(2 * np.pi * swell * time) if swell else 0.5
        return (0.3 * (level * band / np.abs(band).max())[:, None] * np.ones(2)).astype(np.float32)

    return make
