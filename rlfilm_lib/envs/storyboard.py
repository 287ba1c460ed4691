"""rlfilm/Storyboard-v0: order the panels of a board into a story. See `Storyboard`."""

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import BatchEnv, SingleEnv, check_controls
from rlfilm_lib.rl.tabular import Model, policy_iteration

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

# The board. Neighbours are at least 30 degrees or 0.6 octaves apart: no cut between them is a jump cut.
SIZES = {"EWS": 3.4, "LS": 1.9, "FS": 1.1, "cowboy": 0.68, "MS": 0.44, "MCU": 0.28, "CU": 0.18, "ECU": 0.115}
"""Columns: shot size → k, visible height / stature."""
ANGLES = (80, 50, 20, -10)
"""Rows: degrees between the camera's axis and the line that joins the two people; the last stands across the line."""
ROWS, COLUMNS = len(ANGLES), len(SIZES)
PANELS = ROWS * COLUMNS
NEAR, ACROSS = ROWS - 2, ROWS - 1

STORY = {"they meet": ("LS", 20), "the news": ("CU", 20), "alone": ("EWS", 20)}
"""The beats in their order, and the panel that tells each."""
BEATS = len(STORY)
BEAT_PANELS = np.array([ANGLES.index(angle) * COLUMNS + list(SIZES).index(size) for size, angle in STORY.values()])
LANDS = 0.8
"""Probability that a beat gets across when its panel is shown."""
STATES = (BEATS + 1) * PANELS

ACTIONS = ("hold", "wider", "closer", "towards the line", "away from the line")
STEP = np.array([[0, 0], [0, -1], [0, 1], [1, 0], [-1, 0]])  # rows and columns
EXPERT_GAMMA = 0.99
FRAMES_PER_PANEL = 12


class Storyboard(BatchEnv):
    """Choose, cut by cut, the panel that comes next, so that the beats of a story are told in order.

    Two people talk. The board holds 32 panels of them: 8 shot sizes, from the extreme wide shot to the extreme
    close-up, by 4 angles of the camera to the line that joins the two. The last row stands across that line: there left
    and right change places, and the audience loses its bearings. A cut leads to a neighbour on the board or shows the
    same panel again. The story has three beats, each told by one panel: "they meet" in the long shot, "the news" in the
    close-up, "alone" in the extreme wide shot, all at 20 degrees, next to the line. Only the beat whose turn it is can
    be told, and when its panel is shown it gets across with probability 0.8.

    The episode begins on a panel drawn from those on the right side of the line, with nothing told. It is terminated
    when the last beat has been told or the line is crossed, and truncated after 60 panels.

    **Actions**, Discrete: 0 hold, 1 wider, 2 closer, 3 towards the line, 4 away from the line; at the edge of the board
    the panel stays. `controls=5`: all. `controls=3`: the first three, on the row at 20 degrees, where the line is safe.

    **Observation**, Discrete(128): 32 · beats told + 8 · row + column, see `state_of`. It is the whole state.

    **Reward** = Σ weight · term:

    | term  | weight | value                                                        |
    |-------|--------|--------------------------------------------------------------|
    | beat  |  1     | 1 where the beat whose turn it is gets across                |
    | panel | -0.05  | 1 for every panel: a story should not take more than it needs |
    | line  | -5     | 1 where the cut crosses the line                             |

    The expert is the optimum, by policy iteration on the exact `model` with γ = 0.99.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": 2,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/Storyboard-v0
            3: {"random": -1.76, "expert": 2.27},
            5: {"random": -5.39, "expert": 2.22},
        },
    }
    weights: ClassVar[dict[str, float]] = {"beat": 1.0, "panel": -0.05, "line": -5.0}
    episode_steps = 60
    draws = 1 + episode_steps

    def __init__(self, num_envs: int = 1, controls: int = 5, render_mode: str | None = None) -> None:
        check_controls(controls, {3: "shot size", 5: "shot size and angle"})
        super().__init__(num_envs, gym.spaces.Discrete(STATES), gym.spaces.Discrete(controls), render_mode)
        self.controls = controls
        self._panel = np.zeros((1, num_envs), np.int64)
        self._told = np.zeros((1, num_envs), np.int64)
        self._strip = np.zeros((1 + self.episode_steps, num_envs), np.int64)
        self._luck = np.zeros((self.episode_steps, num_envs))
        self.scene = {
            "panel": self._panel,  # 8 · row + column
            "told": self._told,  # beats
            "strip": self._strip,  # the panels so far, and -1 where none has been chosen yet
            "luck": self._luck,  # what each step draws: below 0.8 a beat gets across
        }

    def expert_policy(self) -> Callable[..., NDArray]:
        """The exact optimum: policy(observations (N,), deterministic=True) -> actions (N,)."""
        policy, _ = policy_iteration(model(self.controls), EXPERT_GAMMA)
        return lambda observations, deterministic=True: policy[observations]

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """The story as an animatic: every panel for half a second, from its states, first to last."""
        from rlfilm_lib.stage import sketch

        rows, columns = np.divmod([state["panel"][index, 0] for state in states], COLUMNS)
        sizes = np.array(list(SIZES.values()))
        return sketch.setups(sizes[columns], np.array(ANGLES)[rows], FRAMES_PER_PANEL)

    def render(self) -> tuple[NDArray, ...] | None:
        """The board as it is now, one (426, 1370, 3) uint8 picture each, or None without render_mode="rgb_array"."""
        if self.render_mode is None:
            return None
        strips = (self._strip[: elapsed + 1, index] for index, elapsed in enumerate(self.elapsed))
        return tuple(picture(strip, told) for strip, told in zip(strips, self._told[0], strict=True))

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        first, panels = (0, ACROSS * COLUMNS) if self.controls == 5 else (NEAR * COLUMNS, COLUMNS)
        self._panel[0, index] = first + (uniform[0] * panels).astype(np.int64)
        self._told[0, index] = 0
        self._strip[:, index] = -1
        self._strip[0, index] = self._panel[0, index]
        self._luck[:, index] = uniform[1:]

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        panel, told, each = self._panel[0], self._told[0], np.arange(self.num_envs)
        panel[...] = NEXT_PANEL[panel, actions]
        turn = self.elapsed % self.episode_steps
        across = panel // COLUMNS == ACROSS
        lands = tells(panel, told) & (self._luck[turn, each] < LANDS)
        told += lands
        self._strip[turn + 1, each] = panel
        terms = np.stack([lands, np.ones(self.num_envs), across])
        return self._observe(), terms, across | (told == BEATS)

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return state_of(self._panel[0, index], self._told[0, index])


class OneStoryboard(SingleEnv, task=Storyboard):
    """One `Storyboard`, as `gym.make("rlfilm/Storyboard-v0")` gives it."""


# The rules, for arrays of any shape


def state_of(panel: Any, told: Any) -> Any:
    """The observation of a panel (8 · row + column) after so many beats.

    >>> state_of(17, told=1)  # LS at 20 degrees, one beat told
    49
    """
    return told * PANELS + panel


def moved(panel: Any, action: Any) -> NDArray[np.int64]:
    """The panel that an action leads to.

    >>> moved(17, np.array([0, 1, 3])).tolist()  # hold, wider, towards the line
    [17, 16, 25]
    """
    row, column = np.divmod(panel, COLUMNS)
    down, right = np.moveaxis(STEP[action], -1, 0)
    return np.clip(row + down, 0, ROWS - 1) * COLUMNS + np.clip(column + right, 0, COLUMNS - 1)


NEXT_PANEL = moved(np.arange(PANELS)[:, None], np.arange(len(ACTIONS)))
"""(32, 5) the same as a table."""


def tells(panel: NDArray, told: NDArray) -> NDArray[np.bool_]:
    """Whether a panel tells the beat whose turn it is, after so many beats."""
    return (told < BEATS) & (panel == BEAT_PANELS[np.minimum(told, BEATS - 1)])


@functools.cache
def model(controls: int = 5) -> Model:
    """The exact model: transition (128, A, 128) and mean reward (128, A).

    >>> exact = model()
    >>> from_the_long_shot = exact.transition[state_of(17, 0), ACTIONS.index("hold")]
    >>> from_the_long_shot[[state_of(17, 0), state_of(17, 1)]].round(6).tolist()
    [0.2, 0.8]
    """
    state, action = np.meshgrid(np.arange(STATES), np.arange(controls), indexing="ij")
    told, panel = np.divmod(state, PANELS)
    over = (told == BEATS) | (panel // COLUMNS == ACROSS)
    panel = np.where(over, panel, moved(panel, action))
    lands = LANDS * (tells(panel, told) & ~over)
    transition = np.zeros((STATES, controls, STATES))
    transition[state, action, state_of(panel, told)] += 1 - lands
    transition[state, action, state_of(panel, np.minimum(told + 1, BEATS))] += lands
    terms = {"beat": lands, "panel": 1.0, "line": panel // COLUMNS == ACROSS}
    reward = sum(Storyboard.weights[name] * term for name, term in terms.items()) * ~over
    return Model(transition, reward)


# The picture

GAP, LINE_GAP = 10, 26
WALL, WIRE, HERE, DONE, OPEN, PATH = (
    (92, 74, 58), (213, 94, 0), (230, 159, 0), (0, 158, 115), (90, 90, 96), (0, 114, 178),
)  # fmt: skip


def corner(panel: int) -> tuple[int, int]:
    """Left and top of a panel on the board, in pixels."""
    from rlfilm_lib.stage import sketch

    row, column = divmod(panel, COLUMNS)
    below = LINE_GAP - GAP if row == ACROSS else 0
    return GAP + column * (sketch.WIDTH + GAP), GAP + row * (sketch.HEIGHT + GAP) + below


def picture(strip: NDArray, told: int) -> NDArray[np.uint8]:
    """The board (H, W, 3), uint8, with the panels chosen so far, (P,), joined by arrows, the last one framed.

    The beats are marked with one, two and three pips, green where told. The orange wire is the line.
    """
    from rlfilm_lib.stage import sketch

    board = bare_board().copy()
    for beat, panel in enumerate(BEAT_PANELS):
        left, top = corner(panel)
        for pip in range(beat + 1):
            place = left + 12 + 16 * pip, top + 12
            sketch.stroke(board, [place, place], (255, 255, 255), 14)
            sketch.stroke(board, [place, place], DONE if beat < told else OPEN, 10)
    half = np.array([sketch.WIDTH, sketch.HEIGHT]) / 2
    centre = [half + corner(panel) for panel in strip]
    for start, end in itertools.pairwise(centre):
        if (start != end).any():
            short = 22 * np.sign(end - start)
            keep_right = 0.5 * short[::-1] * [-1, 1]  # so that there and back do not cover each other
            sketch.arrow(board, start + short + keep_right, end - short + keep_right, PATH)
    if len(strip):
        left, top = corner(strip[-1])
        right, bottom = left + sketch.WIDTH, top + sketch.HEIGHT
        sketch.stroke(board, [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], HERE, 7)
    return board


@functools.cache
def bare_board() -> NDArray[np.uint8]:
    """The wall with its 32 panels and the line, (H, W, 3) uint8, the row across the line in shade."""
    from rlfilm_lib.stage import sketch

    left, top = corner(PANELS - 1)
    board = np.full((top + sketch.HEIGHT + GAP, left + sketch.WIDTH + GAP, 3), WALL, np.uint8)
    for panel in range(PANELS):
        left, top = corner(panel)
        row, column = divmod(panel, COLUMNS)
        drawn = sketch.panel(list(SIZES.values())[column], float(ANGLES[row]))
        shade = 0.6 if row == ACROSS else 1.0
        board[top : top + sketch.HEIGHT, left : left + sketch.WIDTH] = shade * drawn
    y = top - LINE_GAP / 2
    sketch.stroke(board, [(GAP, y), (board.shape[1] - GAP, y)], WIRE, 5)
    return board
