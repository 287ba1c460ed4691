"""rlfilm/FrameGen-v0: make a video frame by frame; the next frame is the action. See `FrameGen`."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from rlfilm_lib.envs.batch import BatchEnv, SingleEnv, between, check_controls
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.rl.evaluate import require_same_spaces
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import conditions, data
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA

SHOWN = 256
"""Pixels of a rendered picture."""
LIMIT = {2: 4.0, 32: 8.0}
"""Bound of actions and observations, by `controls`: latents are about ±3, and never beyond it."""


class FrameGen(BatchEnv):
    """Make the frames of a clip one after the other, so that they look real, go on smoothly, and show what was asked.

    An episode is one clip. It begins with the reference, and each action is the latent of the next frame: z of the
    frame is what the codec (`video.codec.PCA`) makes of it. What was chosen is what the following frames are judged
    by: errors add up, as they do when a model generates. The episode is truncated after `frames` frames.

    **Actions** (Z,) float32, clipped to ±8 (±4 for the process). `controls=32`: pictures of 16×16 pixels, of the clips
    of `video.data`, in Z = 32 principal components. `controls=2`: a linear-Gaussian process in Z = 2 dimensions, where
    the optimum is known.

    **Observation** (F,) float32: the last K latents, the newest first; the condition; the share of the clip that is
    made. For pictures K = 3, at first three times the reference; the condition is the caption (24 numbers, see
    `video.conditions`), the reference's latent (32), and the beats' pulse in the frame to come (1). For the process
    K = 1, and the condition is the place c (2) that it winds about.

    **Reward** = Σ weight · term. For pictures each term is in [0, 1], and each is measured by a small network that sees
    the new frame z' and the three before it (see `Critics`); g(e) = exp(-e²/2):

    | term      | weight | pictures                                                        | process              |
    |-----------|--------|-----------------------------------------------------------------|----------------------|
    | realism   | 0.3    | probability that the four frames are of a real clip, undamaged* | 1 - |z' - m|² / 2 q² |
    | coherence | 0.1    | g of how far the step |z' - z| is outside of what real clips do | 1 - |z' - z|² / 2 s² |
    | caption   | 0.3    | probability of the caption's words, mean over the five          | 1 - |z' - c|² / 2 r² |
    | look      | 0.15   | g of shade and ground against the reference's, in tenths        | 0                    |
    | beat      | 0.15   | g of the subject's swelling against the pulse, in quarters      | 0                    |

    * times g of how far the length of z' is outside of that of real frames: beyond them a network's word means nothing.

    What the networks make of real clips is not always 1: realism and caption are over what half of the real clips
    reach, at most 1, so that nothing is gained by being more typical than they are.

    The process is z' = m + q ε, m = c + A (z - c), with A a turn by 0.5 rad that shrinks to 0.95. The terms are
    quadratic, so that the best actions are linear in z - c, with the gains of `optimal_gains`; maximum likelihood would
    choose m instead. The expert is that optimum; with pictures it plays on the clip from which the episode's condition
    was taken, which no agent sees.

    `clips`: "train" or "held-out", two sets of 4,096, or clips of one's own; `frames`: 8 to 32. Yardsticks are those of
    16 frames.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": data.FPS,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/FrameGen-v0
            2: {"random": -624.28, "expert": 10.32},
            32: {"random": 2.67, "expert": 14.93},
        },
    }
    weights: ClassVar[dict[str, float]] = {
        "realism": 0.3, "coherence": 0.1, "caption": 0.3, "look": 0.15, "beat": 0.15,
    }  # fmt: skip
    draws = 4

    def __init__(
        self,
        num_envs: int = 1,
        controls: int = 32,
        frames: int = 16,
        clips: Literal["train", "held-out"] | data.Clips = "train",
        render_mode: str | None = None,
    ) -> None:
        check_controls(controls, {2: "a linear-Gaussian process", 32: "pictures"})
        data.check(1, data.SIZES[0], frames)
        if isinstance(clips, str) and clips not in CLIP_SEEDS:
            raise unknown("set of clips", clips, CLIP_SEEDS)
        self.source: Process | Pictures = (
            Process() if controls == 2 else pictures(clips, frames) if isinstance(clips, str) else Pictures.of(clips)
        )
        source = self.source
        observed = source.context * controls + source.condition + 1
        super().__init__(
            num_envs,
            gym.spaces.Box(-LIMIT[controls], LIMIT[controls], (observed,), np.float32),
            gym.spaces.Box(-LIMIT[controls], LIMIT[controls], (controls,), np.float32),
            render_mode,
        )
        self.controls, self.frames, self.episode_steps = controls, frames, frames  # type: ignore[misc]
        if frames != 16 or not (
            isinstance(clips, str) and clips == "train"
        ):  # the yardsticks are those of 16 frames of the first set
            self.metadata = self.metadata | {"yardsticks": {}}
        self._video = np.zeros((source.context * controls, num_envs), np.float32)
        self._told = np.zeros((source.told, num_envs), np.float32)
        self._clip = np.zeros((1, num_envs), np.int64)
        self.scene = {
            "video": self._video,  # the last latents, the newest first
            "told": self._told,  # what the condition holds from the beginning to the end
            "clip": self._clip,  # number of the clip that the condition was taken from
        }

    def expert_policy(self) -> Callable[..., NDArray]:
        """The optimum of the process, or the real clip's next frame: policy(observations (N, F)) -> actions (N, Z).

        With pictures it looks into this environment, and plays in no other.
        """
        if isinstance(self.source, Process):
            return lambda observations, deterministic=True: optimal_action(observations, self.frames)
        latents = self.source.latents
        return lambda observations, deterministic=True: latents[self._clip[0], self.elapsed]

    def begin_with_all(self) -> NDArray:
        """Begin an episode with each clip in turn, the first environment with the first: observations (N, F).

        UserError where there are not as many clips as environments.
        """
        if isinstance(self.source, Process) or len(self.source.latents) != self.num_envs:
            raise UserError(f"{self.num_envs} environments cannot begin with each clip: give clips= as many of them")
        self.reset(seed=0)
        beginning = self.source.at(np.arange(self.num_envs))
        return self.restore(
            self.state() | dict(zip(("video", "told", "clip"), (array.T for array in beginning), strict=True))
        )

    def render(self) -> tuple[NDArray, ...] | None:
        """The newest frame of each, (256, 256, 3) uint8; of the process a dot where it is and a ring where c is. None
        without render_mode="rgb_array"."""
        if self.render_mode is None:
            return None
        return tuple(self.source.show(self._video[: self.controls], self._told))

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> Any:
        """UserError: there is no camera here. `clip` gives the pictures."""
        raise UserError(
            "rlfilm/FrameGen-v0 makes pictures and no take; see them with rlfilm generate --model actor-critic"
        )

    def clip(self, states: list[dict[str, NDArray]], index: int = 0) -> NDArray[np.uint8]:
        """The pictures (T, H, W, 3) that one environment made, from its states, the first of which is the beginning."""
        newest = np.stack([state["video"][index, : self.controls] for state in states[1:]], axis=1)
        return np.stack(
            self.source.show(newest, np.tile(states[0]["told"][index][:, None], len(states) - 1), enlarge=1)
        )

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        self._video[:, index], self._told[:, index], self._clip[:, index] = self.source.begin(uniform)

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        new = np.clip(actions.T, -LIMIT[self.controls], LIMIT[self.controls]).astype(np.float32)
        terms = self.source.terms(new, self._video, self._told, self._clip[0], self.elapsed)
        self._video[self.controls :] = self._video[: -self.controls].copy()
        self._video[: self.controls] = new
        return self._observed(slice(None), self.elapsed + 1), terms, np.zeros(self.num_envs, bool)

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return self._observed(index, self.elapsed[index])

    def _observed(self, index: NDArray | slice, elapsed: NDArray) -> NDArray:
        hint = self.source.hint(self._clip[0, index], elapsed)
        progress = (elapsed / self.frames)[None]
        rows = np.concatenate([self._video[:, index], self._told[:, index], hint, progress])
        return np.clip(rows.T, -LIMIT[self.controls], LIMIT[self.controls]).astype(np.float32)


class OneFrameGen(SingleEnv, task=FrameGen):
    """One `FrameGen`, as `gym.make("rlfilm/FrameGen-v0")` gives it."""


# The process whose optimum is known. Arrays hold one column per environment.

TURN, SHRINK = 0.5, 0.95
MATRIX = SHRINK * np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
"""A."""
DEVIATION = {"realism": 0.3, "coherence": 0.5, "caption": 1.0}
"""q, s, r."""
START = np.sqrt(3.0)
"""c and z - c are drawn evenly from ± this in each dimension, which is of variance 1."""


class Process:
    """What `FrameGen` is about with `controls=2`: z' = c + A (z - c) + q ε."""

    context, told, condition = 1, 2, 2

    def begin(self, uniform: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """z (2, n), c (2, n) and clips (1, n), of which there are none."""
        centre = between((-START, START), uniform[2:4])
        return centre + between((-START, START), uniform[:2]), centre, np.zeros((1, uniform.shape[1]), np.int64)

    def hint(self, clip: NDArray, elapsed: NDArray) -> NDArray:
        return np.zeros((0, len(elapsed)))

    def terms(self, new: NDArray, video: NDArray, told: NDArray, clip: NDArray, elapsed: NDArray) -> NDArray:
        """The terms (5, n), in the order of the weights, for z' (2, n) after z (2, n) about c (2, n)."""
        missed = {
            "realism": new - told - MATRIX @ (video - told),
            "coherence": new - video,
            "caption": new - told,
        }
        rows = [1 - 0.5 * (each**2).sum(axis=0) / DEVIATION[name] ** 2 for name, each in missed.items()]
        return np.concatenate([rows, np.zeros((2, new.shape[1]))])

    def show(self, newest: NDArray, told: NDArray, enlarge: int = 1) -> list[NDArray[np.uint8]]:
        """Pictures of the plane, ±4 either way, (256, 256, 3) each."""
        across = (np.arange(SHOWN) + 0.5) / SHOWN * 8 - 4
        pictures = []
        for place, centre in zip(newest.T, told.T, strict=True):
            away, around = (np.hypot(across - at[0], across[::-1, None] - at[1]) for at in (place, centre))
            dot, ring = np.clip((0.2 - away) * 32, 0, 1), np.clip((0.06 - np.abs(around - 0.35)) * 32, 0, 1)
            shown = 30 + ring[..., None] * np.array([60, 120, 190]) + dot[..., None] * np.array([200, 140, 30])
            pictures.append(np.minimum(shown, 255).astype(np.uint8))
        return pictures


def optimal_gains(frames: int, weights: Mapping[str, float] = FrameGen.weights) -> tuple[NDArray, NDArray]:
    """The optimum of the process: gains K (T, 2, 2) and losses p (T + 1,), from the first frame to the last.

    weights: of realism, coherence and caption, if other than the environment's.

    With e = z - c and u = z' - c the loss of a step is half of α |u - A e|² + β |u - e|² + γ |u|², each coefficient a
    weight over the square of its deviation, and u is the next e. The loss to come is p |e|² / 2 (A is a turn times a
    number, so that all matrices are). Bellman's equation, solved backwards (the discrete Riccati recursion, Bertsekas,
    Dynamic Programming and Optimal Control I, 3.1): u = K e, K = (α A + β) / (α + β + γ + p'), and
    p = α ρ² + β - |α A + β|² / (α + β + γ + p').

    >>> gains, losses = optimal_gains(16)
    >>> bool(losses[0] > losses[15] > losses[16] == 0), float(np.linalg.norm(gains[0][0]) < SHRINK)
    (True, 1.0)
    """
    alpha, beta, gamma = (weights[name] / deviation**2 for name, deviation in DEVIATION.items())
    pull = alpha * MATRIX + beta * np.eye(2)
    square = (pull @ pull.T)[0, 0]
    gains, losses = np.zeros((frames, 2, 2)), np.zeros(frames + 1)
    for t in reversed(range(frames)):
        stiff = alpha + beta + gamma + losses[t + 1]
        gains[t] = pull / stiff
        losses[t] = alpha * SHRINK**2 + beta - square / stiff
    return gains, losses


def optimal_action(observations: NDArray, frames: int) -> NDArray:
    """The best next z' (N, 2) for observations (N, 5) of the process."""
    gains, _ = optimal_gains(frames)
    place, centre, progress = observations[:, :2], observations[:, 2:4], observations[:, 4]
    step = np.minimum(np.rint(progress * frames).astype(int), frames - 1)
    return (centre + np.einsum("nij,nj->ni", gains[step], place - centre)).astype(np.float32)


# Pictures

CONTEXT = 3
CLIP_SEEDS = {"train": 1, "held-out": 2}
CLIPS = 4096
TENTH, QUARTER = 0.1, 0.25
"""Errors of shade and of pulse at which their terms have fallen to exp(-1/2)."""


@dataclass(frozen=True)
class Pictures:
    """What `FrameGen` is about with `controls=32`: a set of N clips of T frames, as latents and conditions.

    latents: (N, T, Z); pulse: (N, T); words: (N, 5), numbers of the captions' words; text: (24, N); reference: (Z, N).
    """

    critics: "Critics"
    latents: NDArray[np.float32]
    pulse: NDArray[np.float32]
    words: NDArray[np.int64]
    text: NDArray[np.float32]
    reference: NDArray[np.float32]

    context: ClassVar[int] = CONTEXT

    @classmethod
    def of(cls, clips: data.Clips) -> "Pictures":
        """These clips as latents and conditions."""
        critics = Critics.load()
        return cls(
            critics,
            critics.codec.encode(clips.frames),
            data.pulse(clips.onsets),
            grammar.encode(clips.captions),
            conditions.text(clips.captions).T,
            critics.codec.encode(clips.reference).T,
        )

    @property
    def told(self) -> int:
        return len(self.text) + len(self.reference)

    @property
    def condition(self) -> int:
        return self.told + 1

    def begin(self, uniform: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """The video (K · Z, n), what is told (24 + Z, n) and the clip (1, n) that each is taken from."""
        return self.at((uniform[0] * len(self.latents)).astype(np.int64))

    def at(self, clip: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """The same for clips of these numbers (n,)."""
        reference = self.reference[:, clip]
        return np.tile(reference, (CONTEXT, 1)), np.concatenate([self.text[:, clip], reference]), clip[None]

    def hint(self, clip: NDArray, elapsed: NDArray) -> NDArray:
        """The pulse (1, n) of the frame to come; after the last one it is 0."""
        length = self.pulse.shape[1]
        return (self.pulse[clip, np.minimum(elapsed, length - 1)] * (elapsed < length))[None]

    def terms(self, new: NDArray, video: NDArray, told: NDArray, clip: NDArray, elapsed: NDArray) -> NDArray:
        """The terms (5, n), in the order of the weights."""
        judged = self.critics(np.concatenate([new, video]).T)
        words = self.words[clip]
        log_prob = [judged[slot][np.arange(len(clip)), words[:, i]] for i, slot in enumerate(VOCABULARY)]
        shade = self.critics.look(self.reference[:, clip].T)
        beat = judged["pulse"] - self.pulse[clip, np.minimum(elapsed, self.pulse.shape[1] - 1)]
        return np.stack(
            [
                np.minimum(judged["real"] / self.critics.usual["real"], 1) * _bell(_excess(new, self.critics.size)),
                _bell(_excess(new - video[: len(new)], self.critics.step)),
                np.minimum(np.exp(log_prob).mean(axis=0) / self.critics.usual["caption"], 1),
                _bell(np.sqrt(((judged["shade"] - shade) ** 2).mean(axis=1)) / TENTH),
                _bell(beat / QUARTER),
            ]
        )

    def show(self, newest: NDArray, told: NDArray, enlarge: int = SHOWN // data.SIZES[0]) -> list[NDArray[np.uint8]]:
        """Pictures of latents (Z, n)."""
        frames = self.critics.codec.decode(newest.T)
        return list(frames.repeat(enlarge, axis=1).repeat(enlarge, axis=2))


@functools.cache
def pictures(clips: str, frames: int) -> Pictures:
    """The set of that name. It is made in about a second, and kept."""
    return Pictures.of(data.make(CLIPS, CLIP_SEEDS[clips], frames=frames))


def perform(policy: Callable[..., NDArray], asked: data.Clips) -> NDArray[np.uint8]:
    """What a policy makes, sampled, of the captions, references and onsets of N clips: (N, T, H, W, 3) uint8.

    UserError where the policy was made for another task.
    """
    env = FrameGen(len(asked.captions), frames=asked.onsets.shape[1], clips=asked)
    if isinstance(policy, Policy):
        require_same_spaces(policy, env, "the pictures of rlfilm/FrameGen-v0")
    observations = env.begin_with_all()
    states = [env.state()]
    for _ in range(env.frames):
        observations = env.advance(policy(observations, deterministic=False))[0]
        states.append(env.state())
    return np.stack([env.clip(states, index) for index in range(env.num_envs)])


@dataclass(frozen=True)
class Critics:
    """The networks that judge four frames in a row, the newest first, (N, 4 · Z) latents; trained with their codec by
    `course/media/frame_gen.py`. They are not those of `video.features`, by which the result is judged.

    `real` was trained to tell four frames of a real clip from damaged ones: noisy, averaged, shrunk, out of order,
    frozen, made by the supervised start, and made by an agent that had been tuned on an earlier `real`. The others were
    trained on real and on slightly noisy frames.
    usual: what half of the real windows reach; step, size: mean and deviation of the log of a real step's length, and
    of a real frame's latent.
    """

    codec: PCA
    weights: dict[str, NDArray[np.float32]]
    usual: dict[str, float]
    step: tuple[float, float]
    size: tuple[float, float]

    @classmethod
    def load(cls) -> "Critics":
        path = Path(__file__).resolve().with_suffix(".safetensors")
        arrays = load_file(path)
        mean, basis, scale = (arrays.pop(f"codec/{name}") for name in ("mean", "basis", "scale"))
        codec = PCA(mean, basis, scale, (16, 16, 3))
        usual = {name: float(arrays.pop(f"usual/{name}")) for name in ("real", "caption")}
        step, size = (tuple(arrays.pop(name).tolist()) for name in ("step", "size"))
        return cls(codec, arrays, usual, step, size)

    def __call__(self, window: NDArray) -> dict[str, NDArray]:
        """Of windows (N, 4 · Z): probability of being real (N,), log-probabilities of each slot's words, shade and
        ground (N, 4), pulse (N,)."""
        hidden = self._hidden("judge", window)
        heads = {slot: self._head(slot, hidden) for slot in VOCABULARY}
        judged = {slot: head - np.logaddexp.reduce(head, axis=1, keepdims=True) for slot, head in heads.items()}
        judged["real"] = 0.5 + 0.5 * np.tanh(self._head("real", self._hidden("doubt", window))[:, 0] / 2)
        judged["shade"] = self.look(window[:, : self.codec.components])
        judged["pulse"] = self._head("pulse", hidden)[:, 0]
        return judged

    def look(self, frame: NDArray) -> NDArray:
        """Shade of the subject and of the ground (N, 4), in [0, 1], of latents (N, Z)."""
        return self._head("shade", self._hidden("look", frame))

    def _hidden(self, name: str, x: NDArray) -> NDArray:
        for layer in range(2):
            x = np.maximum(x @ self.weights[f"{name}/{layer}/kernel"] + self.weights[f"{name}/{layer}/bias"], 0)
        return x

    def _head(self, name: str, hidden: NDArray) -> NDArray:
        return hidden @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]


def _excess(latents: NDArray, usual: tuple[float, float]) -> NDArray:
    """How far the log of the latents' length (Z, n) is outside of ±2 deviations of the usual, in deviations (n,)."""
    mean, deviation = usual
    length = np.log(np.sqrt((latents**2).mean(axis=0)) + 1e-6)
    return np.maximum(np.abs(length - mean) / deviation - 2, 0)


def _bell(error: NDArray) -> NDArray:
    return np.exp(-0.5 * error**2)
