"""Agents of rlfilm/FrameGen-v0 beside each other: what they make of one request, frame by frame, and what each frame
earns.

`record` lets them play; `sentence`, `chart`, `view` and `still` show a moment; `FrameByFrame` is the shell: choose a
clip, and move through its frames.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.frame_gen import FrameGen
from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data
from rlfilm_lib.widgets.clip_scrubber import GAP, moving, strip
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, VERMILION, Described, drawing, image_tag, png, text

COLOURS = (BLACK, BLUE, VERMILION, GREEN)
"""Of the agents' lines, in their order."""
DASHES = ("5 4", "none", "none", "2 3")
PANEL, TALL, ROOM = 138, 92, 22
"""Width and height of a term's panel, and the space between two, in pixels."""
WORDS = {"realism": "looks real", "coherence": "goes on smoothly", "caption": "shows the words", "look": "has the look",
         "beat": "keeps the beat"}  # fmt: skip


@dataclass(frozen=True)
class Rollouts:
    """What agents made of N requests: frames: {agent: (N, T, H, W, 3) uint8}; terms: {agent: {term: (N, T)}}, each in
    [0, 1]; rewards: {agent: (N, T)}; captions: N of them."""

    frames: dict[str, NDArray[np.uint8]]
    terms: dict[str, dict[str, NDArray]]
    rewards: dict[str, NDArray]
    captions: list[str]

    @property
    def length(self) -> int:
        """T."""
        return next(iter(self.frames.values())).shape[1]


def record(agents: Mapping[str, Callable[..., NDArray] | None], asked: data.Clips) -> Rollouts:
    """Let agents, {name: policy(observations) -> actions}, make N clips each, by their most likely actions.

    None stands for the real clips themselves. UserError for more agents than there are colours.
    """
    if not 1 <= len(agents) <= len(COLOURS):
        raise UserError(f"{len(agents)} agents cannot be shown beside each other; give 1 to {len(COLOURS)}")
    frames, terms, rewards = {}, {}, {}
    for name, policy in agents.items():
        env = FrameGen(len(asked.captions), frames=asked.onsets.shape[1], clips=asked)
        observations, states = env.begin_with_all(), [env.state()]
        policy = env.expert_policy() if policy is None else policy
        earned, found = [], []
        for _ in range(env.frames):
            observations, reward, _, _, parts = env.advance(policy(observations))
            states.append(env.state())
            earned.append(reward)
            found.append(parts)
        frames[name] = np.stack([env.clip(states, index) for index in range(env.num_envs)])
        terms[name] = dict(zip(env.weights, np.stack(found, axis=-1), strict=True))
        rewards[name] = np.stack(earned, axis=-1)
    return Rollouts(frames, terms, rewards, [caption.text for caption in asked.captions])


# What there is to see


def sentence(rollouts: Rollouts, number: int, frame: int) -> str:
    """A moment in words: what each agent's frame earned, and what all of its frames so far."""
    parts = (
        f"{name} {earned[number, frame]:.2f}, {earned[number, : frame + 1].sum():.2f} so far"
        for name, earned in rollouts.rewards.items()
    )
    return f"“{rollouts.captions[number]}”, frame {frame + 1} of {rollouts.length}. Reward: {'; '.join(parts)}."


def sheet(rollouts: Rollouts, number: int, frame: int, scale: int = 3) -> NDArray[np.uint8]:
    """The agents' clips below one another; what comes after the frame is not made yet, and grey."""
    rows = []
    for clips in rollouts.frames.values():
        clip = clips[number].copy()
        clip[frame + 1 :] = 225
        rows.append(clip)
    return strip(rows, scale)


def chart(rollouts: Rollouts, number: int, frame: int) -> Described:
    """A panel for each term of the reward: its course for every agent, up to this frame."""
    names = list(rollouts.frames)
    width, height = len(WORDS) * (PANEL + ROOM) + ROOM, TALL + 62
    across = np.linspace(0, PANEL, rollouts.length)
    marks = []
    for column, (term, words) in enumerate(WORDS.items()):
        left, top = ROOM + column * (PANEL + ROOM), 40
        scale = text(left - 3, top + 8, "1", "end") + text(left - 3, top + TALL, "0", "end")
        last = text(left + PANEL, top + TALL + 14, f"frame {rollouts.length}", "end")
        marks += [
            text(left, 16, term),
            f'<g font-size="11" fill="#555">{text(left, 31, words)}</g><g font-size="10" fill="#555">{scale}{last}</g>',
            f'<path d="M{left} {top}V{top + TALL}H{left + PANEL}" stroke="{BLACK}" fill="none"/>',
            f'<path d="M{left + across[frame]:.1f} {top}v{TALL}" stroke="#bbb"/>',
        ]
        for name, colour, dash in zip(names, COLOURS, DASHES, strict=False):
            course = np.clip(rollouts.terms[name][term][number, : frame + 1], 0, 1)
            places = [f"{left + x:.1f},{top + TALL * (1 - y):.1f}" for x, y in zip(across, course, strict=False)]
            x, y = places[-1].split(",")
            marks += [
                f'<polyline points="{" ".join(places)}" stroke="{colour}" stroke-width="1.8" fill="none" '
                f'stroke-dasharray="{dash}"/>',
                f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>',
            ]
    means = (
        f"{name}: " + ", ".join(f"{term} {rollouts.terms[name][term][number, frame]:.2f}" for term in WORDS)
        for name in names
    )
    return drawing(width, height, "".join(marks), f"The five terms of the reward up to this frame. {'; '.join(means)}.")


def legend(rollouts: Rollouts) -> str:
    """The agents' names in the colours of their lines, from the upper strip to the lower."""
    return " · ".join(
        f'<b style="color: {colour}">{html.escape(name)}</b>'
        for name, colour in zip(rollouts.frames, COLOURS, strict=False)
    )


def view(rollouts: Rollouts, number: int, frame: int) -> Described:
    """A moment of a clip: the agents' strips, the clips as they move, and the terms of the reward so far."""
    words = sentence(rollouts, number, frame)
    pictures = sheet(rollouts, number, frame)
    players = "".join(
        moving(clips[number], f"{name}: {rollouts.captions[number]}", 48 + GAP).html
        for name, clips in rollouts.frames.items()
    )
    names = f'<div style="font-size: 13px">from top to bottom: {legend(rollouts)}</div>'
    strips = image_tag(png(pictures), f"{words} One strip for each agent.", pictures.shape[1]).html
    both = (
        '<div style="display: flex; flex-wrap: wrap; gap: 8px">'
        f'<div>{strips}</div><div style="display: flex; flex-direction: column">{players}</div></div>'
    )
    return Described(names + both + chart(rollouts, number, frame).html, words)


def still(rollouts: Rollouts, number: int = 0) -> Described:
    """A whole clip, for readers without a kernel."""
    return view(rollouts, number, rollouts.length - 1)


# The shell


class FrameByFrame:
    """Choose a request and move through the frames that the agents made of it.

    As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, rollouts: Rollouts, number: int = 0) -> None:
        import ipywidgets as widgets

        self.rollouts, last = rollouts, rollouts.length - 1
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "420px"}}
        captions = [(f"{i + 1}: {caption}", i) for i, caption in enumerate(rollouts.captions)]
        self.clip = widgets.Dropdown(options=captions, value=number, description="clip", **wide)
        self.frame = widgets.IntSlider(value=last, min=0, max=last, description="frame", **wide)
        self.play = widgets.Play(min=0, max=last, interval=350)
        widgets.jslink((self.play, "value"), (self.frame, "value"))
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.clip, self.frame):
            control.observe(self._moved, "value")
        row = widgets.HBox([self.clip, self.frame, self.play])
        row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([row, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.rollouts, self.clip.value, self.frame.value)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-frames" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.rollouts, self.clip.value))
