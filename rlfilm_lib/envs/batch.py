"""Batch-first environments: every task once, over N environments at a time, and its one-environment face.

A task is a subclass of `BatchEnv` with three methods: `_begin` (write the start of an episode), `_advance` (one step of
every environment) and `_observe`. Seeding, time limit, autoreset, `info`, `state()` and rendering live here. One whose
episodes have a brief is a `BriefedEnv`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError, unknown

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
DRAWS_PER_EPISODE = 64


def mix(counter: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output function: (...) 64-bit counters to (...) random-looking bits, one for one.

    Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. The generator of seed 0
    starts with

    >>> hex(mix(np.array([1], np.uint64) * GOLDEN)[0])
    '0xe220a8397b1dcdaf'
    """
    bits = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def uniforms(key: NDArray[np.uint64], episode: NDArray[np.uint64], draws: int) -> NDArray:
    """The random numbers of one episode: (draws, N) in [0, 1), a function of each environment's key and episode alone.

    key, episode: (N,); draws: 64 at most. Being counters, not generators, the streams of all environments are drawn in
    one go and their whole state is the two numbers.

    >>> key = np.array([1, 2], np.uint64)
    >>> first, second = (uniforms(key, np.full(2, episode, np.uint64), 3) for episode in (0, 1))
    >>> first.shape, len(np.unique([first, second]))
    ((3, 2), 12)
    """
    counter = episode * np.uint64(DRAWS_PER_EPISODE) + np.arange(1, draws + 1, dtype=np.uint64)[:, None]
    return (mix(key + counter * GOLDEN) >> np.uint64(11)) * 2.0**-53


def between(bounds: Any, uniform: NDArray) -> NDArray:
    """Uniform numbers in [0, 1) to numbers within the bounds, low and high, each of which broadcasts.

    >>> between((2.0, 6.0), np.array([0.0, 0.25])).tolist()
    [2.0, 3.0]
    """
    low, high = bounds
    return low + (high - low) * uniform


def beyond(magnitude: Any, uniform: NDArray) -> NDArray:
    """Uniform numbers in [0, 1) to numbers of either sign, of a magnitude within the bounds.

    >>> beyond((2.0, 6.0), np.array([0.25, 0.75])).tolist()
    [-4.0, 4.0]
    """
    spread = 2 * uniform - 1
    return np.sign(spread) * between(magnitude, np.abs(spread))


def column(values: Any) -> NDArray[np.float32]:
    """Constants of the rows of a scene, (rows, 1) float32."""
    return np.array(values, np.float32)[:, None]


def padded(rows: int, n: int) -> NDArray[np.float32]:
    """An empty (rows, n) array that is quick to transpose.

    At a distance of a power of two, as with 1,024 environments, rows push one another out of the cache while they are
    transposed, which is eight times slower; so each is followed by a gap."""
    return np.empty((rows, n + 16), np.float32)[:, :n]


def check_controls(controls: int, offered: Mapping[int, str]) -> None:
    """UserError unless the number of controls is one of those offered, {number: what it drives}."""
    if controls not in offered:
        *others, last = (f"{number} ({what})" for number, what in offered.items())
        raise UserError(f"controls={controls} is not offered: give {', '.join(others)} or {last}")


class BatchEnv(gym.vector.VectorEnv):
    """N copies of a task, stepped side by side, with SAME_STEP autoreset.

    Environment i of a batch seeded s lives through the same episodes as a single environment seeded s + i. A step
    returns observations (N, F) float32, rewards (N,) float64, terminated and truncated (N,) bool, and
      info["reward_terms"]  {term: (N,)}, about [0, 1], of the step just taken: reward = sum of weights[term] · term;
      info["final_obs"], info["final_info"], with their masks, as Gymnasium's SyncVectorEnv lays them out.

    A subclass declares `weights`, `episode_steps` and `draws`, the uniforms it needs to begin an episode, and keeps all
    that persists in `self.scene`, {name: (rows, N) array}."""

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium declares it so)
        "render_modes": ["rgb_array"],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    weights: ClassVar[dict[str, float]]
    episode_steps: ClassVar[int]
    draws: ClassVar[int]
    options: ClassVar[tuple[str, ...]] = ()
    """Of the reset, beside `reset_mask`."""

    scene: dict[str, NDArray]

    def __init__(
        self, num_envs: int, observation_space: gym.Space, action_space: gym.Space, render_mode: str | None = None
    ) -> None:
        if num_envs < 1:
            raise UserError(f"num_envs={num_envs} is out of range: give 1 or more")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise unknown("render_mode", render_mode, self.metadata["render_modes"])
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.elapsed = np.zeros(num_envs, np.int64)
        self._key: NDArray[np.uint64] | None = None
        self._episode = np.zeros(num_envs, np.uint64)
        self._weights = np.array(list(self.weights.values()))[:, None]

    # What a task writes

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        """Write the start of an episode into the environments at `index`; uniform: (draws, n); options: of those
        declared, what was given."""
        raise NotImplementedError

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Take one step: new observations (N, F), terms (len(weights), N) and terminated (N,), all freshly made."""
        raise NotImplementedError

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        """Observations (n, F) float32 of the environments at `index`."""
        raise NotImplementedError

    # What Gymnasium asks for

    def reset(  # type: ignore[override]
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Begin new episodes: observations (N, F) and an empty info.

        seed: environment i gets seed + i; or a list of N seeds; or None to go on with the streams as they are. options
        are those of the task; `reset_mask`, (N,) bool, leaves the environments where it is False alone."""
        seeds: list[int] | None = seed  # type: ignore[assignment]
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seeds = [int(seed) + i for i in range(self.num_envs)]
        elif seed is None and self._key is None:
            seeds = self.np_random.integers(2**62, size=self.num_envs).tolist()
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        for option in options:
            if option not in self.options:
                raise unknown("reset option", option, [*self.options, "reset_mask"])
        index = slice(None) if mask is None else np.flatnonzero(self._checked_mask(mask))
        if seeds is not None:
            if len(seeds) != self.num_envs:
                raise ValueError(f"got {len(seeds)} seeds for {self.num_envs} environments: give one each")
            key = mix(np.array([s % 2**64 for s in seeds], np.uint64) + GOLDEN)
            if self._key is None:
                self._key = key
            self._key[index] = key[index]
            self._episode[index] = 0
        self._restart(index, options)
        return self._observe(), {}

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """Step every environment; those whose episode ends begin the next one at once, see the class's description."""
        observations, rewards, terminated, truncated, terms = self.advance(actions)
        info: dict[str, Any] = {"reward_terms": dict(zip(self.weights, terms, strict=True))}
        done = terminated | truncated
        ended = np.flatnonzero(done)
        if len(ended):
            index = slice(None) if len(ended) == self.num_envs else ended
            info |= self._final(observations, terms, done, ended)
            self._restart(index, {})
            observations[index] = self._observe(index)
        return observations, rewards, terminated, truncated, info

    def advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
        """One step without autoreset: observations, rewards, terminated, truncated and terms (len(weights), N)."""
        observations, terms, terminated = self._advance(actions)
        self.elapsed += 1
        truncated = (self.elapsed >= self.episode_steps) & ~terminated
        rewards = np.add.reduce(self._weights * terms, axis=0)
        return observations, rewards, terminated, truncated, terms

    def render(self) -> tuple[NDArray, ...] | None:
        """One (height, width, 3) uint8 picture per environment, or None without render_mode="rgb_array"."""
        if self.render_mode is None:
            return None
        from rlfilm_lib.stage.preview import render

        state = self.state()
        return tuple(render(self.take([state], index))[0] for index in range(self.num_envs))

    # What Gymnasium leaves out

    def random_policy(self, seed: int = 0) -> Callable[..., NDArray]:
        """Uniformly random actions: policy(observations (N, F), deterministic=True) -> actions (N, ...)."""
        space, rng = self.single_action_space, np.random.default_rng(seed)

        def policy(observations: NDArray, deterministic: bool = True) -> NDArray:
            if isinstance(space, gym.spaces.Discrete):
                return rng.integers(space.start, space.start + space.n, len(observations))
            assert isinstance(space, gym.spaces.Box)
            return rng.uniform(space.low, space.high, (len(observations), *space.shape)).astype(space.dtype)

        return policy

    def expert_policy(self) -> Callable[..., NDArray]:
        """A policy that knows everything about the task: policy(observations (N, F), deterministic=True) -> actions."""
        raise NotImplementedError

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> Any:
        """The shot that one environment filmed, as a `rlfilm_lib.stage.take.Take`, from its states step by step."""
        raise NotImplementedError

    def state(self) -> dict[str, NDArray]:
        """Everything that a later `restore` needs to go on exactly, as named arrays (N, ...), the random streams
        included."""
        if self._key is None:
            raise RuntimeError("there is no state before the first reset: call reset() first")
        streams = {"key": self._key, "episode": self._episode, "elapsed": self.elapsed}
        return {name: array.T.copy() for name, array in (streams | self.scene).items()}

    def restore(self, state: dict[str, NDArray]) -> NDArray:
        """Go back to a `state()`. Returns the observations (N, F) there. ValueError for a state of another
        environment."""
        expected = {"key", "episode", "elapsed", *self.scene}
        if set(state) != expected:
            raise ValueError(f"not a state of this environment: it must hold {sorted(expected)}, got {sorted(state)}")
        if len(state["key"]) != self.num_envs:
            raise ValueError(f"a state of {len(state['key'])} environments cannot be restored in {self.num_envs}")
        self._key, self._episode, self.elapsed = (np.array(state[name]) for name in ("key", "episode", "elapsed"))
        for name, array in self.scene.items():
            array[...] = state[name].T
        return self._observe()

    def _restart(self, index: NDArray | slice, options: dict[str, Any]) -> None:
        assert self._key is not None, "call reset() before step()"
        self._begin(index, uniforms(self._key[index], self._episode[index], self.draws), options)
        self._episode[index] += np.uint64(1)
        self.elapsed[index] = 0

    def _final(self, observations: NDArray, terms: NDArray, done: NDArray, ended: NDArray) -> dict[str, Any]:
        final_obs = np.full(self.num_envs, None, dtype=object)
        for i, observation in zip(ended, observations[ended], strict=True):
            final_obs[i] = observation
        final_terms: dict[str, NDArray] = {}
        for name, term in zip(self.weights, terms, strict=True):
            final_terms[name], final_terms[f"_{name}"] = np.where(done, term.astype(float), 0), done.copy()
        final_info = {"reward_terms": final_terms, "_reward_terms": done.copy()}
        return {"final_obs": final_obs, "_final_obs": done.copy(), "final_info": final_info, "_final_info": done.copy()}

    def _checked_mask(self, mask: Any) -> NDArray[np.bool_]:
        fits = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (self.num_envs,)
        if not fits or not mask.any():
            raise ValueError(f"reset_mask must be bool of shape ({self.num_envs},) with a True in it, got {mask!r}")
        return mask


class BriefedEnv(BatchEnv):
    """A task that fulfils a brief with so many `controls`, each an action in [-1, 1].

    A brief is a dict of entries, or the name of one. `brief=` of the constructor fixes it for all episodes and
    `reset(options={"brief": ...})` for one; what it does not fix is drawn. UserError for one that makes no sense.

    A subclass declares what there is of these, and writes `_checked` and, in place of `_begin`, `_set_up`."""

    offered: ClassVar[dict[int, str]]
    """Numbers of controls, and what each drives."""
    entries: ClassVar[Collection[str]]
    """Of a brief."""
    briefs: ClassVar[Mapping[str, dict[str, Any]]] = {}
    """Named briefs."""
    options: ClassVar[tuple[str, ...]] = ("brief",)
    """Of the reset; further ones than the brief are keywords of `_set_up`."""

    def __init__(
        self, num_envs: int, controls: int, observed: int, limit: float, brief: Any, render_mode: str | None
    ) -> None:
        """observed: how many numbers an observation has, of at most `limit` either way."""
        check_controls(controls, self.offered)
        super().__init__(
            num_envs,
            gym.spaces.Box(-limit, limit, (observed,), np.float32),
            gym.spaces.Box(-1.0, 1.0, (controls,), np.float32),
            render_mode,
        )
        self.controls = controls
        self.brief = self._fixed(brief)
        if self.brief:  # the yardsticks were measured over all briefs
            self.metadata = self.metadata | {"yardsticks": {}}

    # What a task writes

    def _checked(self, brief: dict[str, Any]) -> dict[str, Any]:
        """What a brief of known entries fixes. UserError where a value makes no sense."""
        raise NotImplementedError

    def _set_up(self, index: NDArray | slice, uniform: NDArray, brief: dict[str, Any]) -> None:
        """Write the start of an episode of the brief into the environments at `index`; uniform: (draws, n)."""
        raise NotImplementedError

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        brief = self._fixed(options.get("brief")) or self.brief
        self._set_up(index, uniform, **options | {"brief": brief})

    def _fixed(self, brief: Any) -> dict[str, Any]:
        """What a brief, or the name of one, fixes."""
        if isinstance(brief, str) and self.briefs:
            if brief not in self.briefs:
                raise unknown("brief", brief, self.briefs)
            brief = self.briefs[brief]
        if brief is None:
            return {}
        if not isinstance(brief, dict):
            raise UserError(f"brief={brief!r} is no brief: give a dict with some of {', '.join(self.entries)}")
        for entry in brief:
            if entry not in self.entries:
                raise unknown("entry of the brief", entry, self.entries)
        return self._checked(brief)


class SingleEnv(gym.Env):
    """One environment of a batched task, as `gym.make` gives it; `batch` is the batch of one it plays in.

    Episodes end as Gymnasium's do, without autoreset; info["reward_terms"] holds floats.

    class OneTask(SingleEnv, task=Task): ...
    """

    task: ClassVar[type[BatchEnv]]

    def __init_subclass__(cls, task: type[BatchEnv], **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.task = task
        cls.metadata = {key: value for key, value in task.metadata.items() if key != "autoreset_mode"}

    def __init__(self, **kwargs: Any) -> None:
        self.batch = self.task(1, **kwargs)
        self.observation_space = self.batch.single_observation_space
        self.action_space = self.batch.single_action_space
        self.render_mode = self.batch.render_mode

    def __getattr__(self, name: str) -> Any:
        """Whatever else the task offers: controls, weights, state, restore, take, expert_policy ..."""
        if name.startswith("_") or name == "batch":
            raise AttributeError(name)
        return getattr(self.batch, name)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Begin an episode: observation (F,) and an empty info."""
        super().reset(seed=seed)
        observations, info = self.batch.reset(seed=seed, options=options)
        return observations[0], info

    def step(self, action: NDArray) -> tuple[NDArray, float, bool, bool, dict[str, Any]]:
        """One step: observation (F,), reward, terminated, truncated, {"reward_terms": {term: value}}."""
        observations, rewards, terminated, truncated, terms = self.batch.advance(np.asarray(action)[None])
        info = {"reward_terms": dict(zip(self.batch.weights, terms[:, 0].tolist(), strict=True))}
        return observations[0], rewards.item(), terminated.item(), truncated.item(), info

    def render(self) -> NDArray | None:
        """The picture as it is now, (height, width, 3) uint8, or None without render_mode="rgb_array"."""
        pictures = self.batch.render()
        return None if pictures is None else pictures[0]
