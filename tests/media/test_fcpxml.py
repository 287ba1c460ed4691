"""FCPXML: values by hand, the order of elements that its DTD asks for, and files of Final Cut Pro and Resolve."""

from xml.etree import ElementTree

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import fcpxml, timeline
from rlfilm_lib.media.timeline import RATES, Event, Rate, Source, Timeline, frames

# Of each element: its children in order (? at most one, + at least one, * any number), required and other attributes.
# The part of Apple's FCPXML 1.10 DTD that is written here.
DTD = {
    "fcpxml": ("resources library", "version", ""),
    "resources": ("format* asset* effect*", "", ""),
    "format": ("", "id", "name frameDuration width height colorSpace"),
    "asset": (
        "media-rep+ metadata?",
        "id",
        "name start duration hasVideo videoSources format hasAudio audioSources audioChannels audioRate",
    ),
    "media-rep": ("", "src", "kind"),
    "metadata": ("md*", "", ""),
    "md": ("", "key", "value"),
    "effect": ("", "id uid", "name"),
    "library": ("event*", "", "location"),
    "event": ("project*", "", "name"),
    "project": ("sequence", "", "name"),
    "sequence": ("spine", "format", "duration tcStart tcFormat audioLayout audioRate"),
    "spine": ("asset-clip* transition*", "", ""),
    "asset-clip": (
        "conform-rate? timeMap? asset-clip*",
        "ref",
        "lane offset name start duration srcEnable audioStart audioDuration format tcFormat audioRole",
    ),
    "conform-rate": ("", "", "scaleEnabled srcFrameRate"),
    "timeMap": ("timept*", "", ""),
    "timept": ("", "time value", "interp"),
    "transition": ("filter-video?", "duration", "name offset"),
    "filter-video": ("", "ref", "name"),
}
UNORDERED = ("spine", "resources")


def check_against_dtd(root: ElementTree.Element) -> None:
    ids = [item.get("id") for item in root.iter() if item.get("id")]
    assert len(set(ids)) == len(ids)
    for item in root.iter():
        children, required, optional = DTD[item.tag]
        order = [child.rstrip("?*+") for child in children.split()]
        counts = {child.rstrip("?*+"): child[-1] for child in children.split()}
        tags = [child.tag for child in item]
        assert set(tags) <= set(order), item.tag
        if item.tag not in UNORDERED:
            assert tags == sorted(tags, key=order.index), item.tag
        for tag, count in counts.items():
            assert tags.count(tag) in {"?": (0, 1), "*": range(10**6), "+": range(1, 10**6)}.get(count, (1,)), tag
        assert set(required.split()) <= set(item.attrib) <= set(required.split()) | set(optional.split()), item.tag
        for name in ("ref", "format"):
            assert item.get(name) is None or item.get(name) in ids


@pytest.mark.parametrize("rate", RATES)
def test_structure(talk, rate):
    text, warnings = fcpxml.to_text(talk(rate))
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10">\n')
    check_against_dtd(ElementTree.fromstring(text))
    assert warnings == []


@pytest.fixture
def written():
    """At 23.976: a shot, then one at half speed with a dissolve of 12 frames and a J cut of 8, of a file at 25."""
    rate = Rate.named("23.976")
    anna = Source("/media/anna 1.mov", "A001", rate, 86400, 1000)
    bert = Source("/media/bert.mov", "B001", Rate(25), 90000, 1000)
    song = Source("/media/song.wav", "SONG", rate, 0, 90)
    cut = Timeline("Talk", rate, (1920, 1080), [Event(anna, 100, 48), Event(bert, 48, 60, 0.5, 12, 8)], music=song)
    return ElementTree.fromstring(fcpxml.to_text(cut)[0])


def test_times_by_hand(written):
    """A frame lasts 1001/24000 s. The cut stands in the middle of the dissolve, 6 frames after its first."""
    sequence = written.find("library/event/project/sequence")
    assert sequence.get("tcStart") == f"{86400 * 1001}/24000s"
    assert sequence.get("duration") == f"{108 * 1001}/24000s"
    first, dissolve, second = sequence.find("spine")
    assert first.get("offset") == f"{86400 * 1001}/24000s"
    assert first.get("start") == f"{86500 * 1001}/24000s"
    assert first.get("duration") == f"{54 * 1001}/24000s"
    assert (first.get("audioStart"), first.get("audioDuration")) == (f"{86500 * 1001}/24000s", f"{40 * 1001}/24000s")
    assert (dissolve.get("offset"), dissolve.get("duration")) == (f"{86448 * 1001}/24000s", f"{12 * 1001}/24000s")
    assert second.get("offset") == f"{86454 * 1001}/24000s"
    assert second.get("duration") == f"{54 * 1001}/24000s"
    assert second.get("audioDuration") == f"{68 * 1001}/24000s"


def test_speed_by_hand(written):
    """Frame 48 at half speed is tick 96 of its clock, and the cut, 6 ticks on, tick 102; at tick 0, frame 0."""
    clip = written.findall(".//spine/asset-clip")[1]
    start = 3600  # seconds; the file begins at one o'clock
    seconds = {name: timeline.Fraction(clip.get(name)[:-1]) for name in ("start", "audioStart")}
    assert seconds["start"] - start == timeline.Fraction(102 * 1001, 24000)
    assert seconds["audioStart"] - start == timeline.Fraction((102 - 6 - 8) * 1001, 24000)
    (first, last) = clip.find("timeMap")
    assert (first.get("time"), first.get("value")) == ("86400000/24000s", "86400000/24000s")
    ticks = (timeline.Fraction(last.get("time")[:-1]) - start) * 24000 / 1001
    assert ticks == 2 * (1000 * 24000 // (1001 * 25))  # all of its 959 frames, counted at 23.976
    assert clip.find("conform-rate").attrib == {"scaleEnabled": "0", "srcFrameRate": "25"}


def test_media_and_music_by_hand(written):
    assets = written.findall("resources/asset")
    assert [asset.find("media-rep").get("src") for asset in assets] == [
        "file:///media/anna%201.mov",
        "file:///media/bert.mov",
        "file:///media/song.wav",
    ]
    assert [asset.get("start") for asset in assets] == [f"{86400 * 1001}/24000s", "90000/25s", "0s"]
    assert [asset.get("hasVideo") for asset in assets] == ["1", "1", None]
    assert [item.get("frameDuration") for item in written.iter("format")] == ["1001/24000s", "1/25s"]
    song = written.find(".//asset-clip/asset-clip")
    assert (song.get("lane"), song.get("offset")) == ("-1", f"{86500 * 1001}/24000s")
    assert (song.get("start"), song.get("duration")) == ("0s", f"{90 * 1001}/24000s")
    assert written.find(".//asset-clip[@audioRole='music']") is song


RESOLVE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9">
  <resources>
    <format id="r0" name="FFVideoFormat1080p30" frameDuration="1/30s" width="1920" height="1080"/>
    <asset id="r1" name="day.mp4" start="0/1s" duration="40/1s" hasVideo="1" hasAudio="1" format="r0" audioSources="1">
      <media-rep kind="original-media" src="file:///media/day%20one.mp4"/>
    </asset>
  </resources>
  <library><event name="e"><project name="p"><sequence format="r0" tcStart="3600/1s" tcFormat="NDF" duration="4/1s">
  <spine>
    <asset-clip ref="r1" offset="3600/1s" start="1/1s" duration="1/1s" enabled="1" tcFormat="NDF" name="day.mp4">
      <adjust-transform position="0 0"/>
    </asset-clip>
    <asset-clip ref="r1" offset="3601/1s" start="5/1s" duration="3/1s" name="day.mp4"><timeMap>
      <timept time="0/1s" value="0/1s" interp="linear"/><timept time="20/1s" value="40/1s" interp="linear"/>
    </timeMap></asset-clip>
  </spine></sequence></project></event></library>
</fcpxml>
"""


def read(text):
    return fcpxml.from_text(text, None)


def test_a_file_of_resolve():
    """By hand: one second from 1 s on, then three at double speed from 10 s on."""
    cut = read(RESOLVE)
    day = Source("/media/day one.mp4", "day.mp4", Rate(30), 0, 1200)
    assert cut == Timeline("p", Rate(30), (1920, 1080), [Event(day, 30, 30), Event(day, 300, 90, speed=2.0)])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<fcpxml", "<xmeml", "damaged"),
        ('ref="r1"', 'ref="r7"', "damaged"),
        ("1/30s", "0s", "damaged"),
        ("<spine>", '<spine><gap offset="3600/1s" duration="1/1s"/>', "it holds a gap; only asset-clips"),
        ('offset="3601/1s"', 'offset="3602/1s"', "its picture has a gap or a layer at frame 30"),
        ("<adjust-transform", '<asset-clip ref="r1" lane="1" offset="2s" duration="1s"/><a', "music is cut or begins"),
        ("<timept", '<timept time="-1s" value="5s"/><timept', "changes its speed; give each clip one"),
        ('<project name="p">', '<project name="q"/><project name="p">', "it holds 2 projects"),
        ('start="5/1s"', 'start="20/1s"', "event 2 needs frames 1200 to 1380 of 'day.mp4'; the file has 0 to 1200"),
    ],
)
def test_what_a_timeline_cannot_hold(old, new, message):
    assert old in RESOLVE
    with pytest.raises(UserError, match=message) as error:
        read(RESOLVE.replace(old, new))
    assert "\n" not in str(error.value)


def test_other_roots_and_empty_spines():
    with pytest.raises(UserError, match="its root is xmeml, not fcpxml"):
        read("<xmeml/>")
    with pytest.raises(UserError, match="it holds 0 projects"):
        read("<fcpxml/>")
    start, _, rest = RESOLVE.partition("<spine>")
    with pytest.raises(UserError, match="its spine is empty"):
        read(start + "<spine/>" + rest.partition("</spine>")[2])


def test_drop_frame_record_start():
    rate = Rate.named("29.97df")
    source = Source("/media/a.mov", "A001", rate, frames("01:00:00;00", rate), 100)
    root = ElementTree.fromstring(fcpxml.to_text(Timeline("x", rate, (640, 480), [Event(source, 0, 10)]))[0])
    sequence = root.find(".//sequence")
    assert (sequence.get("tcStart"), sequence.get("tcFormat")) == (f"{107892 * 1001}/30000s", "DF")
