"""The cut as data: timecode against counting, layout by hand, what cannot be, and the table of what files carry."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import rlfilm_lib
from rlfilm_lib.errors import UserError
from rlfilm_lib.media import timeline
from rlfilm_lib.media.timeline import RATES, SUFFIXES, Event, Rate, Segment, Source, Timeline, frames, join, timecode

R24 = Rate.named("24")
ANNA = Source("/media/anna.mov", "A001", R24, 864000, 1000)
BERT = Source("/media/bert.mov", "B001", R24, 0, 1000)


def cut(*events: Event, **changes) -> Timeline:
    return Timeline(**{"name": "cut", "rate": R24, "size": (1920, 1080), "events": events, **changes})


# Timecode


@pytest.mark.parametrize("name", RATES)
def test_timecode_counts_labels(name):
    """Every label of the first eleven minutes, in order, without those that drop-frame timecode leaves out."""
    rate, frame = RATES[name], 0
    separator = ";" if rate.drop else ":"
    for second in range(660):
        for part in range(rate.nominal):
            if rate.drop and second % 60 == 0 and second // 60 % 10 and part < {30: 2, 60: 4}[rate.nominal]:
                continue
            label = f"00:{second // 60:02}:{second % 60:02}{separator}{part:02}"
            assert timecode(frame, rate) == label
            assert frames(label, rate) == frame
            frame += 1


@pytest.mark.parametrize(
    ("name", "label", "frame"),
    [
        ("29.97df", "00:00:59;29", 1799), ("29.97df", "00:01:00;02", 1800), ("29.97df", "00:10:00;00", 17982),
        ("29.97df", "01:00:00;00", 107892), ("29.97df", "23:59:59;29", 2589407), ("59.94df", "00:01:00;04", 3600),
        ("59.94df", "01:00:00;00", 215784), ("29.97", "01:00:00:00", 108000), ("23.976", "01:00:00:00", 86400),
        ("25", "10:00:00:24", 900024), ("50", "01:00:00:00", 180000), ("59.94", "01:00:00:00", 216000),
    ],
)  # fmt: skip
def test_known_timecodes(name, label, frame):
    assert timecode(frame, RATES[name]) == label
    assert frames(label, RATES[name]) == frame


def test_drop_frame_timecode_keeps_to_the_clock():
    """After a day it is 2.6 frames off, where counting all frames would be 86 seconds off."""
    rate = RATES["29.97df"]
    assert abs(frames("23:59:59;29", rate) + 1 - 86400 * rate.fps) < 2.6


@pytest.mark.parametrize("label", ["00:01:00;00", "00:01:00;01", "00:00:00;30", "24:00:00;00", "00:60:00;00"])
def test_timecodes_that_do_not_exist(label):
    with pytest.raises(UserError, match=f"no timecode '{label}' at 29.97df"):
        frames(label, RATES["29.97df"])


@pytest.mark.parametrize("label", ["", "1:00:00:00", "01:00:00", "01:00:00:0x", "01:00:00:00:00"])
def test_what_is_no_timecode(label):
    with pytest.raises(UserError, match="is no timecode; write it as 01:00:00:00"):
        frames(label, R24)


def test_events_take_numbers_of_other_libraries():
    """Whole numbers of NumPy become numbers; half a frame does not; a speed in float32 is what it was meant to be."""
    event = Event(ANNA, np.int64(3), np.int32(48), np.float32(1.1), audio_lead=np.int8(-2))
    assert event == Event(ANNA, 3, 48, 1.1, audio_lead=-2)
    assert {type(event.start), type(event.frames), type(event.audio_lead)} == {int}
    with pytest.raises(TypeError):
        Event(ANNA, 3, 48.5)


def test_rates():
    assert [rate.name for rate in RATES.values()] == list(RATES)
    assert Rate(12, 1).name == "12"
    assert (Rate.nearest(29.97), Rate.nearest(24.2), Rate.nearest(Fraction(24000, 1001))) == (
        RATES["29.97"],
        R24,
        RATES["23.976"],
    )
    with pytest.raises(UserError, match="unknown rate '29.98'; did you mean '29.97'"):
        Rate.named("29.98")
    for wrong in (lambda: Rate(0), lambda: Rate(24, 0), lambda: Rate.nearest(0), lambda: Rate.nearest(float("inf"))):
        with pytest.raises(UserError, match="out of range"):
            wrong()
    with pytest.raises(UserError, match="24/1 frames per second has no drop-frame timecode"):
        Rate(24, drop=True)


# Layout


def test_split_edits_by_hand():
    """The picture changes at 48 and 108, the sound at 40 (a J cut of 8 frames) and at 113 (an L cut of 5)."""
    edit = cut(Event(ANNA, 100, 48), Event(BERT, 50, 60, audio_lead=8), Event(ANNA, 300, 40, audio_lead=-5))
    assert [(s.record, s.start, s.end) for s in edit.picture()] == [(0, 100, 48), (48, 50, 108), (108, 300, 148)]
    assert [(s.record, s.start, s.end) for s in edit.sound()] == [(0, 100, 40), (40, 42, 113), (113, 305, 148)]


def test_speed_carries_the_sound_with_it():
    """At double speed the sound that leads by 6 frames begins 12 frames earlier in its file."""
    edit = cut(Event(ANNA, 0, 48), Event(BERT, 50, 60, speed=2.0, audio_lead=6))
    assert [(s.record, s.start, s.frames, s.speed) for s in edit.sound()] == [(0, 0, 42, 1), (42, 38, 66, 2)]


def test_tracks_leave_out_what_is_silent():
    mute = replace(ANNA, has_audio=False)
    song = Source("/media/song.wav", "SONG", R24, 0, 30)
    assert list(cut(Event(mute, 0, 48)).tracks()) == ["V"]
    tracks = cut(Event(ANNA, 0, 48), Event(mute, 0, 10), music=song).tracks()
    assert {name: [(s.record, s.frames) for s in track] for name, track in tracks.items()} == {
        "V": [(0, 48), (48, 10)],
        "A": [(0, 48)],
        "A2": [(0, 30)],
    }


@pytest.mark.parametrize("name", RATES)
def test_joining_undoes_the_layout(talk, name):
    edit = talk(name)
    assert join(edit.picture(), edit.sound()) == list(edit.events)


def test_join_refuses_what_is_no_timeline():
    shot = Segment(1, ANNA, 0, Fraction(100), 48)
    late = Segment(2, BERT, 50, Fraction(0), 48)
    with pytest.raises(UserError, match="gap or a layer at frame 48"):
        join([shot, late], [])
    after = replace(late, record=48)
    with pytest.raises(UserError, match="its sound has a gap or a layer at frame 40"):
        join([shot, after], [replace(shot, frames=40), after])
    with pytest.raises(UserError, match="its sound at frame 0 belongs to no picture"):
        join([shot], [replace(shot, start=Fraction(90))])
    with pytest.raises(UserError, match="its music is cut or begins later"):
        timeline.music([replace(shot, record=5)])


# What cannot be


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "has no events"),
        ([Event(ANNA, -1, 48)], "event 1 has start -1; give 0 or more"),
        ([Event(ANNA, 0, 0)], "event 1 has frames 0; give 1 or more"),
        ([Event(ANNA, 0, -5)], "event 1 has frames -5; give 1 or more"),
        ([Event(ANNA, 0, 9), Event(BERT, 0, 48, transition=-1)], "event 2 has transition -1"),
        ([Event(ANNA, 0, 48, speed=0.0)], "event 1 has speed 0.0; give one from 0.001 to 100"),
        ([Event(ANNA, 0, 48, speed=float("nan"))], "event 1 has speed nan"),
        ([Event(ANNA, 0, 48, transition=4)], "event 1 has no event before it"),
        ([Event(ANNA, 0, 48, audio_lead=-4)], "event 1 has no event before it"),
        ([Event(ANNA, 960, 48)], "event 1 needs frames 960 to 1008 of 'A001'; the file has 0 to 1000"),
        ([Event(ANNA, 0, 600, speed=2.0)], "event 1 needs frames 0 to 1200 of 'A001'"),
        ([Event(ANNA, 0, 9), Event(BERT, 0, 8, transition=9)], "event 2 dissolves in over 9 of 8 frames"),
        (
            [Event(ANNA, 940, 48), Event(BERT, 0, 48, transition=13)],
            "event 1 needs frames 940 to 1001 of 'A001' for a dissolve of 13 frames after it; the file has 0 to 1000",
        ),
        (
            [Event(ANNA, 0, 48), Event(BERT, 5, 48, audio_lead=6)],
            "event 2 needs frames -1 to 53 of 'B001' for its sound",
        ),
        ([Event(ANNA, 0, 48), Event(BERT, 99, 48, audio_lead=48)], "event 1 has no sound left"),
        (
            [Event(replace(ANNA, has_audio=False), 0, 9), Event(replace(BERT, has_audio=False), 0, 9, audio_lead=2)],
            "event 2 has audio_lead 2, but there is no sound; set it to 0",
        ),
    ],
)
def test_events_that_cannot_be(events, message):
    with pytest.raises(UserError, match=re.escape(message)):
        cut(*events)


def test_handles_count_at_the_rate_of_the_timeline():
    """A file of 2 s at 50 has 48 frames at 24: a dissolve of 8 needs the shot to end by frame 40."""
    fast = Source("/media/fast.mov", "F001", Rate.named("50"), 0, 100)
    cut(Event(fast, 0, 40), Event(BERT, 0, 48, transition=8))
    with pytest.raises(UserError, match="event 1 needs frames 1 to 49"):
        cut(Event(fast, 1, 40), Event(BERT, 0, 48, transition=8))


def test_timelines_that_cannot_be():
    with pytest.raises(UserError, match="a picture of 0x1080"):
        cut(Event(ANNA, 0, 48), size=(0, 1080))
    with pytest.raises(UserError, match="no timecode '01:00:00:24' at 24"):
        cut(Event(ANNA, 0, 48), record_start="01:00:00:24")
    with pytest.raises(UserError, match="is outside 00:00:00:00 to 24:00:00:00; start earlier"):
        cut(Event(ANNA, 0, 48), record_start="23:59:59:00")


# Files that cannot be


@pytest.mark.parametrize("name", ["cut.mov", "cut", "cut.aaf"])
def test_unknown_suffixes(tmp_path, name):
    for act in (lambda path: timeline.write(cut(Event(ANNA, 0, 48)), path), timeline.read):
        with pytest.raises(UserError, match=f"'{name}' is not named as a timeline; end the name in .otio, .edl, .xml"):
            act(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_not_there_or_cannot_be_written(tmp_path, suffix):
    pytest.importorskip("opentimelineio")
    with pytest.raises(UserError, match="there is no file"):
        timeline.read(tmp_path / f"none{suffix}")
    with pytest.raises(UserError, match="cannot write"):
        timeline.write(cut(Event(ANNA, 0, 48)), tmp_path / "no folder" / f"cut{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        timeline.write(cut(Event(ANNA, 0, 48)), tmp_path / f"folder{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files(tmp_path, talk, suffix):
    """Nonsense, files cut short at every tenth, and other text: one line that names the file, never a traceback."""
    pytest.importorskip("opentimelineio")
    path = tmp_path / f"cut{suffix}"
    timeline.write(talk("24"), path)
    whole = path.read_bytes()
    texts = [
        b"",
        b"\xff\xfe\x00",
        b"TITLE: x",
        b"{}",
        b"[1]",
        b"<a/>",
        b'{"OTIO_SCHEMA": "Clip.2"}',
        b"<fcpxml/>",
        b"<xmeml/>",
    ]
    for text in texts + [whole[: len(whole) * tenth // 10] for tenth in range(1, 10)]:
        path.write_bytes(text)
        if suffix == ".edl" and len(text) > 100:  # an EDL that is cut short between two lines is a shorter one
            text = text[: text.rindex(b"\n0")] + b"\n007  A001     V     C   10:"
            path.write_bytes(text)
        with pytest.raises(UserError, match="cannot read") as error:
            timeline.read(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


# The table of what each kind of file carries


def table(text: str) -> dict[str, dict[str, str]]:
    """{what: {suffix: cell}} of the table in a text."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    head = next(index for index, row in enumerate(rows) if row[0] == "carried")
    return {row[0]: dict(zip(rows[head][1:], row[1:], strict=True)) for row in rows[head + 2 :]}


def ranges(edit):
    """Source ranges by timecode, in frames of the timeline, and record ranges."""
    return [
        (round(s.source.start_frame * edit.rate.fps / s.source.rate.fps + s.start), s.record, s.frames)
        for s in edit.picture()
    ]


def one(source: Source = ANNA, rate: Rate = R24, **changes) -> Timeline:
    """A cut of two shots, the second of them of another source."""
    return cut(Event(ANNA if rate == R24 else source, 10, 48), Event(source, 100, 48), rate=rate, **changes)


def sped(speed: float) -> Timeline:
    return cut(Event(BERT, 10, 48), Event(ANNA, 100, 48, speed=speed))


DROP = Rate.named("29.97df")
DROPPED = Source("/media/drop.mov", "D001", DROP, frames("01:00:00;00", DROP), 1000)
NONDROP = Source("/media/nondrop.mov", "N001", Rate.named("29.97"), 0, 1000)
EXAMPLES = {
    "name": (one(name="A cut"), lambda edit: edit.name),
    "rate": (one(), lambda edit: edit.rate.fps),
    "drop-frame timecode": (one(DROPPED, DROP), lambda edit: edit.rate.drop),
    "timecode of the first frame": (one(record_start="09:59:50:12"), lambda edit: edit.record_start),
    "picture size": (one(size=(1234, 568)), lambda edit: edit.size),
    "source and record ranges": (one(), ranges),
    "dissolves": (
        cut(Event(ANNA, 10, 48), Event(BERT, 100, 48, transition=9)),
        lambda edit: [event.transition for event in edit.events],
    ),
    "J and L cuts": (
        cut(Event(ANNA, 10, 48), Event(BERT, 100, 48, audio_lead=9), Event(ANNA, 200, 48, audio_lead=-9)),
        lambda edit: [event.audio_lead for event in edit.events],
    ),
    "music": (
        one(music=Source("/media/song.wav", "SONG", R24, 0, 900)),
        lambda edit: [(s.source.reel, s.record, s.frames) for s in edit.tracks().get("A2", [])],
    ),
    "speed, a multiple of 0.1 frames per second": (sped(1.25), lambda edit: edit.events[1].speed),
    "speed, any other": (sped(1.3337), lambda edit: edit.events[1].speed),
    "reel names of up to 8 letters, digits, underscores": (
        one(replace(ANNA, reel="A_001bcd", path="/media/x.mov")),
        lambda edit: edit.events[1].source.reel,
    ),
    "reel names, any other": (
        one(replace(ANNA, reel="A001 C003 first take", path="/media/x.mov")),
        lambda edit: edit.events[1].source.reel,
    ),
    "paths of the files": (one(), lambda edit: edit.events[1].source.path),
    "length and first timecode of the files": (
        one(),
        lambda edit: (edit.events[1].source.start_frame, edit.events[1].source.frames),
    ),
    "channels of the sound of a file": (
        one(replace(ANNA, path="/media/mono.mov", channels=1)),
        lambda edit: edit.events[1].source.channels,
    ),
    "rate of a file, another named one": (
        one(Source("/media/pal.mov", "P001", Rate(25), 900000, 500)),
        lambda edit: edit.events[1].source.rate.fps,
    ),
    "rate of a file, any other": (
        one(Source("/media/phone.mov", "P002", Rate(25, 2), 0, 500)),
        lambda edit: edit.events[1].source.rate.fps,
    ),
    "drop-frame timecode of a file, in a cut without": (
        cut(Event(NONDROP, 10, 48), Event(DROPPED, 10, 48), rate=NONDROP.rate),
        lambda edit: edit.events[1].source.rate.drop,
    ),
}


def without_asides(path: Path) -> None:
    """Take out what other tools do not look at: the comments of an EDL, our metadata of an .otio file."""
    text = path.read_text()
    if path.suffix == ".edl":
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("*"))
    path.write_text(text.replace('"rlfilm"', '"another"'))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("what", EXAMPLES)
def test_the_table_is_true(tmp_path, what, suffix):
    pytest.importorskip("opentimelineio")
    edit, probe = EXAMPLES[what]
    cell = table(timeline.__doc__)[what][suffix]
    path = tmp_path / f"cut{suffix}"
    warnings = timeline.write(edit, path)
    assert (probe(timeline.read(path)) == probe(edit)) == (cell != "no")
    assert [bool(re.match(r"event 2: ", line)) for line in warnings] == [True] * (cell in ("no", "aside, warned"))
    if cell != "no":
        without_asides(path)
        try:
            kept = probe(timeline.read(path, None if what == "rate" else replace(edit.rate, drop=False))) == probe(edit)
        except UserError:
            kept = False  # an EDL without its rate
        assert kept == (cell == "yes")


def test_the_table_is_whole():
    """The same in the documentation of the module and of the course, with an example for each row."""
    rows = table(timeline.__doc__)
    assert list(rows) == list(EXAMPLES)
    assert all(list(row) == list(SUFFIXES) for row in rows.values())
    page = Path(rlfilm_lib.__file__).parents[1] / "course" / "timeline_formats.md"
    if page.exists():
        assert table(page.read_text()) == rows
