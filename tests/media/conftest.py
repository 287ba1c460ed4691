"""A cut with everything in it, at any rate."""

import pytest

from rlfilm_lib.media.timeline import Event, Rate, Source, Timeline, frames


@pytest.fixture
def talk():
    """talk(rate name): six shots of three files, one mono, one mute; cuts, J and L cuts, dissolves, speeds, music."""

    def cut(name: str) -> Timeline:
        rate = Rate.named(name)
        anna = Source("/media/anna.mov", "A001", rate, frames("10:00:00:00", rate), 1000)
        bert = Source("/media/bert & co é.mov", "INTERVIEW_BERT", rate, frames("11:00:00:00", rate), 1000, channels=1)
        hall = Source("/media/hall.mov", "INTERVIEW_HALL", rate, 0, 500, has_audio=False)
        events = [
            Event(anna, 100, 48),
            Event(bert, 50, 60, audio_lead=8),
            Event(anna, 300, 47, transition=13),
            Event(hall, 20, 40, speed=2.0),
            Event(bert, 200, 50, speed=1.5, audio_lead=-6),
            Event(anna, 100, 48, transition=10, audio_lead=4),
        ]
        return Timeline("The talk", rate, (1920, 1080), events, music=Source("/media/song.wav", "SONG", rate, 0, 5000))

    return cut
