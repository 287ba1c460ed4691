"""FCPXML 1.10: what Final Cut Pro (from 10.6) and Resolve import.

A library of one event with one project, its cut on one spine. Each event is an asset-clip, music one on lane -1 under
the first. Times are rational seconds, whole multiples of the duration of a frame: 48048/24000s are 48 frames at 23.976.
The clock of a file starts at its own timecode, that of the sequence at `record_start`. A dissolve stands astride its
cut. Where the sound of a clip does not begin and end with its picture (J and L cuts, dissolves), audioStart and
audioDuration say so. A speed is a timeMap, a line through the first frame shown that spans all the file has.

Source: Apple, "FCPXML Reference" and the document type definition of FCPXML 1.10, 2021.
"""

from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from rlfilm_lib.errors import UserError
from rlfilm_lib.media.timeline import HD, Rate, Segment, Source, Timeline, astride, join, music, shift_cuts, timecode

VERSION = "1.10"
DISSOLVE = ("Cross Dissolve", "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265")
"""Name and identifier of the transition."""
REEL = "com.apple.proapps.studio.reel"
CONFORMED = {"23.976": "23.98", "24": "24", "25": "25", "29.97": "29.97", "29.97df": "29.97", "30": "30",
             "50": "50", "59.94": "59.94", "59.94df": "59.94", "60": "60"}  # fmt: skip
"""What the attribute srcFrameRate calls the rates."""
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'


def to_text(timeline: Timeline) -> tuple[str, list[str]]:
    """The FCPXML of a timeline; it carries all there is."""
    rate, tracks = timeline.rate, timeline.tracks()
    root = Element("fcpxml", version=VERSION)
    resources = SubElement(root, "resources")
    formats = _formats(resources, timeline)
    assets = _assets(resources, timeline, formats)
    if any(event.transition for event in timeline.events):
        SubElement(resources, "effect", id="dissolve", name=DISSOLVE[0], uid=DISSOLVE[1])
    project = SubElement(SubElement(SubElement(root, "library"), "event", name=timeline.name), "project")
    project.set("name", timeline.name)
    clock = {"tcStart": _seconds(timeline.record_frame, rate), "tcFormat": _display(rate)}
    clock |= {"duration": _seconds(timeline.frames, rate), "format": formats[rate]}
    sequence = SubElement(project, "sequence", clock, audioLayout="stereo", audioRate="48k")
    spine = SubElement(sequence, "spine")
    sound = {segment.number: segment for segment in tracks.get("A", [])}
    for shot, clip in zip(tracks["V"], astride(tracks["V"]), strict=True):
        if shot.transition:
            place = {"offset": _seconds(timeline.record_frame + shot.record, rate)}
            dissolve = SubElement(
                spine, "transition", place, name=DISSOLVE[0], duration=_seconds(shot.transition, rate)
            )
            SubElement(dissolve, "filter-video", ref="dissolve", name=DISSOLVE[0])
        element = _clip(clip, assets, timeline)
        spine.append(element)
        if shot.source.has_audio:
            voice = sound[shot.number]
            if (voice.record, voice.frames) != (clip.record, clip.frames):
                element.set("audioStart", _time(_local(clip, rate) + (voice.record - clip.record) / rate.fps, rate))
                element.set("audioDuration", _seconds(voice.frames, rate))
    for song in tracks.get("A2", []):
        first = spine[0]
        element = _clip(song, assets, timeline)
        element.attrib |= {"lane": "-1", "offset": first.get("start", "0s"), "audioRole": "music"}
        first.append(element)
    ElementTree.indent(root)
    return HEAD + ElementTree.tostring(root, encoding="unicode") + "\n", []


def _formats(resources: Element, timeline: Timeline) -> dict[Rate, str]:
    """A format for every rate that is used, {rate: id}; that of the timeline is the first."""
    formats: dict[Rate, str] = {}
    for rate in [timeline.rate, *(event.source.rate for event in timeline.events)]:
        same = next((name for other, name in formats.items() if other.fps == rate.fps), None)
        formats[rate] = same or f"format{len(set(formats.values())) + 1}"
        if not same:
            size = {"width": str(timeline.size[0]), "height": str(timeline.size[1]), "colorSpace": "1-1-1 (Rec. 709)"}
            SubElement(resources, "format", {"id": formats[rate], "frameDuration": _seconds(1, rate)} | size)
    return formats


def _assets(resources: Element, timeline: Timeline, formats: dict[Rate, str]) -> dict[Source, str]:
    """An asset for every file, {source: id}."""
    assets: dict[Source, str] = {}
    sources = [event.source for event in timeline.events]
    for source in sources + ([timeline.music] if timeline.music else []):
        if source in assets:
            continue
        assets[source] = f"asset{len(assets) + 1}"
        span = {"start": _seconds(source.start_frame, source.rate), "duration": _seconds(source.frames, source.rate)}
        asset = SubElement(resources, "asset", {"id": assets[source], "name": Path(source.path).name} | span)
        if source in sources:
            asset.attrib |= {"hasVideo": "1", "videoSources": "1", "format": formats[source.rate]}
        if source.has_audio or source not in sources:
            asset.attrib |= {"hasAudio": "1", "audioSources": "1", "audioRate": "48000"}
            asset.set("audioChannels", str(source.channels or 2))
        SubElement(asset, "media-rep", kind="original-media", src=Path(source.path).absolute().as_uri())
        SubElement(SubElement(asset, "metadata"), "md", key=REEL, value=source.reel)
    return assets


def _clip(segment: Segment, assets: dict[Source, str], timeline: Timeline) -> Element:
    rate, source = timeline.rate, segment.source
    clip = Element("asset-clip", ref=assets[source], name=source.reel)
    clip.set("offset", _seconds(timeline.record_frame + segment.record, rate))
    clip.set("start", _time(_local(segment, rate), rate))
    clip.set("duration", _seconds(segment.frames, rate))
    clip.set("tcFormat", _display(source.rate))
    if source.has_audio:
        clip.set("audioRole", "dialogue")
    if segment.number and source.rate.fps != rate.fps:
        conform = SubElement(clip, "conform-rate", scaleEnabled="0")
        if source.rate.name in CONFORMED:
            conform.set("srcFrameRate", CONFORMED[source.rate.name])
    if segment.speed != 1:
        _time_map(clip, segment, rate)
    return clip


def _local(segment: Segment, rate: Rate) -> Fraction:
    """Where a segment begins on the clock of its clip, in seconds: at a speed, one that ticks in whole frames."""
    first = Fraction(segment.source.start_frame) / segment.source.rate.fps
    return first + (segment.start if segment.speed == 1 else floor(segment.start / segment.speed)) / rate.fps


def _time_map(clip: Element, segment: Segment, rate: Rate) -> None:
    """From the clock of a clip to that of its file: a line from the first to the last frame it can reach."""
    before = floor(segment.start / segment.speed)
    after = floor((segment.source.length(rate) - segment.start) / segment.speed)
    origin, here = Fraction(segment.source.start_frame) / segment.source.rate.fps, _local(segment, rate)
    line = SubElement(clip, "timeMap")
    for ticks in (-before, after):
        value = origin + (segment.start + ticks * segment.speed) / rate.fps
        SubElement(line, "timept", time=_time(here + ticks / rate.fps, rate), value=_time(value, rate), interp="linear")


def _seconds(frames: int, rate: Rate) -> str:
    return _time(frames / rate.fps, rate)


def _time(seconds: Fraction, rate: Rate) -> str:
    """Seconds as FCPXML says them, where that is whole in units of the rate.

    >>> _time(Fraction(48 * 1001, 24000), Rate.named("23.976")), _time(Fraction(2), Rate(24))
    ('48048/24000s', '48/24s')
    """
    unit = rate.num if (seconds * rate.num).denominator == 1 else seconds.denominator
    return f"{seconds * unit}/{unit}s" if seconds else "0s"


def _display(rate: Rate) -> str:
    return "DF" if rate.drop else "NDF"


def from_text(text: str, rate: Rate | None) -> Timeline:
    """The timeline of an FCPXML; `rate` is not needed."""
    try:
        root = ElementTree.fromstring(text.encode())
        if root.tag != "fcpxml":
            raise UserError(f"its root is {root.tag}, not fcpxml; check the name of the file")
        return _timeline(root)
    except (ElementTree.ParseError, KeyError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("it is damaged or no FCPXML; write it again") from None


def _timeline(root: Element) -> Timeline:
    projects = list(root.iter("project"))
    sequence = projects[0].find("sequence[spine]") if len(projects) == 1 else None
    if sequence is None:
        raise UserError(f"it holds {len(projects)} projects; give a file of one, with a spine")
    resources = {item.attrib["id"]: item for item in root.iterfind("resources/*")}
    rate = _rate(resources, sequence.attrib["format"], sequence)
    start = _parse(sequence.get("tcStart", "0s"))
    picture: list[Segment] = []
    sound: list[Segment] = []
    songs: list[Segment] = []
    before: list[int] = []
    dissolve: Element | None = None
    for item in sequence.iterfind("spine/*"):
        if item.tag == "transition":
            dissolve = item
            continue
        clip = _segment(item, resources, rate, start)
        before.append(0)
        if dissolve is not None:
            before[-1] = clip.record - _frame(_parse(dissolve.attrib["offset"]) - start, rate)
            clip = replace(clip, transition=_frame(_parse(dissolve.attrib["duration"]), rate))
            dissolve = None
        picture.append(clip)
        clock = _parse(item.get("start", "0s"))
        if resources[item.attrib["ref"]].get("hasAudio") == "1" and item.get("srcEnable", "all") != "video":
            record = clip.record + _frame(_parse(item.get("audioStart", item.get("start", "0s"))) - clock, rate)
            length = _frame(_parse(item.get("audioDuration", item.attrib["duration"])), rate)
            voice = replace(clip, record=record, start=clip.source_frame(record), frames=length, transition=0)
            sound.append(voice)
        for child in item.iterfind("*[@lane]"):
            songs.append(_segment(child, resources, rate, clock - clip.record / rate.fps))
    if not picture:
        raise UserError("its spine is empty; give a file of a cut")
    width, height = (resources[sequence.attrib["format"]].get(side) for side in ("width", "height"))
    size = (int(width), int(height)) if width and height else HD
    events = join(shift_cuts(picture, [-frames for frames in before]), sound)
    name, record_start = projects[0].get("name", ""), timecode(_frame(start, rate), rate)
    return Timeline(name, rate, size, events, record_start, music(songs))


def _segment(clip: Element, resources: dict[str, Element], rate: Rate, origin: Fraction) -> Segment:
    """The segment of an asset-clip; origin: what the clock of its parent says at the first frame of the timeline."""
    if clip.tag != "asset-clip":
        raise UserError(f"it holds a {clip.tag}; only asset-clips, transitions and music are read")
    asset = resources[clip.attrib["ref"]]
    media = asset.find("media-rep")
    url = (media if media is not None else asset).attrib["src"]
    path = url2pathname(urlsplit(url).path) if url.startswith("file:") else url
    reel = next((item.attrib["value"] for item in asset.iter("md") if item.get("key") == REEL), asset.get("name", ""))
    own = _rate(resources, asset.attrib["format"], clip) if "format" in asset.attrib else rate
    first, here = _parse(asset.get("start", "0s")), _parse(clip.get("start", "0s"))
    length, channels = _frame(_parse(asset.attrib["duration"]), own), int(asset.get("audioChannels", 2))
    source = Source(path, reel, own, _frame(first, own), length, channels=channels)
    speed, seconds = Fraction(1), here
    line = [(_parse(point.attrib["time"]), _parse(point.attrib["value"])) for point in clip.iterfind("timeMap/timept")]
    if line:
        (time, value), (last_time, last_value) = line[0], line[-1]
        speed = (last_value - value) / (last_time - time)
        if any(point[1] != value + (point[0] - time) * speed for point in line):
            raise UserError(f"the clip '{clip.get('name', '')}' changes its speed; give each clip one")
        seconds = value + (here - time) * speed
    record = _frame(_parse(clip.attrib["offset"]) - origin, rate)
    length = _frame(_parse(clip.get("duration", asset.attrib["duration"])), rate)
    return Segment(0, source, record, (seconds - first) * rate.fps, length, speed)


def _rate(resources: dict[str, Element], form: str, display: Element) -> Rate:
    """The rate of a format, with the timecode that the attribute tcFormat of an element asks for."""
    fps = 1 / _parse(resources[form].attrib["frameDuration"])
    return Rate(fps.numerator, fps.denominator, drop=display.get("tcFormat") == "DF")


def _parse(time: str) -> Fraction:
    """Seconds from "48048/24000s" or "2s"."""
    return Fraction(time.removesuffix("s"))


def _frame(seconds: Fraction, rate: Rate) -> int:
    return round(seconds * rate.fps)
