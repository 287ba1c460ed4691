"""Files in and out: clips, timelines, footage."""
