"""Make the clips of lesson 14: one passage cut in three ways, with sound.

    python course/media/editing.py    # 2 minutes; writes editing_*.mp4 beside it

The passage, PASSAGE of scene SEED, is cut by random actions, by the agent that film_edit.py trained and by the exact
optimum. Pictures are drawn on twos: twelve per second, each shown for two frames. Beats, and so cuts, are twelve
frames long, so no cut moves.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import animatic, coverage, film_edit
from rlfilm_lib.envs.coverage import BEAT_FRAMES, FPS, Scene
from rlfilm_lib.envs.film_edit import FilmEdit, Shot
from rlfilm_lib.media import clip
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import cutting_room

HERE = Path(__file__).resolve().parent
SEED, PACE = 3, "medium"
PASSAGE = range(20, 36)  # beats
SIZE, CRF = (320, 180), 34  # each clip stays below 140 KB


def main() -> None:
    scene = rushes()
    straight = FilmEdit(1, controls=1, pace=PACE)  # shots of one beat leave no room to split sound from picture
    cuts = {
        "random": cutting_room.played(straight.random_policy(seed=0), SEED, PACE),
        "optimum": film_edit.optimum(scene)[1],
        "agent": cutting_room.played(rlfilm.load(HERE / "film_edit"), SEED, PACE),
    }
    for name, shots in cuts.items():
        write(HERE / f"editing_{name}.mp4", scene, shots)


def write(path: Path, scene: Scene, shots: Sequence[Shot]) -> None:
    """The passage of a cut as an mp4 with sound."""
    first, end = PASSAGE.start * BEAT_FRAMES, PASSAGE.stop * BEAT_FRAMES
    sound = animatic.sound(scene, shots)[first * animatic.SAMPLES : end * animatic.SAMPLES]
    pictures = frames(scene, shots, first, end)
    clip.write(path, pictures, FPS, crf=CRF, sound=np.split(sound, len(PASSAGE)))
    print(f"{path.name}: {path.stat().st_size // 1000} KB", flush=True)


def frames(scene: Scene, shots: Sequence[Shot], first: int, end: int) -> Iterator[np.ndarray]:
    """Pictures [first, end) of the cut, on twos."""
    cut = animatic.timeline(scene, shots).picture()
    for frame in range(first, end):
        number = max(index for index, segment in enumerate(cut) if segment.record <= frame)
        shown = picture(shots[number].angle, frame // 2 * 2)
        since, transition = frame - cut[number].record, cut[number].transition
        if since < transition:
            part = (since + 0.5) / transition
            leaving = picture(shots[number - 1].angle, frame // 2 * 2)
            shown = (leaving + part * (shown.astype(float) - leaving) + 0.5).astype(np.uint8)
        yield shown


@cache
def rushes() -> Scene:
    """The scene."""
    return cutting_room.scene(SEED, PACE)


@cache
def picture(angle: int, frame: int) -> np.ndarray:
    """What an angle of the scene shows."""
    take = coverage.film(rushes(), np.array([frame]), np.array([angle]))
    return preview.render(take, *SIZE)[0]


if __name__ == "__main__":
    main()
