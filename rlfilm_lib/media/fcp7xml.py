"""Final Cut Pro 7 XML (.xml, "xmeml" 4): what Premiere, Resolve and most others import.

The OpenTimelineIO adapter writes and reads it; here it gets what it has no field for. Added are drop-frame display, the
picture size, reels, channels of sound (stereo is a pair of tracks, as Premiere has it), the speed (the filter "Time
Remap"), and the links between the picture and the sound of an event. In and out of a clip count frames as it plays,
after the speed: where the first is not whole it is rounded, and the graph of the filter says exactly which frame of the
file it shows.

Source: Apple, "Final Cut Pro XML Interchange Format", version 4, 2007: clipitem, file, filter, link, timecode.
"""

import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

from rlfilm_lib.errors import UserError
from rlfilm_lib.media.otio import OWN, from_otio, opentimelineio, rate_of, to_otio
from rlfilm_lib.media.timeline import Rate, Segment, Source, Timeline

FCP = "fcp_xml"
"""The key of the metadata that the adapter turns into elements, and back."""
LOCALHOST = "file://localhost/"
STEREO = {
    "numOutputChannels": "2",
    "format": {"samplecharacteristics": {"depth": "16", "samplerate": "48000"}},
    "outputs": {
        "group": [
            {"index": channel, "numchannels": "1", "downmix": "0", "channel": {"index": channel}} for channel in "12"
        ]
    },
}
"""The sound of a sequence: two outputs, left and right."""
TIME_REMAP = "timeremap"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'


def to_text(timeline: Timeline) -> tuple[str, list[str]]:
    """The XML of a timeline, and what it cannot say, one line each."""
    timeline, warnings = _sayable(timeline)
    cut = to_otio(timeline)
    _dress(cut, timeline)
    root = ElementTree.fromstring(_adapter().write_to_string(cut).encode())
    for node in root.iter():
        node.text, node.tail = (node.text or "").strip() or None, None
        for twice in node.findall("rate")[1:]:
            node.remove(twice)
    _pair(root, timeline)
    _link(root)
    ElementTree.indent(root)
    return HEAD + ElementTree.tostring(root, encoding="unicode") + "\n", warnings


def from_text(text: str, rate: Rate | None) -> Timeline:
    """The timeline of an XML; `rate` is not needed."""
    adapter = _adapter()
    try:
        cut = adapter.read_from_string(text)
        if not isinstance(cut, opentimelineio().schema.Timeline) or cut.tracks is None:
            raise UserError("it holds several sequences or an empty one; give a file of one cut")
        _undress(cut)
    except UserError:
        raise
    except Exception:  # the adapter lets through whatever its parsing runs into
        raise UserError("it is damaged or no Final Cut Pro 7 XML; write it again") from None
    return from_otio(cut)


def _adapter() -> Any:
    otio = opentimelineio()
    try:
        return otio.adapters.from_name("fcp_xml")
    except otio.exceptions.NotSupportedError:
        raise UserError('.xml needs otio-fcp-adapter, which is not installed: pip install "rlfilm[edit]"') from None


def _sayable(timeline: Timeline) -> tuple[Timeline, list[str]]:
    """The timeline with files of a rate that XML cannot say counted at that of the timeline, and a warning for each."""
    rate, warnings = timeline.rate, []

    def sayable(source: Source, who: str) -> Source:
        nominal = source.rate.nominal
        if source.rate.fps in (nominal, Fraction(nominal * 1000, 1001)):
            return source
        warnings.append(f"{who}: its file runs at {source.rate.name}, the XML counts it at {rate.name}")
        start = round(source.start_frame * rate.fps / source.rate.fps)
        return replace(source, rate=rate, start_frame=start, frames=source.length(rate))

    events = [
        replace(event, source=sayable(event.source, f"event {number}"))
        for number, event in enumerate(timeline.events, start=1)
    ]
    music = timeline.music and sayable(timeline.music, "music")
    return replace(timeline, events=events, music=music), warnings


def _dress(cut: Any, timeline: Timeline) -> None:
    """Give an OpenTimelineIO timeline what the adapter turns into elements."""
    schema = opentimelineio().schema
    width, height = (str(side) for side in timeline.size)
    pixels = {"samplecharacteristics": {"width": width, "height": height, "pixelaspectratio": "square"}}
    cut.metadata[FCP] = {"timecode": _display(timeline.rate), "media": {"video": {"format": pixels}, "audio": STEREO}}
    tracks = timeline.tracks()
    for track in cut.tracks:
        sound = track.name != "V"
        clips = [item for item in track if isinstance(item, schema.Clip)]
        for clip, segment in zip(clips, tracks.get(track.name, []), strict=True):
            source = segment.source
            clip.metadata[FCP] = {"@id": f"clipitem-{_number(segment, track.name, timeline)}", "enabled": "TRUE"}
            if sound:
                clip.metadata[FCP]["sourcetrack"] = {"mediatype": "audio", "trackindex": "1"}
            if segment.speed != 1:
                _retime(clip, segment, timeline)
            channels: dict[str, Any] = {} if track.name == "A2" else {"video": pixels}
            if source.has_audio or sound:
                channels["audio"] = {"channelcount": str(source.channels or 2)}
            media = clip.media_reference
            media.target_url = media.target_url.replace("file:///", LOCALHOST)
            media.metadata[FCP] = {
                "timecode": {"reel": {"name": source.reel}} | _display(source.rate),
                "media": channels,
            }
        for item in track:
            if isinstance(item, schema.Transition):
                effect = {"name": item.name, "effectid": item.name, "effectcategory": "Dissolve"}
                effect |= {"effecttype": "transition", "mediatype": "video", "wipecode": "0", "wipeaccuracy": "100"}
                item.metadata[FCP] = {"alignment": "center", "effect": effect}


def _display(rate: Rate) -> dict[str, str]:
    return {"displayformat": "DF" if rate.drop else "NDF"}


def _number(segment: Segment, track: str, timeline: Timeline) -> int:
    """A number for each clip: three to an event, its picture and its channels of sound; the music is another event."""
    return 3 * (segment.number or len(timeline.events) + 1) - (2 if track == "V" else 1)


def _retime(clip: Any, segment: Segment, timeline: Timeline) -> None:
    """Count the start of a clip in frames as it plays, and give it the filter that says its speed."""
    source, speed, rate = segment.source, segment.speed, timeline.rate
    first = source.start_frame * rate.fps / source.rate.fps
    offset = Fraction(clip.source_range.start_time.value) - first
    played = round(offset / speed)
    clip.source_range = opentimelineio().opentime.TimeRange(
        opentimelineio().opentime.RationalTime(float(first + played), float(rate.fps)), clip.source_range.duration
    )
    last, length = offset + clip.source_range.duration.value * speed, source.length(rate)
    graph = [
        ("speedkfstart", 0, max(offset - played * speed, Fraction(0))),
        ("speedkfin", played, offset),
        ("speedkfout", played + clip.source_range.duration.value, last),
        ("speedkfend", played + (length - offset) / speed, length),
    ]
    keyframes = [
        {"when": f"{float(when):.10g}", "value": f"{float(value):.10g}", "speedvirtualkf": "TRUE", flag: "TRUE"}
        for flag, when, value in graph
    ]
    parameters = [
        {"parameterid": "variablespeed", "name": "variablespeed", "value": "0"},
        {"parameterid": "speed", "name": "speed", "value": f"{float(speed * 100):.10g}"},
        {"parameterid": "reverse", "name": "reverse", "value": "FALSE"},
        {"parameterid": "frameblending", "name": "frameblending", "value": "FALSE"},
        {
            "parameterid": "graphdict",
            "name": "graphdict",
            "valuemin": "0",
            "valuemax": str(length),
            "keyframe": keyframes,
        },
    ]
    effect = {"name": "Time Remap", "effectid": TIME_REMAP, "effectcategory": "motion", "effecttype": "motion"}
    effect["mediatype"] = "audio" if "sourcetrack" in clip.metadata[FCP] else "video"
    clip.metadata[FCP]["filter"] = {"enabled": "TRUE", "effect": effect | {"parameter": parameters}}
    clip.effects.clear()


def _pair(root: Any, timeline: Timeline) -> None:
    """Give each track of sound one for the right channel beside it, with the clips whose files have two or more."""
    root.find(".//sequence").set("explodedTracks", "true")
    audio = root.find(".//sequence/media/audio")
    sounds = [timeline.tracks().get(name, []) for name in ("A", "A2")]
    for left, segments in zip(audio.findall("track"), sounds, strict=False):
        right = ElementTree.Element("track")
        audio.insert(list(audio).index(left) + 1, right)
        for clip, segment in zip(left.findall("clipitem"), segments, strict=True):
            stereo = segment.source.channels != 1
            clip.set("premiereChannelType", "stereo" if stereo else "mono")
            if stereo:
                other = copy.deepcopy(clip)
                other.set("id", f"clipitem-{int(clip.get('id').rpartition('-')[2]) + 1}")
                other.find("sourcetrack/trackindex").text = "2"
                file = other.find("file")
                file[:] = []  # what it is stands in the first
                right.append(other)
        for index, track in enumerate((left, right)):
            track.attrib |= {"currentExplodedTrackIndex": str(index), "totalExplodedTrackCount": "2"}
            track.set("premiereTrackType", "Stereo")
            ElementTree.SubElement(track, "outputchannelindex").text = str(index + 1)


def _link(root: Any) -> None:
    """Tie the picture and the sound of each event together, so that editors move them as one."""
    groups: dict[int, list[tuple[Any, list[str]]]] = {}
    for kind in ("video", "audio"):
        for place, track in enumerate(root.findall(f".//sequence/media/{kind}/track"), start=1):
            for index, clip in enumerate(track.findall("clipitem"), start=1):
                number = int(clip.get("id", "").rpartition("-")[2])
                groups.setdefault((number + 2) // 3, []).append((clip, [clip.get("id"), kind, str(place), str(index)]))
    for group in groups.values():
        for clip, _ in group if len(group) > 1 else []:
            for _, said in group:
                link = ElementTree.SubElement(clip, "link")
                for tag, value in zip(("linkclipref", "mediatype", "trackindex", "clipindex"), said, strict=True):
                    ElementTree.SubElement(link, tag).text = value


def _undress(cut: Any) -> None:
    """Put what the adapter made of elements where `from_otio` looks for it."""
    schema, opentime = opentimelineio().schema, opentimelineio().opentime
    own: dict[str, Any] = {}
    if cut.global_start_time:
        own["rate"] = _rate(cut.global_start_time.rate, cut, "timecode")
    pixels = [_said(cut, "media", "video", "format", "samplecharacteristics", side) for side in ("width", "height")]
    if all(pixels):
        own["size"] = [int(side) for side in pixels]
    cut.metadata[OWN] = own
    for track in cut.tracks:
        for clip in (item for item in track if isinstance(item, schema.Clip)):
            media = clip.media_reference
            if media and media.available_range:
                channels = _said(media, "media", "audio", "channelcount")
                rate = _rate(media.available_range.start_time.rate, media, "timecode")
                media.metadata[OWN] = {"rate": rate, "channels": int(channels or 2)}
            if reel := _said(media, "timecode", "reel", "name"):
                clip.metadata["cmx_3600"] = {"reel": reel}
            for effect in clip.effects:
                if _said(effect, "effectid") == TIME_REMAP:
                    speed, start = _played(effect, clip, media)
                    clip.source_range = opentime.TimeRange(start, clip.source_range.duration)
                    clip.effects.append(schema.LinearTimeWarp("Speed", speed))


def _played(effect: Any, clip: Any, media: Any) -> tuple[float, Any]:
    """Speed and first frame in the file of a clip with the filter Time Remap."""
    opentime = opentimelineio().opentime
    start = clip.source_range.start_time
    first = (
        media.available_range.start_time if media and media.available_range else opentime.RationalTime(0, start.rate)
    )
    played = (start - first).value_rescaled_to(start)
    parameters = {str(parameter.get("parameterid")): parameter for parameter in _said(effect, "parameter") or []}
    speed = float(Fraction(parameters["speed"]["value"]).limit_denominator(1_000_000) / 100)
    if parameters.get("variablespeed", {}).get("value", "0") != "0":
        raise UserError(f"the clip '{clip.name}' changes its speed; give each clip one")
    keyframes = parameters.get("graphdict", {}).get("keyframe", [])
    marked = [(float(key["when"]), float(key["value"])) for key in keyframes if "speedkfin" in key]
    when, value = marked[0] if marked else (0.0, 0.0)
    return speed, first + opentime.RationalTime(value + (played - when) * speed, start.rate)


def _said(item: Any, *path: str) -> Any:
    """What the adapter read of an element inside that of an object; None where there is none."""
    found: Any = item.metadata.get(FCP) if item else None
    for tag in path:
        found = found.get(tag) if hasattr(found, "get") else None
    return found


def _rate(fps: float, item: Any, *path: str) -> list[int | bool]:
    rate = rate_of(fps)
    return [rate.num, rate.den, _said(item, *path, "displayformat") == "DF"]
