"""A reward term of one's own, and the take that wins by it.

`best_camera` tries every lens and f-stop on one shot and keeps what a term likes most; `move_scores` lets a term judge
six ways to move a camera. `show_focus` and `show_moves` put the winner on the screen.
"""

from collections.abc import Callable, Mapping

import numpy as np

from rlfilm_lib.film import lens
from rlfilm_lib.widgets import lens_viewfinder
from rlfilm_lib.widgets.lens_viewfinder import F_STOPS, FOCAL_LENGTHS, Camera, dolly_zoom
from rlfilm_lib.widgets.picture import BLUE, GREEN, VERMILION, Described, figure, gallery, row

# Focus: one medium shot, from as far away as each lens needs for it.
SHOT = Camera(focal_length=50.0, distance=2.8, focus=2.8)
HAND = 0.05
"""Standard deviation of the focus that a hand sets, as a share of the distance: nobody hits the mark exactly."""
TRIES = np.array([-1.64, -1.04, -0.67, -0.39, -0.13, 0.13, 0.39, 0.67, 1.04, 1.64])
"""Ten deviations of a normal distribution, each as likely as the others."""
WANTED_BLUR = 0.2
"""mm: blur circle of the backdrop that the brief asks for."""

FocusTerm = Callable[[float, float, float], float]
"""(blur circle at the eyes, mm; blur circle at the backdrop, mm; stops off the right exposure) → 0 to 1."""


def cameras() -> list[list[Camera]]:
    """The shot through every lens (rows) at every f-stop (columns), at the same size, focused on the eyes."""
    return [
        [Camera(f, stop, distance := dolly_zoom(SHOT, f).distance, distance) for stop in F_STOPS] for f in FOCAL_LENGTHS
    ]


def judged(term: FocusTerm, camera: Camera) -> float:
    """Mean of a term over ten tries at focusing by hand.

    >>> judged(lambda blur, background, stops: float(blur < 0.025), Camera(focal_length=135, f_stop=1.4))
    0.0
    """
    focus = camera.distance * (1 + HAND * TRIES)
    at_eyes, at_backdrop = (
        lens.blur_circle(distance, focus, camera.focal_length, camera.f_stop)
        for distance in (camera.distance, camera.distance + lens_viewfinder.BACKDROP)
    )
    tries = zip(at_eyes.tolist(), at_backdrop.tolist(), strict=True)
    return float(np.mean([term(blur, background, camera.stops) for blur, background in tries]))


def best_camera(term: FocusTerm) -> tuple[Camera, np.ndarray]:
    """The camera that a term likes most, and its score with every lens and f-stop, (lenses, stops).

    Of equals the first wins: the shortest lens, then the widest f-stop.
    """
    scores = np.array([[judged(term, camera) for camera in line] for line in cameras()])
    row, column = np.unravel_index(np.argmax(scores.round(9)), scores.shape)
    return cameras()[row][column], scores


def show_focus(term: FocusTerm) -> Described:
    """What the term gives every lens and f-stop, and the picture that wins."""
    import matplotlib.pyplot as plt

    camera, scores = best_camera(term)
    fig, axes = plt.subplots(figsize=(4.6, 2.7), layout="constrained")
    image = axes.imshow(scores, cmap="cividis", vmin=0, vmax=max(1.0, scores.max()), aspect="auto", origin="lower")
    axes.plot(
        F_STOPS.index(camera.f_stop), FOCAL_LENGTHS.index(camera.focal_length), "*", color=VERMILION, ms=15, mec="w"
    )
    axes.set_xticks(range(len(F_STOPS)), [f"{stop:g}" for stop in F_STOPS])
    axes.set_yticks(range(len(FOCAL_LENGTHS)), FOCAL_LENGTHS)
    axes.set(xlabel="f-stop", ylabel="focal length (mm)")
    fig.colorbar(image, ax=axes, label="score of the term")
    words = winner(camera, scores.max())
    map_of_scores = figure(fig, "Score of the term for every focal length and f-stop; a star where it is highest")
    return row(**{
        "every lens and f-stop": map_of_scores,
        "the picture that wins": gallery([lens_viewfinder.picture(camera)], [words], words, 1, 400),
    })  # fmt: skip


def winner(camera: Camera, score: float) -> str:
    """The winning camera in a line."""
    exposure = "exposed right" if abs(camera.stops) < 0.05 else f"exposed {camera.stops:+.1f} stops"
    return (
        f"score {score:.2f}: {camera.focal_length:.0f} mm at f/{camera.f_stop:g}, backdrop blur "
        f"{camera.background_blur:.3f} mm, {exposure}"
    )


# Movement: six ways to move along the lens axis, six seconds of them, twelve steps a second.

STEPS, STEPS_PER_SECOND = 72, 12
WANTED_SPEED = 0.3
"""m/s towards the subject, that the brief asks for."""
ROOM = 2.4
"""m that there are between camera and subject at the beginning."""

MoveTerm = Callable[[np.ndarray], float]
"""Velocities (72,) towards the subject, m/s → 0 to 1."""


def moves() -> dict[str, np.ndarray]:
    """Velocities (72,) of each way to move; the camera stops where it would touch the subject."""
    step = np.arange(STEPS)
    ease = np.minimum(1, np.minimum(step + 1, STEPS - step) / 8)
    ease = ease * ease * (3 - 2 * ease)
    back_and_forth = np.where(step % 2, -1.0, 1.0)
    rush = np.where((step + 1) * 1.5 / STEPS_PER_SECOND < ROOM, 1.5, 0.0)
    return {
        "lock-off": 0.0 * step,
        "steady push": WANTED_SPEED * ease,
        "steady pull": -WANTED_SPEED * ease,
        "shaky push": WANTED_SPEED * ease + 0.9 * back_and_forth,
        "shaking": 1.5 * back_and_forth,
        "rush": rush,
    }


def move_scores(term: MoveTerm) -> dict[str, float]:
    """What a term gives each of the moves.

    >>> max((scores := move_scores(lambda velocity: np.abs(velocity).mean() / 1.5)), key=scores.get)
    'shaking'
    """
    return {name: float(term(velocity.copy())) for name, velocity in moves().items()}


def show_moves(term: MoveTerm) -> Described:
    """The velocity curves of the moves with their scores; those within 0.005 of the highest are marked."""
    import matplotlib.pyplot as plt

    scores = move_scores(term)
    best = [name for name, score in scores.items() if score > max(scores.values()) - 0.005]
    fig, panels = plt.subplots(2, 3, figsize=(7.4, 2.6), sharex=True, sharey=True, layout="constrained")
    seconds = np.arange(STEPS) / STEPS_PER_SECOND
    for axes, (name, velocity) in zip(panels.flat, moves().items(), strict=True):
        axes.axhline(WANTED_SPEED, color=GREEN, lw=1, ls="--")
        colour, won = (VERMILION, "  ← wins") if name in best else (BLUE, "")
        axes.plot(seconds, velocity, color=colour, lw=1.2)
        axes.set_title(f"{name}: {scores[name]:.2f}{won}", fontsize=10, color=colour if won else "black")
        axes.set(ylim=(-1.8, 1.8))
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("time (s)")
    for axes in panels[:, 0]:
        axes.set_ylabel("velocity (m/s)")
    return figure(fig, f"Velocities of six moves, wanted {WANTED_SPEED} m/s (dashed). {in_words(scores)}.")


def in_words(scores: Mapping[str, float]) -> str:
    """Scores in a line, the highest first."""
    return "; ".join(f"{name} {scores[name]:.2f}" for name in sorted(scores, key=lambda name: -scores[name]))
