"""Timeline files at every rate: read back whole, right frame by frame, in the form that other tools expect.

The frames are worked out by readings of the files that share no code with the library.
"""

import re
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import timeline
from rlfilm_lib.media.timeline import RATES, SUFFIXES, Event, Rate, Source, Timeline, frames, timecode

pytest.importorskip("opentimelineio")
EACH_RATE = pytest.mark.parametrize("rate", RATES)
EACH_KIND = pytest.mark.parametrize("suffix", SUFFIXES)
TIMECODE = r"\d\d:\d\d:\d\d[:;]\d\d"


# What plays at each frame: {(layer, frame): [(reel, frame of the file by timecode)]}, two of them inside a dissolve


class Played(dict):
    def add(self, layer, reel, span, origin, first, speed):
        """A stretch that shows frame `first` of its file at frame `origin` of the timeline, seen over `span`."""
        for frame in range(*span):
            self.setdefault((layer, frame), []).append((reel, float(first + (frame - origin) * speed)))

    def close_to(self, other, error):
        assert self.keys() == other.keys()
        for place, shown in self.items():
            for (reel, frame), (other_reel, other_frame) in zip(sorted(shown), sorted(other[place]), strict=True):
                assert reel == other_reel, place
                assert abs(frame - other_frame) <= error, place
        return True


def expected(cut: Timeline) -> Played:
    """By the definition of an event, one after the other."""
    played, record = Played(), 0
    for index, event in enumerate(cut.events):
        after = cut.events[index + 1] if index + 1 < len(cut.events) else None
        first, end = event.source.start_frame + event.start, record + event.frames
        span = record, end + (after.transition if after else 0)
        played.add("V", event.source.reel, span, record, first, event.speed)
        if event.source.has_audio:
            span = record - event.audio_lead, end - (after.audio_lead if after else 0)
            played.add("A", event.source.reel, span, record, first, event.speed)
        record = end
    if cut.music:
        played.add("A2", cut.music.reel, (0, record), 0, cut.music.start_frame, 1)
    return played


def edl_played(text: str, cut: Timeline) -> Played:
    """A dissolve begins where its event does; what it comes from plays on."""
    played, reels, last = Played(), {}, None
    for line in re.findall(r"^\d.*\n(?:\D.*\n)*", text, re.MULTILINE):
        number, reel, layer, kind, *rest = line.splitlines()[0].split()
        length, times = (int(rest[0]), rest[1:]) if kind == "D" else (0, rest)
        first, last_frame, start, end = (frames(time, cut.rate) for time in times)
        motion = re.search(r"^M2\s+\S+\s+([\d.]+)", line, re.MULTILINE)
        speed = float(motion[1]) / cut.rate.nominal if motion else 1.0
        assert abs((last_frame - first) - (end - start) * speed) <= 0.5
        name = re.search(rf"^\* {'TO' if kind == 'D' else 'FROM'} CLIP NAME: (.*)$", line, re.MULTILINE)
        if start == end:
            assert number and layer == "V"
            continue
        reels[reel] = name[1]
        origin = start - frames("01:00:00:00", cut.rate)
        if kind == "D":
            played.add("V", last[0], (origin, origin + length), *last[1:])
        played.add(layer, name[1], (origin, origin + end - start), origin, first, speed)
        if layer == "V":
            last = name[1], origin, first, speed
    assert len(set(reels.values())) == len(reels)
    return played


def otio_played(text: str, cut: Timeline) -> Played:
    """With the library's own ranges; source ranges there are already those of the file."""
    import opentimelineio as otio

    read = otio.adapters.read_from_string(text, "otio_json")
    assert read.global_start_time.value == frames("01:00:00:00", cut.rate)
    played = Played()
    for track in read.tracks:
        for index, clip in enumerate(track):
            if isinstance(clip, otio.schema.Clip):
                around = track[index - 1] if index else None, track[index + 1] if index + 1 < len(track) else None
                head, tail = (item if isinstance(item, otio.schema.Transition) else None for item in around)
                place = clip.trimmed_range_in_parent()
                start, end = int(place.start_time.value), int(place.end_time_exclusive().value)
                span = start - int(head.in_offset.value if head else 0), end + int(tail.out_offset.value if tail else 0)
                speed = clip.effects[0].time_scalar if clip.effects else 1.0
                assert place.start_time.rate == float(cut.rate.fps)
                played.add(track.name, clip.name, span, start, clip.source_range.start_time.value, speed)
    return played


def xml_played(text: str, cut: Timeline) -> Played:
    """By Apple's description: a clip that meets a transition has start or end -1, and its in or out include it."""
    root, played = ElementTree.fromstring(text), Played()
    sequence = root.find(".//sequence")
    assert sequence.findtext("timecode/frame") == str(frames("01:00:00:00", cut.rate))
    assert sequence.findtext("timecode/string") == timecode(frames("01:00:00:00", cut.rate), cut.rate)
    assert sequence.findtext("timecode/displayformat") == ("DF" if cut.rate.drop else "NDF")
    for rate in root.iter("rate"):
        assert rate.findtext("timebase") == str(cut.rate.nominal)
        assert rate.findtext("ntsc") == ("FALSE" if cut.rate.den == 1 else "TRUE")
    files = {file.get("id"): file for file in root.iter("file") if len(file)}
    tracks = [("V", sequence.find("media/video/track"))]
    tracks += zip(("A", "A2"), sequence.findall("media/audio/track[@currentExplodedTrackIndex='0']"), strict=True)
    for layer, track in tracks:
        items = [item for item in track if item.tag in ("clipitem", "transitionitem")]
        for index, clip in enumerate(items):
            if clip.tag == "transitionitem":
                assert clip.findtext("alignment") == "center"
                continue
            start, end, first, last = (int(clip.findtext(tag)) for tag in ("start", "end", "in", "out"))
            start = int(items[index - 1].findtext("start")) if start < 0 else start
            end = int(items[index + 1].findtext("end")) if end < 0 else end
            assert last - first == end - start
            speed = 1.0
            if clip.find("filter") is not None:
                said = {item.findtext("parameterid"): item for item in clip.iter("parameter")}
                speed = float(said["speed"].findtext("value")) / 100
                key = next(key for key in said["graphdict"].iter("keyframe") if key.find("speedkfin") is not None)
                when, value = float(key.findtext("when")), float(key.findtext("value"))
                assert abs(first * speed - (value + (first - when) * speed)) < speed  # as near as the speed alone goes
                first = value + (first - when) * speed
            file = files[clip.find("file").get("id")]
            first += int(file.findtext("timecode/frame"))
            assert file.findtext("pathurl").startswith("file://localhost/media/")
            played.add(layer, file.findtext("timecode/reel/name"), (start, end), start, first, speed)
    return played


def fcpxml_played(text: str, cut: Timeline) -> Played:
    """By Apple's reference; offsets on the spine follow each other, and every time falls on a frame."""
    root, played = ElementTree.fromstring(text), Played()
    resources = {item.get("id"): item for item in root.find("resources")}
    for item in root.iter():
        for name in ("ref", "format"):
            assert item.get(name) is None or item.get(name) in resources
        for name in ("offset", "start", "duration", "tcStart", "audioStart", "audioDuration", "frameDuration", "time"):
            assert on_frame(item.get(name, "0s"), cut.rate) is not None, (item.tag, item.attrib)
    sequence = root.find("library/event/project/sequence")
    here = begin = frames("01:00:00:00", cut.rate)
    assert on_frame(sequence.get("tcStart"), cut.rate) == begin
    assert sequence.get("tcFormat") == ("DF" if cut.rate.drop else "NDF")
    spine = list(sequence.find("spine"))
    for index, clip in enumerate(spine):
        if clip.tag == "transition":
            continue
        offset, start, length = (on_frame(clip.get(name), cut.rate) for name in ("offset", "start", "duration"))
        assert offset == here
        here += length
        around = spine[index - 1] if index else None, spine[index + 1] if index + 1 < len(spine) else None
        head, tail = (item if item is not None and item.tag == "transition" else None for item in around)
        span = offset, offset + length
        if head is not None:
            span = on_frame(head.get("offset"), cut.rate), span[1]
        if tail is not None:
            span = span[0], on_frame(tail.get("offset"), cut.rate) + on_frame(tail.get("duration"), cut.rate)
        speed, first, asset = Fraction(1), Fraction(start), resources[clip.get("ref")]
        if clip.find("timeMap") is not None:
            (t0, v0), (t1, v1) = ([Fraction(p.get(k)[:-1]) for k in ("time", "value")] for p in clip.find("timeMap"))
            speed = (v1 - v0) / (t1 - t0)
            first = (v0 + (start / cut.rate.fps - t0) * speed) * cut.rate.fps
            ends = Fraction(asset.get("start")[:-1]), Fraction(asset.get("duration")[:-1])
            assert ends[0] <= v0 and v1 <= sum(ends)
        reel = asset.find("metadata/md").get("value")
        moved = tuple(frame - begin for frame in span)
        played.add("V", reel, moved, offset - begin, first, speed)
        if asset.get("hasAudio") == "1":
            voice = on_frame(clip.get("audioStart", clip.get("start")), cut.rate) - start + offset - begin
            span = voice, voice + on_frame(clip.get("audioDuration", clip.get("duration")), cut.rate)
            played.add("A", reel, span, offset - begin, first, speed)
        for song in clip.iter("asset-clip"):
            if song is not clip:
                at = on_frame(song.get("offset"), cut.rate) - start + offset - begin
                first, length = (on_frame(song.get(name), cut.rate) for name in ("start", "duration"))
                reel = resources[song.get("ref")].find("metadata/md").get("value")
                played.add("A2", reel, (at, at + length), at, first, 1)
    assert here - begin == on_frame(sequence.get("duration"), cut.rate) == cut.frames
    return played


def on_frame(time: str, rate: Rate) -> int | None:
    """Frames of a time such as 48048/24000s, which must be whole."""
    frame = Fraction(time.removesuffix("s")) * rate.num / rate.den
    return int(frame) if frame.denominator == 1 else None


READINGS = {".otio": otio_played, ".edl": edl_played, ".xml": xml_played, ".fcpxml": fcpxml_played}


@EACH_KIND
@EACH_RATE
def test_frame_by_frame(tmp_path, talk, rate, suffix):
    """Exact but for sped sound in an EDL, where it is rounded to a frame, and decimals."""
    cut = talk(rate)
    timeline.write(cut, tmp_path / f"cut{suffix}")
    text = (tmp_path / f"cut{suffix}").read_text()
    assert READINGS[suffix](text, cut).close_to(expected(cut), 0.5 if suffix == ".edl" else 1e-6)


@EACH_KIND
@EACH_RATE
def test_everything_comes_back(tmp_path, talk, rate, suffix):
    cut = talk(rate)
    warnings = timeline.write(cut, tmp_path / f"cut{suffix}")
    back = timeline.read(tmp_path / f"cut{suffix}")
    if suffix == ".edl" and rate == "25":  # 37.5 frames per second is said exactly
        assert back.events[4].speed == 1.5
    assert back == cut
    assert timecode(back.record_frame, back.rate) == ("01:00:00;00" if cut.rate.drop else "01:00:00:00")
    assert len(warnings) == (2 if suffix == ".edl" else 0)  # two long reel names
    assert [path.name for path in tmp_path.iterdir()] == [f"cut{suffix}"]


@EACH_KIND
def test_from_one_kind_to_the_next(tmp_path, talk, suffix):
    """Written, read, written as each other kind, and still the same."""
    cut = talk("23.976")
    timeline.write(cut, tmp_path / f"first{suffix}")
    for other in SUFFIXES:
        timeline.write(timeline.read(tmp_path / f"first{suffix}"), tmp_path / f"second{other}")
        assert timeline.read(tmp_path / f"second{other}") == cut


@EACH_KIND
@pytest.mark.parametrize("transition", [1, 2, 3, 47, 48])
def test_dissolves_of_every_length(tmp_path, suffix, transition):
    """As long as one frame, and as the shot; the shot before ends where its file does."""
    rate = Rate(25)
    first = Source("/media/a.mov", "A001", rate, 0, 60 + transition)
    cut = Timeline("x", rate, (1280, 720), [Event(first, 12, 48), Event(first, 3, 48, transition=transition)])
    timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut


@EACH_KIND
@pytest.mark.parametrize("speed", [0.001, 0.01, 1 / 3, 0.5, 0.9997, 1.3337, 4.0, 100.0])
def test_speeds(tmp_path, suffix, speed):
    """All come back but in an EDL, which says tenths of frames per second, and warns."""
    rate = Rate(24)
    slow = Source("/media/a.mov", "A001", rate, 86400, 1300)
    cut = Timeline(
        "x", rate, (1280, 720), [Event(slow, 7, 10), Event(slow, 11, 12, speed=speed, audio_lead=2 if speed < 5 else 0)]
    )
    warnings = timeline.write(cut, tmp_path / f"cut{suffix}")
    back = timeline.read(tmp_path / f"cut{suffix}")
    if warnings:
        assert suffix == ".edl"
        assert warnings[0].startswith("event 2: its speed is ")
        assert back.events[1].speed == pytest.approx(speed, abs=0.5 / 12)
        cut = replace(cut, events=[cut.events[0], replace(cut.events[1], speed=back.events[1].speed)])
    assert back == cut


@EACH_KIND
def test_files_of_other_rates(tmp_path, suffix):
    """Two seconds into files of 50, 25 and 29.97 drop-frame, in a cut at 23.976: at their own rates, in their time."""
    rate = Rate.named("23.976")
    sources = [
        Source(f"/media/{name}.mov", f"R{index}", RATES[name], frames("01:00:00:00", RATES[name]), 3000)
        for index, name in enumerate(("50", "25", "29.97df", "23.976"))
    ]
    cut = Timeline("mixed", rate, (1280, 720), [Event(source, 48, 24) for source in sources])
    warnings = timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut
    assert [line.split(":")[0] for line in warnings] == (["event 1", "event 2", "event 3"] if suffix == ".edl" else [])


@EACH_KIND
@EACH_RATE
def test_files_that_run_past_midnight(tmp_path, rate, suffix):
    """A file of two minutes from about a minute before midnight on; one shot spans it, the next begins after it."""
    rate = RATES[rate]
    night = Source("/media/night.mov", "N001", rate, frames("23:59:00:04", rate), 120 * rate.nominal)
    minute = frames("23:59:59:00", rate) + rate.nominal - night.start_frame
    cut = Timeline("x", rate, (640, 480), [Event(night, minute - 10, 30), Event(night, minute + 50, 30)])
    timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut


@EACH_KIND
def test_a_cut_without_sound_but_music(tmp_path, suffix):
    rate = Rate(30)
    mute = Source("/media/mute.mov", "M001", rate, 0, 100, has_audio=False)
    song = Source("/media/song.wav", "SONG", rate, 0, 20)
    cut = Timeline("x", rate, (640, 480), [Event(mute, 0, 30), Event(mute, 50, 30, transition=4)], music=song)
    timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut


@EACH_KIND
def test_the_same_shot_twice(tmp_path, suffix):
    rate = Rate(25)
    shot = Event(Source("/media/a.mov", "A001", rate, 0, 100), 10, 30)
    cut = Timeline("x", rate, (640, 480), [shot, shot, shot])
    timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut


@EACH_KIND
def test_awkward_names(tmp_path, suffix):
    """Marks of XML, quotes, percent signs, spaces and other alphabets; a line break in a name becomes a space."""
    rate = Rate(25)
    source = Source('/media/50 % <cut> & "paste" #1 ナ.mov', 'ROLL <1> & "2"', rate, 0, 100)
    cut = Timeline("Día & noche <1>", rate, (640, 480), [Event(source, 10, 30)])
    timeline.write(cut, tmp_path / f"cut{suffix}")
    assert timeline.read(tmp_path / f"cut{suffix}") == cut


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path, talk, monkeypatch):
    path = tmp_path / "cut.edl"
    timeline.write(talk("24"), path)
    before = path.read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match="cannot write .*: No space left"):
        timeline.write(talk("25"), path)
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["cut.edl"]
