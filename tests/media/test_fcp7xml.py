"""Final Cut Pro 7 XML: what is put in besides the adapter's own elements, by hand, and files of other tools."""

from xml.etree import ElementTree

import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import fcp7xml
from rlfilm_lib.media.timeline import RATES, Event, Rate, Source, Timeline, frames

pytest.importorskip("opentimelineio")
pytest.importorskip("otio_fcp_adapter")


def clips(root, kind):
    return root.find(f".//sequence/media/{kind}/track").findall("clipitem")


@pytest.mark.parametrize("rate", RATES)
def test_every_clip_is_there_once_and_linked(talk, rate):
    cut = talk(rate)
    text, warnings = fcp7xml.to_text(cut)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="4">\n')
    assert warnings == []
    root = ElementTree.fromstring(text)
    ids = [clip.get("id") for clip in root.iter("clipitem")]
    picture, left, right = [1, 4, 7, 10, 13, 16], [2, 5, 8, 14, 17], [3, 9, 18]  # the second file is mono
    assert ids == [f"clipitem-{number}" for number in [*picture, *left, *right, 20, 21]]
    assert all(len(clip) > 5 for clip in root.iter("clipitem"))
    assert all(len(clip.findall("rate")) == 1 for clip in root.iter("clipitem"))
    tags = ("linkclipref", "mediatype", "trackindex", "clipindex")
    links = {
        clip.get("id"): [[link.findtext(tag) for tag in tags] for link in clip.findall("link")]
        for clip in root.iter("clipitem")
    }
    assert links["clipitem-1"] == links["clipitem-2"] == links["clipitem-3"]
    assert links["clipitem-7"] == [
        ["clipitem-7", "video", "1", "3"],
        ["clipitem-8", "audio", "1", "3"],
        ["clipitem-9", "audio", "2", "2"],
    ]
    assert (
        links["clipitem-13"]
        == links["clipitem-14"]
        == [
            ["clipitem-13", "video", "1", "5"],
            ["clipitem-14", "audio", "1", "4"],
        ]
    )
    assert links["clipitem-10"] == []  # the fourth shot is silent
    assert links["clipitem-20"] == [["clipitem-20", "audio", "3", "1"], ["clipitem-21", "audio", "4", "1"]]


def test_stereo_is_a_pair_of_tracks(talk):
    root = ElementTree.fromstring(fcp7xml.to_text(talk("24"))[0])
    assert root.find(".//sequence").get("explodedTracks") == "true"
    audio = root.find(".//sequence/media/audio")
    assert audio.findtext("numOutputChannels") == "2"
    assert [group.findtext("channel/index") for group in audio.findall("outputs/group")] == ["1", "2"]
    tracks = audio.findall("track")
    assert [track.get("currentExplodedTrackIndex") for track in tracks] == ["0", "1", "0", "1"]
    assert [track.findtext("outputchannelindex") for track in tracks] == ["1", "2", "1", "2"]
    channels = [[clip.findtext("sourcetrack/trackindex") for clip in track.findall("clipitem")] for track in tracks]
    assert channels == [["1"] * 5, ["2"] * 3, ["1"], ["2"]]
    kinds = [clip.get("premiereChannelType") for clip in tracks[0].findall("clipitem")]
    assert kinds == ["stereo", "mono", "stereo", "mono", "stereo"]
    files = [file.get("id") for file in root.iter("file") if len(file)]
    assert len(files) == len(set(files)) == 4
    assert [file.findtext("media/audio/channelcount") for file in root.iter("file") if len(file)] == [
        "2",
        "1",
        None,
        "2",
    ]


def test_a_dissolve_by_hand():
    """Of 13 frames, from frame 48 on: astride the cut at 54, into which each clip runs with all of its handle."""
    rate = Rate.named("29.97df")
    anna = Source("/media/anna & co.mov", "A001", rate, frames("01:00:00;00", rate), 1000)
    bert = Source("/media/bert.mov", "LONG REEL NAME", rate, 0, 1000, has_audio=False)
    cut = Timeline("x", rate, (1280, 720), [Event(anna, 100, 48), Event(bert, 50, 60, transition=13)])
    root = ElementTree.fromstring(fcp7xml.to_text(cut)[0])
    numbers = [[clip.findtext(tag) for tag in ("start", "end", "in", "out")] for clip in root.iter("clipitem")]
    sound = ["0", "48", "100", "148"]  # left and right
    assert numbers == [["0", "-1", "100", "161"], ["-1", "108", "50", "110"], sound, sound]
    dissolve = root.find(".//transitionitem")
    assert [dissolve.findtext(tag) for tag in ("start", "end", "alignment")] == ["48", "61", "center"]
    assert dissolve.findtext("effect/effectid") == "Cross Dissolve"
    assert dissolve.findtext("effect/effecttype") == "transition"
    first, second = (file for file in root.iter("file") if len(file))
    assert first.findtext("pathurl") == "file://localhost/media/anna%20%26%20co.mov"
    assert first.findtext("duration") == "1000"
    assert [first.findtext(f"timecode/{tag}") for tag in ("string", "frame", "displayformat")] == [
        "01:00:00;00",
        "107892",
        "DF",
    ]
    assert second.findtext("timecode/reel/name") == "LONG REEL NAME"
    assert [child.tag for child in second.find("media")] == ["video"]
    size = root.find(".//sequence/media/video/format/samplecharacteristics")
    assert (size.findtext("width"), size.findtext("height")) == ("1280", "720")


def test_a_speed_by_hand():
    """Frame 51 at double speed: 25.5 frames as it plays, rounded to 26, at which the graph says 51."""
    rate = Rate(25)
    source = Source("/media/a.mov", "A001", rate, 0, 500)
    cut = Timeline("x", rate, (640, 480), [Event(source, 51, 20, speed=2.0)])
    root = ElementTree.fromstring(fcp7xml.to_text(cut)[0])
    clip = clips(root, "video")[0]
    assert [clip.findtext(tag) for tag in ("start", "end", "in", "out")] == ["0", "20", "26", "46"]
    assert clip.findtext("filter/effect/effectid") == "timeremap"
    values = {item.findtext("parameterid"): item.findtext("value") for item in clip.iter("parameter")}
    assert (values["speed"], values["variablespeed"], values["reverse"]) == ("200", "0", "FALSE")
    points = [[float(key.findtext(tag)) for tag in ("when", "value")] for key in clip.iter("keyframe")]
    assert points == [[0, 0], [26, 51], [46, 91], [250.5, 500]]


def test_rates_that_xml_cannot_say():
    """12.5 is neither a whole number nor 1000/1001 of one: the file is counted at 25, twice its frames."""
    phone = Source("/media/phone.mov", "P001", Rate(25, 2), 100, 200)
    cut = Timeline("x", Rate(25), (640, 480), [Event(phone, 10, 20)], music=Source("/m/s.wav", "S", Rate(25, 2), 0, 50))
    text, warnings = fcp7xml.to_text(cut)
    assert warnings == [
        "event 1: its file runs at 12.5, the XML counts it at 25",
        "music: its file runs at 12.5, the XML counts it at 25",
    ]
    back = fcp7xml.from_text(text, None)
    counted = Source("/media/phone.mov", "P001", Rate(25), 200, 400)
    assert back.events == (Event(counted, 10, 20),)


def test_without_the_adapter(talk, monkeypatch):
    """Writing and reading say what to install."""
    import opentimelineio as otio

    from_name = otio.adapters.from_name
    monkeypatch.setattr(otio.adapters, "from_name", lambda name: from_name(f"no {name}"))
    for act in (lambda: fcp7xml.to_text(talk("24")), lambda: fcp7xml.from_text("<xmeml/>", None)):
        with pytest.raises(UserError, match="needs otio-fcp-adapter, which is not installed: pip install"):
            act()


OTHERS = """\
<xmeml version="4"><sequence id="s"><name>Seq</name><duration>75</duration>
  <rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>
  <timecode><rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate><string>01:00:00;00</string><frame>107892</frame>
    <displayformat>DF</displayformat></timecode>
  <media><video><track>
    <clipitem id="c1"><name>wide</name><duration>900</duration><rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>
      <start>0</start><end>25</end><in>10</in><out>35</out>
      <file id="f1"><name>wide.mov</name><pathurl>file://localhost/media/wide%20one.mov</pathurl>
        <rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate><duration>900</duration></file></clipitem>
    <clipitem id="c2"><name>wide</name><duration>900</duration><rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>
      <start>25</start><end>75</end><in>50</in><out>100</out><file id="f1"/>
      <filter><effect><effectid>timeremap</effectid><name>Time Remap</name>
        <parameter><parameterid>variablespeed</parameterid><value>0</value></parameter>
        <parameter><parameterid>speed</parameterid><value>50</value></parameter></effect></filter></clipitem>
  </track></video></media></sequence></xmeml>
"""


def test_a_file_of_other_tools():
    """By hand: without sound, size or reel; at half speed, in 50 is frame 25."""
    cut = fcp7xml.from_text(OTHERS, None)
    wide = Source("/media/wide one.mov", "wide", Rate.named("29.97"), 0, 900, has_audio=False)
    events = [Event(wide, 10, 25), Event(wide, 25, 50, speed=0.5)]
    assert cut == Timeline("Seq", Rate.named("29.97df"), (1920, 1080), events)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<value>0</value>", "<value>1</value>", "the clip 'wide' changes its speed; give each clip one"),
        ("<value>50</value>", "<value>fast</value>", "damaged or no Final Cut Pro 7 XML"),
        ("<end>75</end>", "", "damaged or no Final Cut Pro 7 XML"),
        ("<start>25</start>", "<start>26</start>", "gap or a layer at frame 25"),
        ("<video><track>", "<video><track/><track>", "2 layers of picture and 0 of sound"),
        ("</xmeml>", '<sequence id="t"><name>x</name></sequence></xmeml>', "several sequences|damaged"),
        ("<xmeml", "<fcpxml", "damaged"),
    ],
)
def test_what_a_timeline_cannot_hold(old, new, message):
    assert old in OTHERS
    with pytest.raises(UserError, match=message) as error:
        fcp7xml.from_text(OTHERS.replace(old, new), None)
    assert "\n" not in str(error.value)
