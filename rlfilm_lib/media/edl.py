"""CMX3600 edit decision lists: one line of fixed columns for every stretch of picture (V), sound (A) and music (A2).

The columns: number of the event, reel (8 characters), channel, C for cut or D for dissolve with its frames, then four
timecodes: source in and out, record in and out. Lines that begin with * are comments; M2 gives the speed of the line
above it in frames per second of timecode, to one decimal. A dissolve is two lines under one number: the cut it comes
from, of no length, and what it goes to. Picture and sound have lines of their own, so J and L cuts need no more.

An EDL has no room for a rate, a picture size, a path or a long reel name. They stand in comments, which `from_text`
reads and other tools skip: CLIP NAME (the whole reel name), FILE (the path), TIMELINE (rate and size), MEDIA (first
timecode, length, rate and channels of the file). All other timecodes are counted at the rate of the timeline.

Source: CMX Systems, "CMX 3600 Edit Decision List", 1991. The EDL adapter of OpenTimelineIO reads these files, but it
cannot write them: it leaves out the sound and the frame code mode, and ends what is sped up in the wrong place.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from rlfilm_lib.errors import UserError
from rlfilm_lib.media.timeline import HD, Rate, Segment, Source, Timeline, frames, join, measure, music, timecode

REEL_LENGTH = 8
RESERVED = ("BL", "BLACK", "AX", "BARS")
"""Reel names that mean something else: black, no reel, colour bars."""
LARGEST_NUMBER = 999
"""What the three digits of an event number and of a dissolve hold."""
CHANNELS = {"V": ["V"], "A": ["A"], "A2": ["A2"], "AA": ["A"], "B": ["V", "A"], "AA/V": ["V", "A"]}
"""What an event of each channel is laid on."""
TIMECODE = r"\d\d[:;]\d\d[:;]\d\d[:;]\d\d"
EVENT = re.compile(
    rf"\d+\s+(\S+)\s+(\S+)\s+(C|D)\s+(?:(\d+)\s+)?({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})"
)
SPEED = re.compile(rf"M2\s+\S+\s+(\d+(?:\.\d+)?)\s+{TIMECODE}")
COMMENT = re.compile(r"\*\s*(FROM CLIP NAME|TO CLIP NAME|FROM FILE|TO FILE|TIMELINE|MEDIA):\s*(.*)")


def to_text(timeline: Timeline) -> tuple[str, list[str]]:
    """The EDL of a timeline, and what it cannot say, one line each."""
    rate, tracks = timeline.rate, timeline.tracks()
    lines = sorted(
        ((segment, channel) for channel, segments in tracks.items() for segment in segments),
        key=lambda line: (line[0].record, list(CHANNELS).index(line[1])),
    )
    reels = short_reels(segment.source.reel for segment, _ in lines)
    text = [f"TITLE: {_plain(timeline.name)}", f"FCM: {'' if rate.drop else 'NON-'}DROP FRAME"]
    for number, (segment, channel) in enumerate(lines, start=1):
        reel, times = reels[segment.source.reel], _times(timeline, segment)
        if segment.transition > LARGEST_NUMBER:
            long = f"event {segment.number} dissolves in over {segment.transition} frames"
            raise UserError(f"{long}; an EDL holds {LARGEST_NUMBER}: shorten it")
        if segment.transition:
            before = tracks["V"][segment.number - 2]
            _, source_out, _, record_out = _times(timeline, before)
            from_reel = reels[before.source.reel]
            text += [
                f"{number:03}  {from_reel:8} {channel:5} C        {source_out} {source_out} {record_out} {record_out}",
                f"{number:03}  {reel:8} {channel:5} D    {segment.transition:03} {' '.join(times)}",
            ]
            named = [("FROM", before.source), ("TO", segment.source)]
        else:
            text.append(f"{number:03}  {reel:8} {channel:5} C        {' '.join(times)}")
            named = [("FROM", segment.source)]
        if segment.speed != 1:
            text.append(f"M2   {reel:8} {_speed(segment, rate):05.1f}                {times[0]}")
        for word, source in named:
            text += [f"* {word} CLIP NAME: {_plain(source.reel)}", f"* {word} FILE: {Path(source.path).absolute()}"]
        if number == 1:
            text.append(f"* TIMELINE: {rate.name} {timeline.size[0]}x{timeline.size[1]}")
        source = segment.source
        rate_of_file = f"{source.rate.num}/{source.rate.den}"
        text.append(
            f"* MEDIA: {timecode(source.start_frame, source.rate)} {source.frames} {rate_of_file} {source.channels}"
        )
    return "\n".join(text) + "\n", _warnings(timeline, reels, len(lines))


def from_text(text: str, rate: Rate | None) -> Timeline:
    """The timeline of an EDL. Where it does not say what its files hold, they are as long as what is used of them."""
    name, drop, size = "", False, HD
    lines: list[tuple[re.Match, dict[str, str]]] = []
    for number, line in enumerate((line.strip() for line in text.splitlines()), start=1):
        if line.startswith("TITLE:"):
            name = line.removeprefix("TITLE:").strip()
        elif line.startswith("FCM:"):
            drop = "NON" not in line
        elif line[:1].isdigit():
            event = EVENT.fullmatch(line)
            if not event or event[2] not in CHANNELS:
                raise UserError(f"line {number}, '{line[:40]}', is no cut or dissolve of V, A, A2, B; mend it")
            lines.append((event, {}))
        elif lines and (speed := SPEED.fullmatch(line)):
            lines[-1][1]["M2"] = speed[1]
        elif lines and (comment := COMMENT.match(line)):
            lines[-1][1][comment[1]] = comment[2]
    stated = lines[0][1].get("TIMELINE", "").split() if lines else []
    if stated and rate is None:
        rate, size = Rate.named(stated[0]), _size(stated)
    if not lines:
        raise UserError("it holds no events; check that it is an EDL")
    if rate is None:
        raise UserError("an EDL does not say its rate; give it one, as rate=Rate.named('24')")
    if drop and not rate.drop:
        rate = replace(rate, drop=True)
    return _timeline(name, rate, size, lines)


def short_reels(reels: Iterable[str]) -> dict[str, str]:
    """A name of at most 8 letters, digits and underscores for each reel, no two alike.

    >>> short_reels(["A001", "INTERVIEW_ANNA", "INTERVIEW_BERT"])
    {'A001': 'A001', 'INTERVIEW_ANNA': 'INTERVIE', 'INTERVIEW_BERT': 'INTERVI2'}
    """
    short: dict[str, str] = {}
    taken = set(RESERVED)
    for reel in sorted(set(reels), key=lambda reel: (len(reel) > REEL_LENGTH, reel)):
        name = wanted = re.sub(r"\W", "_", reel, flags=re.ASCII)[:REEL_LENGTH] or "REEL"
        count = 1
        while name.upper() in taken:
            count += 1
            name = f"{wanted[: REEL_LENGTH - len(str(count))]}{count}"
        taken.add(name.upper())
        short[reel] = name
    return short


def _times(timeline: Timeline, segment: Segment) -> list[str]:
    """Timecodes of source in and out, record in and out."""
    first = _first_frame(segment.source, timeline.rate) + round(segment.start)
    record = timeline.record_frame + segment.record
    last = first + max(1, round(segment.frames * segment.speed))
    ends = first % _day(timeline.rate), last % _day(timeline.rate), record, record + segment.frames
    return [timecode(frame, timeline.rate) for frame in ends]


def _day(rate: Rate) -> int:
    """Frames to a day, after which timecode starts again: a file may run past midnight."""
    return frames(f"23:59:59:{rate.nominal - 1:02}", rate) + 1


def _first_frame(source: Source, rate: Rate) -> int:
    """The number of the first frame of a file, counted at the rate of the timeline."""
    return round(source.start_frame * rate.fps / source.rate.fps)


def _speed(segment: Segment, rate: Rate) -> float:
    """Frames per second of timecode, as M2 can say them; 0 would be a still."""
    return max(round(float(segment.speed * rate.nominal), 1), 0.1)


def _warnings(timeline: Timeline, reels: dict[str, str], lines: int) -> list[str]:
    rate, warnings = timeline.rate, []
    users: dict[str, list[str]] = {}
    for number, event in enumerate(timeline.events, start=1):
        users.setdefault(event.source.reel, []).append(str(number))
    for reel, short in reels.items():
        if short != reel:
            who = f"event {', '.join(users[reel])}" if reel in users else "music"
            warnings.append(f"{who}: the reel '{reel}' is called {short} in the EDL; its name stands in a comment")
    for number, (segment, event) in enumerate(zip(timeline.picture(), timeline.events, strict=True), start=1):
        if event.source.rate != rate:
            own = event.source.rate.name
            warnings.append(f"event {number}: its file counts at {own}, the timecodes in the EDL at {rate.name}")
        if Fraction(str(_speed(segment, rate))) / rate.nominal != segment.speed:
            said = _speed(segment, rate) / rate.nominal
            warnings.append(f"event {number}: its speed is {event.speed:.6g}, an EDL can only say {said:.6g}")
    if lines > LARGEST_NUMBER:
        warnings.append(f"the EDL has {lines} events, and many tools read {LARGEST_NUMBER}; split the cut in reels")
    return warnings


def _timeline(name: str, rate: Rate, size: tuple[int, int], lines: list[tuple[re.Match, dict[str, str]]]) -> Timeline:
    """The timeline of the lines of an EDL, each with what its comments say."""
    record_start = min(frames(event[7], rate) for event, _ in lines)
    tracks: dict[str, list[Segment]] = {"V": [], "A": [], "A2": []}
    for event, notes in lines:
        first, last, record, record_end = (frames(event[group], rate) for group in (5, 6, 7, 8))
        length = record_end - record
        last += _day(rate) * (last < first and length > 0)
        if not length:
            continue  # the cut that a dissolve comes from
        if length < 0 or last <= first:
            raise UserError(f"'{event[0][:40]}' ends before it begins; mend its timecodes")
        source = _source(event[1], notes, "TO" if event[3] == "D" else "FROM", rate)
        start, used = Fraction((first - _first_frame(source, rate)) % _day(rate)), last - first
        speed = Fraction(notes["M2"]) / rate.nominal if "M2" in notes else Fraction(used, length)
        if max(1, round(length * speed)) != used or start + length * speed > source.length(rate) > 0:
            speed = Fraction(used, length)  # M2 is rounded
        for channel in CHANNELS[event[2]]:
            transition = int(event[4] or 0) if channel == "V" else 0
            tracks[channel].append(Segment(0, source, record - record_start, start, length, speed, transition))
    measure(tracks.values())
    events = join(tracks["V"], tracks["A"])
    return Timeline(name, rate, size, events, timecode(record_start, rate), music(tracks["A2"]))


def _source(reel: str, notes: dict[str, str], word: str, rate: Rate) -> Source:
    """The file of a line; one without frames where the EDL does not say how many it has."""
    if "MEDIA" not in notes:
        return Source(notes.get(f"{word} FILE", reel), reel, rate, 0, 0)
    try:
        start, length, fps, channels = notes["MEDIA"].split()
        num, den = fps.split("/")
        own = Rate(int(num), int(den), drop=";" in start)
        counts = int(length), int(channels)
    except ValueError:
        raise UserError(f"its comment 'MEDIA: {notes['MEDIA']}' is damaged; take it out") from None
    full = notes.get(f"{word} CLIP NAME", reel)
    return Source(notes.get(f"{word} FILE", full), full, own, frames(start, own), counts[0], channels=counts[1])


def _size(stated: list[str]) -> tuple[int, int]:
    width, _, height = stated[-1].partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UserError(f"its comment 'TIMELINE: {' '.join(stated)}' is damaged; take it out and give the rate")
    return int(width), int(height)


def _plain(name: str) -> str:
    """A name on one line."""
    return " ".join(name.split())
