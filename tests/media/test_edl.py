"""EDLs to the letter: columns and lines by hand, reel names, and EDLs as other tools write them."""

import re

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import edl, timeline
from rlfilm_lib.media.timeline import RATES, Event, Rate, Source, Timeline, frames

TIMECODE = r"\d\d:\d\d:\d\d[:;]\d\d"
COLUMNS = re.compile(
    rf"\d{{3}}  \w.{{7}} (V|A|A2) {{3,4}} (C {{7}}|D {{4}}\d{{3}}) {TIMECODE} {TIMECODE} {TIMECODE} {TIMECODE}"
)


def test_an_edl_by_hand():
    """Drop-frame time: the shots begin 100 and 50 frames into files that start at 10 and 11 o'clock."""
    rate = Rate.named("29.97df")
    anna = Source("/media/anna.mov", "A001", rate, frames("10:00:00;00", rate), 1000)
    bert = Source("/media/bert.mov", "INTERVIEW_BERT", rate, frames("11:00:00;00", rate), 1000)
    cut = Timeline("The talk", rate, (1920, 1080), [Event(anna, 100, 48), Event(bert, 50, 60, 0.5, 12, 8)])
    text, warnings = edl.to_text(cut)
    assert (
        text
        == """\
TITLE: The talk
FCM: DROP FRAME
001  A001     V     C        10:00:03;10 10:00:04;28 01:00:00;00 01:00:01;18
* FROM CLIP NAME: A001
* FROM FILE: /media/anna.mov
* TIMELINE: 29.97df 1920x1080
* MEDIA: 10:00:00;00 1000 30000/1001 2
002  A001     A     C        10:00:03;10 10:00:04;20 01:00:00;00 01:00:01;10
* FROM CLIP NAME: A001
* FROM FILE: /media/anna.mov
* MEDIA: 10:00:00;00 1000 30000/1001 2
003  INTERVIE A     C        11:00:01;16 11:00:02;20 01:00:01;10 01:00:03;18
M2   INTERVIE 015.0                11:00:01;16
* FROM CLIP NAME: INTERVIEW_BERT
* FROM FILE: /media/bert.mov
* MEDIA: 11:00:00;00 1000 30000/1001 2
004  A001     V     C        10:00:04;28 10:00:04;28 01:00:01;18 01:00:01;18
004  INTERVIE V     D    012 11:00:01;20 11:00:02;20 01:00:01;18 01:00:03;18
M2   INTERVIE 015.0                11:00:01;20
* FROM CLIP NAME: A001
* FROM FILE: /media/anna.mov
* TO CLIP NAME: INTERVIEW_BERT
* TO FILE: /media/bert.mov
* MEDIA: 11:00:00;00 1000 30000/1001 2
"""
    )
    assert warnings == [
        "event 2: the reel 'INTERVIEW_BERT' is called INTERVIE in the EDL; its name stands in a comment"
    ]


@pytest.mark.parametrize("rate", RATES)
def test_columns(talk, rate):
    """Events stand in columns and are numbered in order; a semicolon stands in drop-frame timecode, and only there."""
    text, _ = edl.to_text(talk(rate))
    lines = [line for line in text.splitlines() if line[0].isdigit()]
    assert all(COLUMNS.fullmatch(line) for line in lines)
    numbers = [int(line[:3]) for line in lines]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, numbers[-1] + 1))
    assert text.splitlines()[1] == ("FCM: DROP FRAME" if RATES[rate].drop else "FCM: NON-DROP FRAME")
    assert all((";" in line) == RATES[rate].drop for line in lines)


@pytest.mark.parametrize("rate", [rate for rate in RATES if not RATES[rate].drop])
def test_the_otio_adapter_reads_the_same(tmp_path, talk, rate):
    """Another reader, which cannot read a speed in drop-frame time: starts, lengths and record places of all tracks."""
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_cmx3600_adapter")
    cut, path = talk(rate), tmp_path / "cut.edl"
    timeline.write(cut, path)
    read = otio.adapters.read_from_file(str(path), rate=cut.rate.nominal)
    assert read.name == cut.name
    for track, segments in zip(read.tracks, cut.tracks().values(), strict=True):
        found = [
            (clip.name, *(round(time.value) for time in (clip.source_range.start_time, clip.source_range.duration)))
            for clip in track
            if isinstance(clip, otio.schema.Clip)
        ]
        assert found == [(s.source.reel, s.source.start_frame + round(s.start), s.frames) for s in segments]
        records = [round(track.range_of_child(clip).start_time.value) for clip in track.find_clips()]
        assert records == [segment.record for segment in segments]
        speeds = [clip.effects[0].time_scalar if clip.effects else 1 for clip in track.find_clips()]
        assert speeds == [segment.speed for segment in segments]
        lengths = [int(item.out_offset.value) for item in track if isinstance(item, otio.schema.Transition)]
        assert lengths == [segment.transition for segment in segments if segment.transition]


def test_short_reels_are_unlike_each_other_and_whatever_else_a_reel_name_means():
    reels = ["TAKE_0001", "TAKE_0002", "TAKE_0003", "TAKE_000", "take_000", "BL", "ax", "a b", "ä", ""]
    short = edl.short_reels(reels)
    assert short["TAKE_000"] == "TAKE_000"
    assert short["BL"] == "BL2"
    assert short["ax"] == "ax2"
    assert short["a b"] == "a_b"
    assert short["ä"] == "_"
    assert short[""] == "REEL"
    names = [name.upper() for name in short.values()]
    assert len(set(names)) == len(reels)
    assert all(re.fullmatch(r"\w{1,8}", name, re.ASCII) for name in names)


def test_a_hundred_alike():
    short = edl.short_reels(f"INTERVIEW_{number:03}" for number in range(100))
    assert len(set(short.values())) == 100
    assert {len(name) for name in short.values()} == {8}


def test_long_edls_are_written_with_a_warning(tmp_path):
    rate = Rate(25)
    source = Source("/media/a.mov", "A001", rate, 0, 5000)
    cut = Timeline("long", rate, (640, 480), [Event(source, 4 * index, 4) for index in range(600)])
    warnings = timeline.write(cut, tmp_path / "cut.edl")
    assert warnings == ["the EDL has 1200 events, and many tools read 999; split the cut in reels"]
    assert timeline.read(tmp_path / "cut.edl") == cut


def test_dissolves_too_long_for_three_digits(tmp_path):
    rate = Rate(60)
    source = Source("/media/a.mov", "A001", rate, 0, 5000)
    cut = Timeline("slow", rate, (640, 480), [Event(source, 0, 1000), Event(source, 0, 1000, transition=1000)])
    with pytest.raises(UserError, match="event 2 dissolves in over 1000 frames; an EDL holds 999"):
        timeline.write(cut, tmp_path / "cut.edl")


OTHERS = """\
TITLE:   REEL_1
FCM: NON-DROP FRAME

001  TAPE_1   B     C        01:00:10:00 01:00:12:00 00:59:58:00 01:00:00:00
* FROM CLIP NAME:  Scene 4 take 2
FINAL CUT PRO REEL: TAPE_1 REPLACED BY: TAPE_1
002  TAPE_1   AA/V  C        01:00:12:00 01:00:12:00 01:00:00:00 01:00:00:00
002  TAPE_2   AA/V  D    010 02:30:00:00 02:30:04:00 01:00:00:00 01:00:02:00
M2   TAPE_2          050.0                02:30:00:00
>>> SOURCE TAPE_2
003  BARS     V     C        00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00
"""


def test_an_edl_of_other_tools(tmp_path):
    """By hand, at 25: the files are taken to hold what is used of them, with 10 frames more for the dissolve."""
    path = tmp_path / "other.edl"
    path.write_text(OTHERS)
    cut = timeline.read(path, Rate(25))
    assert (cut.name, cut.record_start, cut.rate, cut.music) == ("REEL_1", "00:59:58:00", Rate(25), None)
    one = Source("TAPE_1", "TAPE_1", Rate(25), 90250, 60)
    two = Source("TAPE_2", "TAPE_2", Rate(25), 225000, 100)
    bars = Source("BARS", "BARS", Rate(25), 0, 25, has_audio=False)
    assert cut.events == (Event(one, 0, 50), Event(two, 0, 50, speed=2.0, transition=10), Event(bars, 0, 25))


def test_the_rate_of_an_edl_of_other_tools(tmp_path):
    path = tmp_path / "other.edl"
    path.write_text(OTHERS)
    with pytest.raises(UserError, match="an EDL does not say its rate; give it one, as rate="):
        timeline.read(path)
    path.write_text(OTHERS.replace("NON-DROP FRAME", "DROP FRAME"))
    assert timeline.read(path, Rate.named("29.97")).rate == Rate.named("29.97df")
    with pytest.raises(UserError, match="has no drop-frame timecode"):
        timeline.read(path, Rate(25))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("D    010", "W001 010", "line 8, '002  TAPE_2   AA/V  W001 010 02:30:00:00', is no cut or dissolve"),
        ("001  TAPE_1   B ", "001  TAPE_1   A7", "line 4, .* is no cut or dissolve of V, A, A2, B"),
        ("01:00:00:00\n* FROM", "00:59:57:00\n* FROM", "ends before it begins; mend its timecodes"),
        ("01:00:12:00 00:59:58:00", "01:00:10:00 00:59:58:00", "ends before it begins"),
        ("01:00:02:00 01:00:03:00", "01:00:02:10 01:00:03:10", "its picture has a gap or a layer at frame 100"),
        ("01:00:10:00", "01:00:10:25", "there is no timecode '01:00:10:25' at 25"),
        (OTHERS, "TITLE: nothing\n", "it holds no events"),
        ("003  BARS     V ", "003  BARS     A2", "its music is cut or begins later"),
        (">>> SOURCE", "* MEDIA: 01:00 x y 2\n>>> SOURCE", "its comment 'MEDIA: 01:00 x y 2' is damaged"),
    ],
)
def test_what_a_timeline_cannot_hold(tmp_path, old, new, message):
    path = tmp_path / "other.edl"
    assert old in OTHERS
    path.write_text(OTHERS.replace(old, new))
    with pytest.raises(UserError, match=message) as error:
        timeline.read(path, Rate(25))
    assert "\n" not in str(error.value)


def test_a_damaged_comment(tmp_path, talk):
    path = tmp_path / "cut.edl"
    for stated in ("24 1920", "24 1920x", "23 640x480", ""):
        timeline.write(talk("24"), path)
        path.write_text(path.read_text().replace("TIMELINE: 24 1920x1080", f"TIMELINE: {stated}"))
        with pytest.raises(UserError, match="cannot read"):
            timeline.read(path)
