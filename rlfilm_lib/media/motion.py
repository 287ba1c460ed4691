"""Motions: joint rotations of a skeleton over time, from and to BVH, and from the 44-number clips of DeepMimic.

A `Motion` holds metres and the axes of the stage: x to the right, y away from the camera, z up. At rest the figure
faces the camera (-y), its left hand on the side of +x. BVH files have y up and the figure facing +z, as most programs
write them, or z up; reading and writing turn between the two.
"""

import json
import os
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.media import quaternion

GESTURES = ("bow", "wave", "point", "walk", "sit")
"""Gestures of our own making that come with the library: see `gesture`."""

CMU_UNIT = 0.0254 / 0.45
"""Metres per unit of the BVH files of the CMU motion capture database."""

FROM_Y_UP = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""Turns axes with y up into ours, z up: (x, y, z) becomes (x, -z, y)."""


@dataclass(frozen=True)
class Skeleton:
    """J joints, each after its parent; the first is the root, whose parent is -1.

    Raises ValueError where the arrays do not fit, or a joint stands before its parent.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray  # (J, 3) m, from the parent to the joint, in the parent's axes
    tips: np.ndarray  # (J, 3) m, from a joint without children to the end of its bone; 0 for the others

    def __post_init__(self) -> None:
        for name in ("offsets", "tips"):
            array = np.asarray(getattr(self, name), float)
            if array.shape != (len(self.names), 3):
                raise ValueError(f"{name} has shape {array.shape}; {len(self.names)} joints need one row of 3 each")
            object.__setattr__(self, name, array)
        if self.parents[0] != -1 or not all(0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            raise ValueError("joints must stand after their parents, and the root, with parent -1, first")

    @cached_property
    def _levels(self) -> list[tuple[NDArray, NDArray]]:
        """Joints and their parents, all of one depth at a time, from the root's children on."""
        depth = np.zeros(len(self.names), int)
        for joint, parent in enumerate(self.parents[1:], start=1):
            depth[joint] = depth[parent] + 1
        levels = [np.flatnonzero(depth == d) for d in range(1, depth.max() + 1)]
        return [(joints, np.array(self.parents)[joints]) for joints in levels]

    def forward_kinematics(self, root: ArrayLike, rotations: ArrayLike) -> tuple[NDArray, NDArray]:
        """Positions (..., J, 3) and orientations (..., J, 4) of the joints in the world.

        root: (..., 3) m; rotations: (..., J, 4), each relative to the parent, the root's to the world.
        """
        rotations = np.asarray(rotations, float)
        positions, orientations = np.empty((*rotations.shape[:-1], 3)), rotations.copy()
        positions[..., 0, :] = root
        for joints, parents in self._levels:
            orientations[..., joints, :] = quaternion.multiply(orientations[..., parents, :], rotations[..., joints, :])
            bones = quaternion.rotate(orientations[..., parents, :], self.offsets[joints])
            positions[..., joints, :] = positions[..., parents, :] + bones
        return positions, orientations


@dataclass(frozen=True)
class Motion:
    """F poses of a skeleton at `fps` frames per second. `len(motion)` is F, `motion[a:b]` a part of it.

    Raises ValueError where the arrays do not fit or hold a value that is not finite.
    """

    fps: float
    skeleton: Skeleton
    root: np.ndarray  # (F, 3) m, where the root joint is
    rotations: np.ndarray  # (F, J, 4) unit quaternions w, x, y, z, relative to the parent

    def __post_init__(self) -> None:
        for name, shape in (("root", (3,)), ("rotations", (len(self.skeleton.names), 4))):
            array = np.asarray(getattr(self, name), float)
            if array.shape != (len(self.root), *shape) or not len(array) or not np.isfinite(array).all():
                raise ValueError(f"{name} has shape {array.shape}; a Motion needs (F, {', '.join(map(str, shape))}), "
                                 f"F at least 1, all finite")  # fmt: skip
            object.__setattr__(self, name, array)
        if not self.fps > 0:
            raise ValueError(f"fps is {self.fps}; it must be above 0")

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, part: slice) -> "Motion":
        if not isinstance(part, slice):
            raise TypeError(f"a Motion is cut with a slice, as motion[a:b]; got {part!r}")
        return replace(self, root=self.root[part], rotations=self.rotations[part])

    def forward_kinematics(self) -> tuple[NDArray, NDArray]:
        """Positions (F, J, 3) in metres and orientations (F, J, 4) of all joints in the world."""
        return self.skeleton.forward_kinematics(self.root, self.rotations)

    def resample(self, fps: float) -> "Motion":
        """The same motion at another frame rate: positions linear, rotations along the shortest arc in between.

        >>> len(gesture("bow").resample(48)) == 2 * len(gesture("bow")) - 1
        True
        """
        if not fps > 0:
            raise UserError(f"fps={fps} is out of range: give frames per second above 0")
        frames = int((len(self) - 1) / self.fps * fps + 1 + 1e-6)
        return self._at(np.arange(frames) * self.fps / fps, fps)

    def _at(self, frames: NDArray, fps: float) -> "Motion":
        """The poses at fractional frame numbers."""
        before = np.minimum(frames.astype(int), len(self) - 1)
        after = np.minimum(before + 1, len(self) - 1)
        share = frames - before
        root = self.root[before] + share[:, None] * (self.root[after] - self.root[before])
        rotations = quaternion.interpolate(self.rotations[before], self.rotations[after], share[:, None])
        return Motion(fps, self.skeleton, root, rotations)


def gesture(name: str) -> Motion:
    """One of GESTURES, at 24 frames per second, from and (but for sit) back to the same way of standing.

    >>> gesture("wave").fps
    24.0
    """
    if name not in GESTURES:
        raise unknown("gesture", name, GESTURES)
    return read_bvh(Path(__file__).parent / "gestures" / f"{name}.bvh")


def read(path: str | os.PathLike) -> Motion:
    """A motion from a .bvh file (`read_bvh`) or a .txt or .json clip of the DeepMimic humanoid (`read_humanoid`)."""
    readers = {".bvh": read_bvh, ".txt": read_humanoid, ".json": read_humanoid}
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise UserError(f"'{path}' is not named as a motion; give a .bvh file, or a .txt clip of 44 numbers per frame")
    return readers[suffix](path)


# -- BVH ---------------------------------------------------------------------------------------------------------------


def read_bvh(path: str | os.PathLike, unit: float = 1.0, up: str = "y") -> Motion:
    """A motion from a Biovision hierarchy file.

    unit: metres per unit of the file (CMU_UNIT for CMU's); up: the file's vertical axis, "y" or "z". Channels may stand
    in any order and number. Position channels replace the joint's OFFSET, as in Blender; below the root they must not
    move, since a Motion's bones keep their length.

    Raises UserError, naming file and line, for a file that cannot be read or is not whole.
    """
    return _BvhReader(path, _lines(path)).motion(unit, _turn(up))


def write_bvh(path: str | os.PathLike, motion: Motion, unit: float = 1.0, up: str = "y") -> Path:
    """Write a motion as a Biovision hierarchy file and return its path: what `read_bvh` reads to within 1e-6.

    unit: metres per unit of the file (1 for Blender, 0.01 for programs that count in centimetres); up: "y" or "z".
    Rotations are written as Zrotation Xrotation Yrotation. A file that is there is replaced once the new one is
    complete. Raises UserError where the file cannot be written.
    """
    path, turn = Path(path), quaternion.conjugate(_turn(up))
    skeleton = motion.skeleton
    offsets, tips, root = (quaternion.rotate(turn, a) / unit for a in (skeleton.offsets, skeleton.tips, motion.root))
    turned = _conjugated(turn, motion.rotations)
    order = []
    lines = ["HIERARCHY"]

    def joint(number: int, indent: str) -> None:
        order.append(number)
        lines.append(f"{indent}{'JOINT' if number else 'ROOT'} {skeleton.names[number]}")
        lines.append(f"{indent}{{")
        lines.append(f"{indent}\tOFFSET {_row(offsets[number])}")
        places = "" if number else "Xposition Yposition Zposition "
        lines.append(f"{indent}\tCHANNELS {3 if number else 6} {places}Zrotation Xrotation Yrotation")
        children = [child for child, parent in enumerate(skeleton.parents) if parent == number]
        for child in children:
            joint(child, indent + "\t")
        if not children:
            lines.extend(f"{indent}\t{line}" for line in ("End Site", "{", f"\tOFFSET {_row(tips[number])}", "}"))
        lines.append(f"{indent}}}")

    joint(0, "")
    angles = np.degrees(quaternion.to_euler((2, 0, 1), turned[:, order]))
    lines += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.fps:.10f}"]
    lines += [_row(frame) for frame in np.concatenate([root, angles.reshape(len(motion), -1)], axis=1)]
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(
            f"cannot write '{path}': {error.strerror}; give a folder that exists and can be written"
        ) from None
    return path


class _BvhReader:
    """Walks down the lines of a BVH file, joint by joint, then frame by frame."""

    def __init__(self, path: str | os.PathLike, lines: list[str]):
        self.path, self.lines, self.number = path, lines, 0
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.tips: dict[int, list[float]] = {}
        self.channels: list[list[tuple[str, int]]] = []  # per joint: kind and axis

    def motion(self, unit: float, turn: NDArray) -> Motion:
        if self.words() != ["HIERARCHY"]:
            self.fail("does not start with HIERARCHY", "give a BVH file")
        if (words := self.words())[0] != "ROOT":
            self.fail(f"has '{words[0]}' where ROOT belongs", "export the skeleton again")
        self.joint(-1, words)
        if (words := self.words()) != ["MOTION"]:
            reason = "holds a second skeleton" if words[0] == "ROOT" else f"has '{words[0]}' where MOTION belongs"
            self.fail(reason, "export one skeleton alone")
        frames, seconds = self.count("Frames:"), self.count("Frame Time:")
        if frames < 1 or frames != int(frames):
            self.fail(f"has {frames:g} frames", "export at least one", back=1)
        if not seconds > 0:
            self.fail(f"has a frame time of {seconds:g} s", "give one above 0")
        width = sum(map(len, self.channels))
        rows = np.array([self.floats(self.words(), width, f"frame {k + 1} of {frames:g}") for k in range(int(frames))])
        return self.assemble(round(1 / seconds, 6), rows, unit, turn)

    def assemble(self, fps: float, rows: NDArray, unit: float, turn: NDArray) -> Motion:
        offsets = np.array(self.offsets)
        root = np.tile(offsets[0], (len(rows), 1))
        rotations, column = [], 0
        for joint, channels in enumerate(self.channels):
            turns = [(axis, column + k) for k, (kind, axis) in enumerate(channels) if kind == "rotation"]
            for k, (kind, axis) in enumerate(channels):
                place = rows[:, column + k]
                if kind == "rotation":
                    continue
                if joint == 0:
                    root[:, axis] = place
                elif np.ptp(place) * unit > 1e-3:
                    self.fail(
                        f"moves joint '{self.names[joint]}' along its bone", "export it with rotations only", line=0
                    )
                else:
                    offsets[joint, axis] = place[0]
            rotations.append(quaternion.from_euler([a for a, _ in turns], np.radians(rows[:, [c for _, c in turns]])))
            column += len(channels)
        tips = np.array([self.tips.get(joint, [0.0] * 3) for joint in range(len(self.names))])
        offsets, tips, root = (quaternion.rotate(turn, array) * unit for array in (offsets, tips, root))
        offsets[0] = 0.0
        skeleton = Skeleton(tuple(self.names), tuple(self.parents), offsets, tips)
        return Motion(fps, skeleton, root, _conjugated(turn, np.stack(rotations, axis=1)))

    def joint(self, parent: int, words: list[str]) -> None:
        joint = len(self.names)
        name = "_".join(words[1:])
        if not name or name in self.names:
            self.fail(f"has a joint {f'named {name!r} twice' if name else 'without a name'}", "name each once")
        self.names.append(name)
        self.parents.append(parent)
        self.expect("{")
        self.offsets.append(self.offset())
        words = self.words()
        if words[0] != "CHANNELS":
            self.fail(f"has '{words[0]}' where CHANNELS belong", "export the skeleton again")
        named = [re.fullmatch("([XYZ])(position|rotation)", word) for word in words[2:]]
        channels = [(match[2], "XYZ".index(match[1])) for match in named if match]
        if words[1:2] != [str(len(channels))] or len(channels) != len(named) or len({*channels}) != len(channels):
            self.fail(f"has the channels '{' '.join(words[1:])}'", "give their number, then names such as Zrotation")
        self.channels.append(channels)
        while (words := self.words())[0] != "}":
            if words[0] == "JOINT":
                self.joint(joint, words)
            elif words[:2] == ["End", "Site"]:
                self.expect("{")
                self.tips[joint] = self.offset()
                self.expect("}")
            else:
                self.fail(f"has '{words[0]}' where JOINT, End Site or }} belong", "export the skeleton again")

    def offset(self) -> list[float]:
        words = self.words()
        if words[0] != "OFFSET":
            self.fail(f"has '{words[0]}' where OFFSET belongs", "export the skeleton again")
        return self.floats(words[1:], 3, "OFFSET")

    def count(self, label: str) -> float:
        words = self.words()
        if " ".join(words[:-1]) != label:
            self.fail(f"has '{' '.join(words)}' where '{label}' belongs", "export the motion again")
        return self.floats(words[-1:], 1, label)[0]

    def expect(self, word: str) -> None:
        if (words := self.words()) != [word]:
            self.fail(f"has '{' '.join(words)}' where '{word}' belongs", "export the skeleton again")

    def words(self) -> list[str]:
        """Those of the next line that is not blank."""
        while self.number < len(self.lines):
            self.number += 1
            if words := self.lines[self.number - 1].split():
                return words
        self.fail("ends too early", "copy or export the whole file again")

    def floats(self, words: list[str], count: int, what: str) -> list[float]:
        if len(words) != count:
            self.fail(f"has {len(words)} numbers for {what}; its channels ask for {count}", "export the motion again")
        return _floats(words, f"'{self.path}', line {self.number},")

    def fail(self, reason: str, remedy: str, back: int = 0, line: int | None = None) -> NoReturn:
        where = f", line {self.number - back}," if line is None else ""
        raise UserError(f"'{self.path}'{where} {reason}; {remedy}")


def _floats(words: list[str], where: str) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        word = next(word for word in words if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word))
        raise UserError(f"{where} has '{word}' where a number belongs; export the motion again") from None
    if not np.isfinite(numbers).all():
        raise UserError(f"{where} has a number that is not finite; mend that frame, or leave it out")
    return numbers


def _row(numbers: NDArray) -> str:
    return " ".join(f"{number:.7f}" for number in np.round(numbers, 7) + 0.0)


def _lines(path: str | os.PathLike) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"cannot read '{path}': {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is not a text file; give a BVH file or a clip of 44 numbers per frame") from None


def _turn(up: str) -> NDArray:
    if up not in ("y", "z"):
        raise unknown("axis up", up, ["y", "z"])
    return FROM_Y_UP if up == "y" else quaternion.IDENTITY


def _conjugated(turn: NDArray, rotations: NDArray) -> NDArray:
    """Rotations, as they read in axes turned by `turn`."""
    return quaternion.multiply(quaternion.multiply(turn, rotations), quaternion.conjugate(turn))


# -- the humanoid of DeepMimic -----------------------------------------------------------------------------------------

# Its axes: x forward, y up, z to the right. Attachment points in metres.
HUMANOID = {
    "root": (None, (0, 0, 0)),
    "chest": ("root", (0, 0.236151, 0)),
    "neck": ("chest", (0, 0.223894, 0)),
    "right_hip": ("root", (0, 0, 0.084887)),
    "right_knee": ("right_hip", (0, -0.421546, 0)),
    "right_ankle": ("right_knee", (0, -0.409870, 0)),
    "right_shoulder": ("chest", (-0.024050, 0.243500, 0.183110)),
    "right_elbow": ("right_shoulder", (0, -0.274788, 0)),
    "left_hip": ("root", (0, 0, -0.084887)),
    "left_knee": ("left_hip", (0, -0.421546, 0)),
    "left_ankle": ("left_knee", (0, -0.409870, 0)),
    "left_shoulder": ("chest", (-0.024050, 0.243500, -0.183110)),
    "left_elbow": ("left_shoulder", (0, -0.274788, 0)),
}
HUMANOID_TIPS = {
    "neck": (0, 0.28, 0), "right_ankle": (0.13, -0.04, 0), "left_ankle": (0.13, -0.04, 0),
    "right_elbow": (0, -0.258947, 0), "left_elbow": (0, -0.258947, 0),
}  # fmt: skip
HUMANOID_HINGES = {"right_knee", "right_elbow", "left_knee", "left_elbow"}  # about z
HUMANOID_AXES = np.array([0.5, 0.5, -0.5, -0.5])
"""Turns the humanoid's axes into ours: (x, y, z) becomes (-z, -x, y)."""
NUMBERS = 44


def read_humanoid(path: str | os.PathLike) -> Motion:
    """A motion from a clip of the DeepMimic humanoid (Peng et al. 2018): JSON with "Frames", rows of 44 numbers.

    A row holds the seconds until the next, the root's position (3) and orientation, then the joints in the order of
    HUMANOID: a quaternion (w, x, y, z) each, but one angle in radians for knees and elbows, about the axis to the
    right. The last row's duration may be 0: it is a pose only.

    Raises UserError, naming file and line, for a file that cannot be read or is of another skeleton.
    """
    text = "\n".join(_lines(path))
    try:
        clip = json.loads(text)
    except json.JSONDecodeError as error:
        ends = error.pos >= len(text.rstrip()) - 1
        reason = "ends too early" if ends else f"is not JSON: {error.msg.lower()}"
        raise UserError(f"'{path}', line {error.lineno}, {reason}; copy the whole file again") from None
    if not isinstance(clip, dict) or not isinstance(clip.get("Frames"), list) or not clip["Frames"]:
        raise UserError(f"'{path}' has no \"Frames\"; give a clip of the DeepMimic humanoid")
    starts = [match.start() for match in re.finditer(r"\[[^\[\]]*\]", text[text.index('"Frames"') :])]
    rows = []
    for row, start in zip(clip["Frames"], starts, strict=False):
        where = f"'{path}', line {text.count(chr(10), 0, text.index(chr(34) + 'Frames' + chr(34)) + start) + 1},"
        if not isinstance(row, list) or len(row) != NUMBERS:
            found = len(row) if isinstance(row, list) else 1
            raise UserError(f"{where} has {found} numbers; a frame of the DeepMimic humanoid has {NUMBERS}")
        rows.append(_floats([str(number) for number in row], where))
    table = np.array(rows)
    seconds = table[:-1, 0]
    if not (seconds > 0).all():
        raise UserError(f"'{path}' has a frame of {seconds.min():g} s; give durations above 0")
    rotations, column = [], 4
    for name in HUMANOID:
        if name in HUMANOID_HINGES:
            rotations.append(quaternion.from_rotvec(table[:, column, None] * np.array([0, 0, 1])))
            column += 1
            continue
        turn = table[:, column : column + 4]
        length = np.linalg.norm(turn, axis=1, keepdims=True)
        if not (length > 0.5).all():
            raise UserError(f"'{path}' has a rotation of joint '{name}' of no length; mend that frame")
        rotations.append(turn / length)
        column += 4
    names = list(HUMANOID)
    skeleton = Skeleton(
        tuple(names),
        tuple(-1 if parent is None else names.index(parent) for parent, _ in HUMANOID.values()),
        quaternion.rotate(HUMANOID_AXES, np.array([offset for _, offset in HUMANOID.values()], float)),
        quaternion.rotate(HUMANOID_AXES, np.array([HUMANOID_TIPS.get(name, (0, 0, 0)) for name in names], float)),
    )
    fps = len(seconds) / seconds.sum() if len(seconds) else 30.0
    root = quaternion.rotate(HUMANOID_AXES, table[:, 1:4])
    motion = Motion(fps, skeleton, root, _conjugated(HUMANOID_AXES, np.stack(rotations, axis=1)))
    if len(seconds) and np.ptp(seconds) > 0.01 / fps:  # of uneven frames: even ones
        when = np.concatenate([[0], np.cumsum(seconds)])
        motion = motion._at(np.interp(np.arange(len(table)) / fps, when, np.arange(len(table))), fps)
    return motion


# -- from one skeleton to another --------------------------------------------------------------------------------------

NAMES = {
    "Hips": ("root", "pelvis", "hip"), "Chest": ("chest", "Spine1", "Spine"), "Neck": ("neck", "Head"),
    **{
        ours.replace("*", side): tuple(name.replace("*", side).replace("?", side.lower()) for name in theirs)
        for side in ("Left", "Right")
        for ours, theirs in {
            "*UpLeg": ("?_hip",), "*Leg": ("?_knee",), "*Foot": ("?_ankle",),
            "*Arm": ("?_shoulder",), "*ForeArm": ("?_elbow",),
        }.items()
    },
}  # fmt: skip
"""Joints of our figure, and what DeepMimic and CMU call them where it is something else."""


def retarget(motion: Motion, skeleton: Skeleton, hinges: tuple[str, ...] = ()) -> Motion:
    """The motion as another skeleton makes it, by joint names (see NAMES).

    Each bone points in the world where its model's does: joints that only the source has are passed over, and limbs
    that rest in another direction (hanging, or held out as a T) are aligned. The root's way is scaled by the length of
    the legs, and the lower ankle comes as low as at rest. `hinges` bend about their x axis alone: their parents turn
    about their own bones to make up for it.

    Raises UserError where the source lacks a joint that the skeleton has.
    """
    source = motion.skeleton
    found = {}
    for name in skeleton.names:
        found[name] = next((n for n in (name, *NAMES.get(name, ())) if n in source.names), None)
    if missing := [name for name, match in found.items() if match is None]:
        wanted = ", ".join(" or ".join((name, *NAMES.get(name, ()))) for name in missing[:3])
        raise UserError(f"the motion's skeleton has no joint {wanted}; give one of the names of BVH, CMU or DeepMimic")
    index = [source.names.index(found[name]) for name in skeleton.names]
    _, orientations = motion.forward_kinematics()
    turned = orientations[:, index]
    for joint, name in enumerate(skeleton.names):
        if re.search("Arm|Leg", name):
            turned[:, joint] = quaternion.multiply(
                turned[:, joint], quaternion.between(_bone(skeleton, joint), _bone(source, index[joint]))
            )
    for name in hinges:
        joint = skeleton.names.index(name)
        _bend_as_hinge(turned, skeleton.parents[joint], joint, np.sign(1 if "Leg" in name else -1))
    parents = list(skeleton.parents[1:])
    rotations = turned.copy()
    rotations[:, 1:] = quaternion.multiply(quaternion.conjugate(turned[:, parents]), turned[:, 1:])
    ours, theirs = (_leg(s, [s.names.index(n) for n in names]) for s, names in (
        (skeleton, ["LeftUpLeg", "LeftLeg", "LeftFoot"]),
        (source, [found["LeftUpLeg"], found["LeftLeg"], found["LeftFoot"]]),
    ))  # fmt: skip
    fitted = Motion(motion.fps, skeleton, motion.root * (ours / theirs), rotations)
    feet = [skeleton.names.index(f"{side}Foot") for side in ("Left", "Right")]
    floor = fitted.forward_kinematics()[0][:, feet, 2].min()
    return replace(fitted, root=fitted.root - [0, 0, floor + skeleton.tips[feet[0], 2]])


def _bone(skeleton: Skeleton, joint: int) -> NDArray:
    """Direction of the bone (3,) below a joint at rest: towards its first child that is not in the same place."""
    children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
    for child in children:
        if np.linalg.norm(skeleton.offsets[child]) > 1e-6:
            return skeleton.offsets[child]
    return skeleton.tips[joint] if not children else _bone(skeleton, children[0])


def _leg(skeleton: Skeleton, joints: list[int]) -> float:
    """Length from hip to ankle."""
    _, knee, ankle = joints
    return float(np.linalg.norm(skeleton.offsets[[knee, ankle]], axis=1).sum())


def _bend_as_hinge(turned: NDArray, upper: int, lower: int, sign: float) -> None:
    """Turn the upper joint of a limb about its bone, which hangs along -z, so that the lower bends about x alone."""
    relative = quaternion.multiply(quaternion.conjugate(turned[:, upper]), turned[:, lower])
    x, y, z = np.moveaxis(quaternion.rotate(relative, np.array([0.0, 0.0, -1.0])), -1, 0)
    bend = np.arctan2(np.hypot(x, y), -z)
    twist = np.arctan2(-sign * x, sign * y) * np.clip(bend / 0.3, 0, 1)  # a straight limb has no say
    twist = np.unwrap(twist)
    turned[:, upper] = quaternion.multiply(
        turned[:, upper], quaternion.from_rotvec(twist[:, None] * np.array([0, 0, 1]))
    )
    turned[:, lower] = quaternion.multiply(
        turned[:, upper], quaternion.from_rotvec(sign * bend[:, None] * np.array([1, 0, 0]))
    )
