"""OpenTimelineIO: the .otio file of a timeline, and the objects that its adapters for other kinds of files take.

Tracks V, A and A2 (picture, sound, music), all times at the rate of the timeline, those in a file counted from its own
timecode. A dissolve stands astride its cut, half before and half after, as editors expect it. Speed: a LinearTimeWarp.
What OpenTimelineIO has no field for is metadata: under "cmx_3600" the reel, under "rlfilm" rates and picture size.

Source: Academy Software Foundation, OpenTimelineIO 0.18, "Timeline Structure" and "Time Ranges" of its documentation.
"""

from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rlfilm_lib.errors import UserError
from rlfilm_lib.media.timeline import (
    HD,
    Rate,
    Segment,
    Source,
    Timeline,
    astride,
    join,
    measure,
    music,
    shift_cuts,
    timecode,
)

OWN = "rlfilm"
"""The key of our metadata."""
DISSOLVE = "Cross Dissolve"
SAME_RATE = 2e-4
"""Rates that differ by a smaller share are one: 23.98 and 23.976, but not 24."""


def to_text(timeline: Timeline) -> tuple[str, list[str]]:
    """The .otio file of a timeline; it carries all there is."""
    return opentimelineio().adapters.write_to_string(to_otio(timeline), "otio_json", indent=2) + "\n", []


def from_text(text: str, rate: Rate | None) -> Timeline:
    """The timeline of an .otio file; `rate` is not needed."""
    otio = opentimelineio()
    try:
        return from_otio(otio.adapters.read_from_string(text, "otio_json"))
    except UserError:
        raise
    except (otio.exceptions.OTIOError, AttributeError, KeyError, TypeError, ValueError):
        raise UserError("it is damaged or no OpenTimelineIO file; write it again") from None


def opentimelineio() -> ModuleType:
    """The package, or a UserError that says how to install it."""
    try:
        import opentimelineio
    except ImportError:
        raise UserError(
            '.otio and .xml need OpenTimelineIO, which is not installed: pip install "rlfilm[edit]"'
        ) from None
    return opentimelineio


def to_otio(timeline: Timeline) -> Any:
    """A timeline as an opentimelineio.schema.Timeline."""
    otio, rate = opentimelineio(), timeline.rate
    result = otio.schema.Timeline(timeline.name, global_start_time=_time(timeline.record_frame, rate))
    result.metadata[OWN] = {"rate": _exactly(rate), "size": list(timeline.size)}
    layers: dict[str, list[Segment]] = {"V": [], "A": []} | timeline.tracks()
    layers["V"] = astride(layers["V"])
    for name, segments in layers.items():
        kind = otio.schema.TrackKind.Video if name == "V" else otio.schema.TrackKind.Audio
        track, end = otio.schema.Track(name, kind=kind), 0
        for segment in segments:
            if segment.record > end:
                track.append(otio.schema.Gap(duration=_time(segment.record - end, rate)))
            if segment.transition:
                before = segment.transition // 2
                offsets = _time(before, rate), _time(segment.transition - before, rate)
                track.append(otio.schema.Transition(DISSOLVE, otio.schema.TransitionTypes.SMPTE_Dissolve, *offsets))
            track.append(_clip(segment, rate))
            end = segment.end
        result.tracks.append(track)
    return result


def from_otio(timeline: Any) -> Timeline:
    """The Timeline of an opentimelineio.schema.Timeline; UserError where it holds what a Timeline cannot."""
    otio = opentimelineio()
    if not isinstance(timeline, otio.schema.Timeline):
        raise UserError(f"it holds a {type(timeline).__name__}; give a file of one timeline")
    layers = {kind: [track for track in timeline.tracks if track.kind == kind] for kind in ("Video", "Audio")}
    if len(layers["Video"]) != 1 or len(layers["Audio"]) > 2:
        counts = f"{len(layers['Video'])} layers of picture and {len(layers['Audio'])} of sound"
        raise UserError(f"it has {counts}; give one of picture, at most one of sound and one of music")
    picture, *others = [*layers["Video"], *layers["Audio"]]
    own = timeline.metadata.get(OWN, {})
    clips = [clip for clip in picture.find_clips() if clip.source_range]
    if not clips:
        raise UserError("it holds no clips with a range; check that it is a cut")
    start = timeline.global_start_time or otio.opentime.RationalTime(0, clips[0].source_range.duration.rate)
    rate = Rate(*own["rate"]) if "rate" in own else rate_of(start.rate)
    (video, before), *others = [_segments(track, rate) for track in (picture, *others)]
    video = shift_cuts(video, [-frames for frames in before])
    sound, song = [*(segments for segments, _ in others), [], []][:2]
    measure([video, sound, song])
    record_start = timecode(round(_frames(start, rate)), rate)
    size = tuple(own.get("size", HD))
    return Timeline(timeline.name, rate, size, join(video, sound), record_start, music(song))


def _clip(segment: Segment, rate: Rate) -> Any:
    otio, source = opentimelineio(), segment.source
    first = source.start_frame * rate.fps / source.rate.fps + segment.start
    media = otio.schema.ExternalReference(
        Path(source.path).absolute().as_uri(),
        otio.opentime.TimeRange(_time(source.start_frame, source.rate), _time(source.frames, source.rate)),
        {OWN: {"rate": _exactly(source.rate), "channels": source.channels}},
    )
    media.name = Path(source.path).name
    clip = otio.schema.Clip(
        source.reel, media, otio.opentime.TimeRange(_time(first, rate), _time(segment.frames, rate))
    )
    clip.metadata["cmx_3600"] = {"reel": source.reel}
    if segment.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp("Speed", float(segment.speed)))
    return clip


def _segments(track: Any, rate: Rate) -> tuple[list[Segment], list[int]]:
    """The clips of a track, and of each how far the dissolve into it reaches back before its cut."""
    otio = opentimelineio()
    segments, offsets, record, transition = [], [], 0, (0, 0)
    for item in track:
        if isinstance(item, otio.schema.Transition):
            transition = round(_frames(item.in_offset, rate)), round(_frames(item.out_offset, rate))
            continue
        length = round(_frames(item.duration(), rate))
        if isinstance(item, otio.schema.Clip):
            speed = Fraction(1)
            for effect in item.effects:
                if isinstance(effect, otio.schema.LinearTimeWarp):
                    speed *= Fraction(effect.time_scalar).limit_denominator(10_000)
            source = _source(item, rate)
            start = _frames(item.trimmed_range().start_time, rate) - source.start_frame * rate.fps / source.rate.fps
            segments.append(Segment(0, source, record, start, length, speed, sum(transition)))
            offsets.append(transition[0])
        elif not isinstance(item, otio.schema.Gap):
            raise UserError(f"it holds a {type(item).__name__} at frame {record}; lay its clips on the track itself")
        record, transition = record + length, (0, 0)
    return segments, offsets


def _source(clip: Any, rate: Rate) -> Source:
    """The file of a clip; one without frames where it is not said how many it has."""
    media, url = clip.media_reference, getattr(clip.media_reference, "target_url", "") or ""
    path = url2pathname(urlsplit(url).path) if url.startswith("file:") else url or clip.name
    reel = clip.metadata.get("cmx_3600", {}).get("reel") or clip.name or Path(path).stem
    available = media.available_range if media else None
    if available is None:
        return Source(path, reel, rate, 0, 0)
    own = media.metadata.get(OWN, {})
    source_rate = Rate(*own["rate"]) if "rate" in own else rate_of(available.start_time.rate)
    start, length = (round(_frames(time, source_rate)) for time in (available.start_time, available.duration))
    return Source(path, reel, source_rate, start, length, channels=int(own.get("channels", 2)))


def _exactly(rate: Rate) -> list[int | bool]:
    return [rate.num, rate.den, rate.drop]


def _time(frame: int | Fraction, rate: Rate) -> Any:
    return opentimelineio().opentime.RationalTime(float(frame), float(rate.fps))


def _frames(time: Any, rate: Rate) -> Fraction:
    """A RationalTime in frames at a rate; its floats are taken for the nearest fraction that is simple."""
    scale = 1.0 if abs(time.rate / float(rate.fps) - 1) < SAME_RATE else float(rate.fps) / time.rate
    return Fraction(time.value * scale).limit_denominator(10_000)


def rate_of(fps: float) -> Rate:
    """The Rate of a float: the named one where it is that, but for rounding."""
    nearest = Rate.nearest(fps)
    if abs(fps / float(nearest.fps) - 1) < SAME_RATE:
        return nearest
    exact = Fraction(fps).limit_denominator(1001)
    return Rate(exact.numerator, exact.denominator)
