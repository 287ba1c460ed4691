"""A cut as data, and the files that carry it to other tools: .otio, CMX3600 .edl, Final Cut Pro 7 .xml, and .fcpxml.

A `Timeline` is a row of events without gaps. An event shows `frames` frames of its timeline, beginning with frame
`start` of its file; at speed s it goes through `frames` * s frames of the file. All of this is counted at the rate of
the timeline, `start` from the first frame of the file (not from the timecode of the file: that is `Source.start_frame`,
counted at the rate of the file). Events run one after the other, so the length of a cut is the sum of their `frames`.

- `transition` N: the picture of the event dissolves in over its own first N frames. Meanwhile the event before runs on
  for N frames, which its file must have. Nothing else moves.
- `audio_lead` n: the sound changes n frames before the picture does (J cut), below 0 after it (L cut). Again the files
  must have these frames. A dissolve does not move the sound; with n = -N // 2 the sound changes halfway through it.

`Timeline.picture()` and `Timeline.sound()` lay this out as segments: what a renderer needs, and what the files hold.

What each kind of file carries. aside: it comes back here, but stands in a comment or in metadata, where other tools do
not look. no: it is lost or rounded. What is lost or "warned" is a line, with the number of the event, in what `write`
returns. A Timeline holds no grade, reframing or speed ramp: those are in the rendered film, grades in `media.look`.

| carried | .otio | .edl | .xml | .fcpxml |
|---|---|---|---|---|
| name | yes | yes | yes | yes |
| rate | yes | aside | yes | yes |
| drop-frame timecode | aside | yes | yes | yes |
| timecode of the first frame | yes | yes | yes | yes |
| picture size | aside | aside | yes | yes |
| source and record ranges | yes | yes | yes | yes |
| dissolves | yes | yes | yes | yes |
| J and L cuts | yes | yes | yes | yes |
| music | yes | yes | yes | yes |
| speed, a multiple of 0.1 frames per second | yes | yes | yes | yes |
| speed, any other | yes | no | yes | yes |
| reel names of up to 8 letters, digits, underscores | yes | yes | yes | yes |
| reel names, any other | yes | aside, warned | yes | yes |
| paths of the files | yes | aside | yes | yes |
| length and first timecode of the files | yes | aside | yes | yes |
| channels of the sound of a file | aside | aside | yes | yes |
| rate of a file, another named one | yes | aside, warned | yes | yes |
| rate of a file, any other | yes | aside, warned | no | yes |
| drop-frame timecode of a file, in a cut without | aside | aside, warned | yes | yes |
"""

import operator
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from math import ceil, floor, inf, isfinite
from pathlib import Path
from types import ModuleType

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.checkpoint import write_bytes

SUFFIXES = {".otio": "otio", ".edl": "edl", ".xml": "fcp7xml", ".fcpxml": "fcpxml"}
"""Of each kind of file, the module that knows it."""
HD = (1920, 1080)
"""The picture size where a file does not say one."""
DAY_HOURS = 24
SMALLEST_SPEED, LARGEST_SPEED = 0.001, 100.0


@dataclass(frozen=True)
class Rate:
    """Frames per second, num / den, and whether its timecode drops labels to keep up with the clock (29.97, 59.94).

    >>> Rate.named("29.97df")
    Rate(num=30000, den=1001, drop=True)
    """

    num: int
    den: int = 1
    drop: bool = False

    def __post_init__(self) -> None:
        if self.num < 1 or self.den < 1:
            raise UserError(f"a rate of {self.num}/{self.den} frames per second is out of range; give one above 0")
        if self.drop and (self.den != 1001 or self.num not in (30000, 60000)):
            raise UserError(
                f"{self.num}/{self.den} frames per second has no drop-frame timecode; only 29.97, 59.94 have"
            )

    @staticmethod
    def named(name: str) -> "Rate":
        """The rate called "23.976", "24", "25", "29.97", "29.97df", "30", "50", "59.94", "59.94df" or "60"."""
        if name not in RATES:
            raise unknown("rate", name, RATES)
        return RATES[name]

    @staticmethod
    def nearest(fps: float | Fraction) -> "Rate":
        """The named rate, without drop-frame timecode, that is nearest to some frames per second, by ratio.

        >>> Rate.nearest(29.83).name
        '29.97'
        """
        if not 0 < fps < inf:
            raise UserError(f"a rate of {fps} frames per second is out of range; give one above 0")
        rates = [rate for rate in RATES.values() if not rate.drop]
        return min(rates, key=lambda rate: max(rate.fps / Fraction(fps), Fraction(fps) / rate.fps))

    @property
    def fps(self) -> Fraction:
        return Fraction(self.num, self.den)

    @property
    def nominal(self) -> int:
        """Frames to a second of timecode: 24 at 23.976."""
        return -(-self.num // self.den)

    @property
    def name(self) -> str:
        return next((name for name, rate in RATES.items() if rate == self), f"{float(self.fps):.6g}")


RATES = {
    "23.976": Rate(24000, 1001), "24": Rate(24), "25": Rate(25), "29.97": Rate(30000, 1001),
    "29.97df": Rate(30000, 1001, drop=True), "30": Rate(30), "50": Rate(50), "59.94": Rate(60000, 1001),
    "59.94df": Rate(60000, 1001, drop=True), "60": Rate(60),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One media file: its path, reel (camera roll or tape) and rate, the number that its timecode gives its first
    frame, how many frames it has (both at its own rate), whether it has sound, and in how many channels: 0 without, 2
    where nothing is said. For music, a file without frames of its own, count at the rate of the timeline."""

    path: str
    reel: str
    rate: Rate
    start_frame: int
    frames: int
    has_audio: bool = True
    channels: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", (self.channels or 2) if self.has_audio else 0)

    def length(self, rate: Rate) -> int:
        """Whole frames it lasts, counted at another rate.

        >>> Source("a.mov", "A001", Rate.named("50"), 0, 101).length(Rate.named("25"))
        50
        """
        return int(self.frames * rate.fps / self.rate.fps)


@dataclass(frozen=True)
class Event:
    """One shot of a cut: see the head of this module. `audio_lead` > 0: J cut, < 0: L cut.

    Frames are whole numbers (TypeError otherwise); a speed is taken for the nearest ratio of numbers up to 10,000.
    """

    source: Source
    start: int
    frames: int
    speed: float = 1.0
    transition: int = 0
    audio_lead: int = 0

    def __post_init__(self) -> None:
        for name in ("start", "frames", "transition", "audio_lead"):
            object.__setattr__(self, name, operator.index(getattr(self, name)))
        if isfinite(self.speed):
            object.__setattr__(self, "speed", float(self.ratio))

    @property
    def ratio(self) -> Fraction:
        """The speed as the exact ratio that files carry."""
        return Fraction(float(self.speed)).limit_denominator(10_000)


@dataclass(frozen=True)
class Segment:
    """A stretch of one file on one track: what to play at frames [record, record + frames) of the timeline.

    number: that of its event, from 1. start: where in the file it begins, in frames at the rate of the timeline from
    the first frame of the file; whole but where a speed makes it fall between two. transition: of its first frames, how
    many are a dissolve, for which the segment before runs on.
    """

    number: int
    source: Source
    record: int
    start: Fraction
    frames: int
    speed: Fraction = Fraction(1)
    transition: int = 0

    @property
    def end(self) -> int:
        """The frame of the timeline after its last."""
        return self.record + self.frames

    def source_frame(self, frame: int) -> Fraction:
        """Where in the file the frame `frame` of the timeline is found, also before and after the segment."""
        return self.start + (frame - self.record) * self.speed


@dataclass(frozen=True)
class Timeline:
    """A cut: its name, rate, picture size (width, height), events in order, the timecode of its first frame, and music.

    Music starts with the first frame and lasts as long as both do. UserError where an event cannot be: lengths below 1,
    frames that its file does not have (for its dissolves and its sound too), a speed outside 0.001 to 100.

    >>> rate = Rate.named("24")
    >>> a, b = Source("a.mov", "A001", rate, 0, 100), Source("b.mov", "B001", rate, 86400, 100)
    >>> cut = Timeline("talk", rate, (1920, 1080), [Event(a, 10, 48), Event(b, 20, 24, transition=12, audio_lead=6)])
    >>> cut.frames, [segment.record for segment in cut.picture()], [segment.record for segment in cut.sound()]
    (72, [0, 48], [0, 42])
    """

    name: str
    rate: Rate
    size: tuple[int, int]
    events: Sequence[Event]
    record_start: str = "01:00:00:00"
    music: Source | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", tuple(self.events))
        object.__setattr__(self, "size", tuple(self.size))
        object.__setattr__(self, "record_start", timecode(self.record_frame, self.rate))
        _check(self)

    @property
    def frames(self) -> int:
        """Length of the cut in frames."""
        return sum(event.frames for event in self.events)

    @property
    def record_frame(self) -> int:
        """The number that its timecode gives its first frame."""
        return frames(self.record_start, self.rate)

    def picture(self) -> list[Segment]:
        """One segment per event. Where the next one has a transition, the picture runs on under it for as long."""
        segments: list[Segment] = []
        for number, event in enumerate(self.events, start=1):
            record = segments[-1].end if segments else 0
            place = record, Fraction(event.start), event.frames
            segments.append(Segment(number, event.source, *place, event.ratio, event.transition))
        return segments

    def sound(self) -> list[Segment]:
        """The segments of the sound, one per event whose file has any, with J and L cuts carried out."""
        picture = self.picture()
        cuts = [shot.record - event.audio_lead for shot, event in zip(picture, self.events, strict=True)]
        return [
            Segment(shot.number, shot.source, start, shot.source_frame(start), end - start, shot.speed)
            for shot, start, end in zip(picture, cuts, [*cuts[1:], self.frames], strict=True)
            if shot.source.has_audio
        ]

    def tracks(self) -> dict[str, list[Segment]]:
        """The segments of picture (V), sound (A) and music (A2, one segment of number 0), where there are any."""
        length = min(self.music.length(self.rate), self.frames) if self.music else 0
        music = [Segment(0, self.music, 0, Fraction(0), length)] if self.music else []
        tracks = {"V": self.picture(), "A": self.sound(), "A2": music}
        return {name: segments for name, segments in tracks.items() if segments}


def timecode(frame: int, rate: Rate) -> str:
    """The timecode of a frame, HH:MM:SS:FF; drop-frame timecode has a semicolon before its frames.

    It drops labels, not frames: 00 and 01 at 29.97 (00 to 03 at 59.94) in every minute but each tenth.
    Source: SMPTE ST 12-1:2014, section 8. UserError outside one day.

    >>> timecode(1800, Rate.named("29.97df")), timecode(1800, Rate.named("25"))
    ('00:01:00;02', '00:01:12:00')
    """
    label = frame
    if rate.drop:
        dropped = rate.nominal // 15
        minute, ten_minutes = rate.nominal * 60 - dropped, rate.nominal * 600 - 9 * dropped
        tens, rest = divmod(frame, ten_minutes)
        label += 9 * dropped * tens + dropped * max(0, (rest - dropped) // minute)
    seconds, part = divmod(label, rate.nominal)
    if not 0 <= seconds < DAY_HOURS * 3600:
        raise UserError(f"frame {frame} at {rate.name} is outside 00:00:00:00 to 24:00:00:00; start earlier")
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{':;'[rate.drop]}{part:02}"


def frames(timecode: str, rate: Rate) -> int:
    """The frame that has a timecode, HH:MM:SS:FF (or with a semicolon before its frames).

    UserError where it is no timecode, or none that this rate has.

    >>> frames("00:01:00;02", Rate.named("29.97df")), frames("01:00:00:00", Rate.named("23.976"))
    (1800, 86400)
    """
    fields = timecode.replace(";", ":").split(":")
    if len(fields) != 4 or not all(len(field) == 2 and field.isdecimal() for field in fields):
        raise UserError(f"'{timecode}' is no timecode; write it as 01:00:00:00")
    hours, minutes, seconds, part = (int(field) for field in fields)
    dropped = rate.nominal // 15 if rate.drop and minutes % 10 else 0
    if hours >= DAY_HOURS or minutes > 59 or seconds > 59 or part >= rate.nominal or (not seconds and part < dropped):
        raise UserError(f"there is no timecode '{timecode}' at {rate.name}; check its fields and the rate")
    total_minutes = 60 * hours + minutes
    label = (60 * total_minutes + seconds) * rate.nominal + part
    return label - rate.nominal // 15 * (total_minutes - total_minutes // 10) if rate.drop else label


def write(timeline: Timeline, path: str | os.PathLike) -> list[str]:
    """Write a timeline as the kind of file that the suffix names; returns what the file cannot say, one line each.

    path: ends in .otio, .edl, .xml (Final Cut Pro 7, Premiere) or .fcpxml. The file is there whole or not at all. Paths
    of media are made absolute.

    UserError where the suffix is another, or the file cannot be written there.
    """
    path = Path(path)
    text, warnings = _format(path).to_text(timeline)
    write_bytes(path, text.encode())
    return warnings


def read(path: str | os.PathLike, rate: Rate | None = None) -> Timeline:
    """The timeline in a file. rate: that of an EDL which does not say its own; the other kinds always do.

    A source has sound where the timeline plays it. UserError where there is no such file, it is damaged, or it holds
    what a Timeline cannot: gaps, layers, nested or retimed in other ways.
    """
    path = Path(path)
    form = _format(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}'; check the name, or write the timeline first")
    try:
        return form.from_text(path.read_text(encoding="utf-8-sig"), rate)
    except UserError as error:
        raise UserError(f"cannot read '{path}': {error}") from None
    except (OSError, UnicodeDecodeError):
        raise UserError(f"cannot read '{path}': it is no text, or closed to you; write it again") from None


def join(picture: Sequence[Segment], sound: Sequence[Segment]) -> list[Event]:
    """The events that `Timeline.picture` and `Timeline.sound` would lay out as these segments, each in order.

    UserError where there are none: the picture has a gap, or a piece of sound belongs to no picture.
    """
    events: list[Event] = []
    voices, sound_end, cut = list(sound), 0, 0
    for shot in picture:
        if shot.record != cut:
            raise UserError(f"its picture has a gap or a layer at frame {cut}; close it, a timeline runs on")
        cut = shot.end
        after_sound = bool(events) and events[-1].source.has_audio
        voice = voices.pop(0) if voices and _in_sync(shot, voices[0]) else None
        if voice:
            if voice.record < sound_end or (after_sound and voice.record > sound_end):
                raise UserError(f"its sound has a gap or a layer at frame {sound_end}; close it, a timeline runs on")
            lead, sound_end = shot.record - voice.record, voice.end
        else:
            lead = shot.record - sound_end if after_sound else 0
        source = replace(shot.source, has_audio=bool(voice))
        events.append(Event(source, round(shot.start), shot.frames, float(shot.speed), shot.transition, lead))
    if voices:
        raise UserError(f"its sound at frame {voices[0].record} belongs to no picture; keep the sound of the shots")
    return events


def _in_sync(shot: Segment, voice: Segment) -> bool:
    """Whether a piece of sound belongs to a shot: from the same file, at the same place in it but for rounding."""
    error = abs(float(shot.source_frame(voice.record) - voice.start))
    return shot.source.path == voice.source.path and error <= max(1.0, float(shot.speed))


def shift_cuts(segments: Sequence[Segment], offsets: Sequence[int]) -> list[Segment]:
    """The same picture with each segment, and what is before it, cut so many frames later: inside a dissolve.

    >>> rate = Rate.named("24")
    >>> shots = [Segment(number, Source("a.mov", "A", rate, 0, 99), 20 * number, 30, 20) for number in (0, 1)]
    >>> [(shot.record, float(shot.start), shot.frames) for shot in shift_cuts(shots, [0, 6])]
    [(0, 30.0, 26), (26, 36.0, 14)]
    """
    return [
        replace(
            shot, record=shot.record + own, start=shot.source_frame(shot.record + own), frames=shot.frames - own + after
        )
        for shot, own, after in zip(segments, offsets, [*offsets[1:], 0], strict=True)
    ]


def astride(segments: Sequence[Segment]) -> list[Segment]:
    """The same picture with each cut in the middle of its dissolve, transition // 2 frames on, as editors expect it."""
    return shift_cuts(segments, [segment.transition // 2 for segment in segments])


def measure(tracks: Iterable[list[Segment]]) -> None:
    """Give sources that have no frames those that the tracks use, in place; their starts must count from timecode 0."""
    tracks = list(tracks)
    used: dict[str, list[Fraction]] = {}
    for segments in tracks:
        handles = [after.transition for after in segments[1:]] + [0]
        for segment, handle in zip(segments, handles, strict=False):
            reach = used.setdefault(segment.source.path, [])
            reach += [segment.start, segment.source_frame(segment.end + handle)]
    for segments in tracks:
        for index, segment in enumerate(segments):
            if not segment.source.frames:
                first, last = floor(min(used[segment.source.path])), ceil(max(used[segment.source.path]))
                source = replace(segment.source, start_frame=first, frames=last - first)
                segments[index] = replace(segment, source=source, start=segment.start - first)


def music(segments: Sequence[Segment]) -> Source | None:
    """The file that plays as these segments of music: none, or one from its and the timeline's first frame on."""
    if not segments:
        return None
    if len(segments) > 1 or segments[0].record or segments[0].start:
        raise UserError("its music is cut or begins later; lay one file from the first frame on")
    return segments[0].source


def _format(path: Path) -> ModuleType:
    """The module that writes and reads files of this name: to_text(timeline) and from_text(text, rate)."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"'{path.name}' is not named as a timeline; end the name in {', '.join(SUFFIXES)}")
    return import_module(f"rlfilm_lib.media.{SUFFIXES[suffix]}")


def _check(timeline: Timeline) -> None:
    """UserError where a timeline cannot be."""
    if not timeline.events:
        raise UserError(f"the timeline '{timeline.name}' has no events; give one or more")
    if min(timeline.size) < 1:
        raise UserError(f"a picture of {timeline.size[0]}x{timeline.size[1]} is out of range; give two sides above 0")
    timecode(timeline.record_frame + timeline.frames, timeline.rate)
    for number, event in enumerate(timeline.events, start=1):
        for name, value, least in (
            ("start", event.start, 0),
            ("frames", event.frames, 1),
            ("transition", event.transition, 0),
        ):
            if value < least:
                raise UserError(f"event {number} has {name} {value}; give {least} or more")
        if not SMALLEST_SPEED <= event.speed <= LARGEST_SPEED:
            raise UserError(
                f"event {number} has speed {event.speed}; give one from {SMALLEST_SPEED} to {LARGEST_SPEED}"
            )
        if event.transition > event.frames:
            raise UserError(
                f"event {number} dissolves in over {event.transition} of {event.frames} frames; shorten that"
            )
    first = timeline.events[0]
    if first.transition or first.audio_lead:
        raise UserError("event 1 has no event before it; set its transition and its audio_lead to 0")
    for number, (before, event) in enumerate(pairwise(timeline.events), start=2):
        if event.audio_lead and not (before.source.has_audio or event.source.has_audio):
            raise UserError(f"event {number} has audio_lead {event.audio_lead}, but there is no sound; set it to 0")
    picture, sound = timeline.picture(), timeline.sound()
    followers = [event.transition for event in timeline.events[1:]] + [0]
    for shot, handle in zip(picture, followers, strict=True):
        _check_frames(timeline, shot, shot.end + handle, f"a dissolve of {handle} frames after it" if handle else "")
    for segment in sound:
        if segment.frames < 1:
            raise UserError(f"event {segment.number} has no sound left between its split edits; shorten an audio_lead")
        _check_frames(timeline, segment, segment.end, "its sound")


def _check_frames(timeline: Timeline, segment: Segment, end: int, purpose: str) -> None:
    """UserError where the file of a segment does not have the frames for it until frame `end` of the timeline."""
    available = segment.source.length(timeline.rate)
    first, last = segment.start, segment.source_frame(end)
    if first < 0 or last > available:
        needs = f"frames {float(first):g} to {float(last):g} of '{segment.source.reel}'" + (
            f" for {purpose}" if purpose else ""
        )
        raise UserError(f"event {segment.number} needs {needs}; the file has 0 to {available}: use less of it")
