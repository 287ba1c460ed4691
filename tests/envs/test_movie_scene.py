"""MovieScene: its physics, its brief, what each reward term measures, and that gaming a term does not pay."""

import numpy as np
import pytest

from rlfilm_lib.envs import movie_scene
from rlfilm_lib.envs.movie_scene import BRIEF, BRIEFS, OBSERVATION, MovieScene
from rlfilm_lib.film import framing

PICTURE = ("thirds", "headroom", "separation", "shot_size", "key_fill", "exposure")
EACH_BRIEF = pytest.mark.parametrize("brief", BRIEFS)
ALL_CONTROLS = pytest.mark.parametrize("controls", [1, 3, 9])


def staged(brief, camera=(0, 0, 0), lights=(0, 0, 0), character=None, top=1.75):
    """A scene at the expert's goal for the brief, with camera (m) and lights (stops) moved from there by so much.

    character: where on the floor, and top, it has moved after camera and lights were set. Returns the environment.
    """
    env = MovieScene(1, brief=brief)
    env.reset(seed=0)
    state = env.state()
    wanted, mark = state["brief"].T.astype(float), np.array([[0.0], [2.1], [top]])
    goal = movie_scene.camera_goal(mark, wanted)
    state["camera"] = goal.T + camera
    state["lights"] = movie_scene.light_goal(goal, mark, wanted).T + lights
    state["character"] = mark.T if character is None else np.array([character], float)
    env.restore(state)
    return env


def scored(env):
    """The terms of standing still for a step, and the reward."""
    _, rewards, _, _, terms = env.advance(np.zeros((1, env.controls)))
    return dict(zip(env.weights, terms[:, 0], strict=True)), rewards[0]


def episode(env, policy, seed=0):
    """Returns (N,) of the first episodes, the mean of each term over them, and which were truncated, not terminated."""
    observations, _ = env.reset(seed=seed)
    returns, going, total = np.zeros(env.num_envs), np.ones(env.num_envs, bool), np.zeros(len(env.weights))
    for _ in range(env.episode_steps):
        observations, rewards, terminated, _, info = env.step(policy(observations))
        returns += rewards * going
        total += [(term * going).mean() for term in info["reward_terms"].values()]
        going &= ~terminated
    return returns, dict(zip(env.weights, total / env.episode_steps, strict=True)), going


# Physics


def test_speed_limits_over_all_axes_together():
    assert np.linalg.norm(movie_scene.CAMERA_SPEED) <= 1.5
    assert np.linalg.norm(movie_scene.CHARACTER_SPEED[:2]) <= 1.2
    env = MovieScene(200)
    env.reset(seed=1)
    before = env.state()
    env.advance(np.random.default_rng(0).choice([-5.0, 5.0], (200, 9)))
    after = env.state()
    assert np.linalg.norm(after["camera"] - before["camera"], axis=1).max() <= 1.5 / 12 + 1e-6
    assert np.linalg.norm((after["character"] - before["character"])[:, :2], axis=1).max() <= 1.2 / 12 + 1e-6
    np.testing.assert_allclose(np.abs(after["lights"] - before["lights"]), 0.2, atol=1e-6)


def test_velocity_and_acceleration_are_the_cameras():
    env = MovieScene(1, controls=3)
    env.reset(seed=0)
    start = env.state()["camera"]
    env.advance(np.array([[0.5, 0.0, -1.0]]))
    state = env.state()
    np.testing.assert_allclose(state["velocity"], (state["camera"] - start) * 12, atol=1e-5)
    np.testing.assert_allclose(state["velocity"], [[0.4, 0.0, -0.4]], atol=1e-6)
    np.testing.assert_allclose(state["acceleration"], [[4.8, 0.0, -4.8]], atol=1e-5)
    np.testing.assert_allclose(state["jerk"], (57.6**2 * 2) / 6, rtol=1e-5)


def test_lights_and_character_stay_in_their_ranges():
    env = MovieScene(2)
    env.reset(seed=0)
    env.restore(env.state() | {"lights": np.array([[7.0] * 3, [-7.0] * 3])})
    for _ in range(47):
        env.step(np.array([[0, 0, 0] + [1] * 6, [0, 0, 0] + [-1] * 6]))
    state = env.state()
    np.testing.assert_allclose(state["lights"], [[8, 8, 8], [-8, -8, -8]])
    np.testing.assert_allclose(state["character"], [[1, 3, 1.75], [-1, 1, 1.30]])


@pytest.mark.parametrize(
    ("controls", "moves"), [(1, {"lights"}), (3, {"camera"}), (9, {"camera", "lights", "character"})]
)
def test_controls_move_only_what_they_name(controls, moves):
    env = MovieScene(1, controls=controls)
    env.reset(seed=4)
    before = env.state()
    env.advance(np.full((1, controls), 0.7))
    after = env.state()
    for name in ("camera", "lights", "character"):
        assert np.array_equal(before[name], after[name]) == (name not in moves)


def test_48_steps_then_truncated():
    env = MovieScene(1)
    env.reset(seed=0)
    cuts = [env.advance(np.zeros((1, 9)))[3][0] for _ in range(48)]
    assert cuts == [False] * 47 + [True]


def test_walking_into_the_camera_ends_the_take_with_the_penalty():
    env = staged("close", character=(0, 0.3, 1.75))
    camera = env.state()["camera"][0]
    camera[1] = 0.52
    env.restore(env.state() | {"character": np.array([[camera[0], 1.0, 1.6]]), "camera": camera[None]})
    actions = np.zeros((1, 9))
    actions[0, 1] = 1
    _, rewards, terminated, truncated, terms = env.advance(actions)
    assert terminated[0] and not truncated[0] and terms[-1, 0] == 1 and rewards[0] < -4


@pytest.mark.parametrize(("axis", "sign"), [(0, -1), (0, 1), (1, -1), (2, -1), (2, 1)])
def test_leaving_the_stage_ends_the_take(axis, sign):
    env = MovieScene(1)
    env.reset(seed=0)
    state = env.state()
    state["camera"][0] = [2.0, -4.0, 1.4]
    state["camera"][0, axis] = movie_scene.CAMERA_RANGE[axis, (sign + 1) // 2] - 0.01 * sign
    env.restore(state)
    actions = np.zeros((1, 9))
    assert not env.advance(actions)[2][0]
    actions[0, axis] = sign
    assert env.advance(actions)[2][0]


# How an episode begins


@ALL_CONTROLS
def test_episodes_begin_safe_in_frame_and_unsolved(controls):
    env = MovieScene(3000, controls=controls)
    observations, _ = env.reset(seed=5)
    assert observations in env.observation_space
    camera = env.state()["camera"]
    inside = (camera > movie_scene.CAMERA_RANGE[:, 0] + 0.2) & (camera < movie_scene.CAMERA_RANGE[:, 1] - 0.2)
    assert inside.all()
    assert (observations[:, OBSERVATION.index("face in frame")] == 1).all()
    _, rewards, terminated, _, terms = env.advance(np.zeros((3000, controls)))
    assert not terminated.any()
    assert rewards.max() < {1: 0.945, 3: 0.9, 9: 0.9}[controls]
    terms = dict(zip(env.weights, terms, strict=True))
    if controls == 1:
        assert terms["shot_size"].min() > 0.99 and terms["exposure"].max() < 0.7
    if controls == 3:
        assert terms["exposure"].min() > 0.99 and terms["key_fill"].min() > 0.99 and terms["shot_size"].max() < 0.85


def test_with_one_control_only_the_level_is_off():
    env = MovieScene(500, controls=1)
    env.reset(seed=0)
    state = env.state()
    columns = [state[name].T.astype(float) for name in ("camera", "character", "brief")]
    off = state["lights"].T - movie_scene.light_goal(*columns)
    np.testing.assert_allclose(off, np.broadcast_to(off[0], off.shape), atol=1e-4)
    assert np.abs(off).min() >= 0.74


# The brief


def test_drawn_briefs_cover_their_ranges():
    env = MovieScene(3000)
    env.reset(seed=0)
    brief = dict(zip(BRIEF, env.state()["brief"].T, strict=True))
    assert set(brief["focal length"]) == {25, 50, 85} and set(brief["side"]) == {-1, 1}
    for name, low, high in (("key:fill", 1, 3), ("exposure", -1, 1)):
        assert low <= brief[name].min() < low + 0.05 and high - 0.05 < brief[name].max() <= high
    for focal_length, size in ((25, "LS"), (50, "MS"), (85, "CU")):
        drawn = brief["shot size (log2 k)"][brief["focal length"] == focal_length]
        assert {framing.shot_size(2.0**k) for k in drawn} == {size}
    np.testing.assert_allclose(brief["u"], np.where(brief["side"] < 0, 1 / 3, 2 / 3), atol=1e-6)


@EACH_BRIEF
def test_named_briefs(brief):
    for env, options in ((MovieScene(2), {"brief": brief}), (MovieScene(2, brief=brief), {})):
        env.reset(seed=0, options=options)
        chosen = dict(zip(BRIEF, env.state()["brief"][1], strict=True))
        assert chosen["focal length"] == {"wide": 25, "medium": 50, "close": 85}[brief]
        assert 2 ** chosen["key:fill"] == pytest.approx(BRIEFS[brief]["key_fill"], rel=1e-5)
        assert 2 ** chosen["shot size (log2 k)"] == pytest.approx(BRIEFS[brief]["k"], rel=1e-5)


def test_a_brief_may_fix_some_entries_only():
    env = MovieScene(400)
    env.reset(seed=0, options={"brief": {"side": "left", "exposure": 0.25}})
    brief = dict(zip(BRIEF, env.state()["brief"].T, strict=True))
    assert (brief["side"] == -1).all() and (brief["exposure"] == 0.25).all() and len(set(brief["focal length"])) == 3


@pytest.mark.parametrize(
    ("brief", "message"),
    [
        ("wied", "unknown brief 'wied'; did you mean 'wide'"),
        ({"lense": "wide"}, "unknown entry of the brief 'lense'; did you mean 'lens'"),
        ({"lens": "tele"}, "unknown lens 'tele'"),
        ({"side": "middle"}, "unknown side 'middle'"),
        ({"key_fill": 40.0}, "key_fill=40.0 of the brief is out of range: give 2 to 8"),
        ({"exposure": float("nan")}, "exposure=nan of the brief is out of range"),
        ({"k": 0.4}, "needs its lens"),
    ],
)
def test_briefs_that_make_no_sense(brief, message):
    with pytest.raises(ValueError, match=message):
        MovieScene(1).reset(seed=0, options={"brief": brief})
    with pytest.raises(ValueError, match=message):
        MovieScene(1, brief=brief)


# What the terms measure


@EACH_BRIEF
def test_the_goal_fulfils_the_brief(brief):
    terms, reward = scored(staged(brief))
    for name in ("shot_size", "separation", "key_fill", "exposure", "smoothness"):
        assert terms[name] == pytest.approx(1, abs=1e-3)
    compromise = {"wide": 0.77, "medium": 0.87, "close": 0.99}[brief]
    assert terms["thirds"] >= compromise - 0.01 and terms["headroom"] >= compromise - 0.01
    assert reward >= 0.925


@EACH_BRIEF
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_goal_is_the_best_place_for_the_camera(brief, axis):
    _, best = scored(staged(brief))
    for sign in (-1, 1):
        offset = np.zeros(3)
        offset[axis] = (0.05, 0.5, 0.05)[axis] * sign
        assert scored(staged(brief, camera=offset))[1] < best


def test_framing_terms_agree_with_film_framing():
    env = MovieScene(300)
    env.reset(seed=3)
    *_, terms = env.advance(np.zeros((300, 9)))
    terms, state = dict(zip(env.weights, terms, strict=True)), env.state()
    brief = dict(zip(BRIEF, state["brief"].T.astype(float), strict=True))
    camera, character = state["camera"].astype(float), state["character"].astype(float)
    focal_length = brief["focal length"]
    turn = -brief["side"] * np.radians(15)
    eyes = character + np.stack([0.08 * np.sin(turn), -0.08 * np.cos(turn), np.full(300, -0.11)], axis=-1)
    u, v, depth = framing.project(eyes, camera, focal_length)
    _, v_top, _ = framing.project(character, camera, focal_length)
    k = framing.visible_height(depth, focal_length) / 1.75
    target = framing.headroom_target(2 ** brief["shot size (log2 k)"])
    np.testing.assert_allclose(terms["thirds"], framing.thirds(u, v, brief["side"]), atol=1e-4)
    octaves = np.log2(k) - brief["shot size (log2 k)"]
    np.testing.assert_allclose(terms["shot_size"], np.exp(-((octaves / 0.5) ** 2) / 2), atol=1e-4)
    gap = framing.headroom(v_top) - target
    np.testing.assert_allclose(terms["headroom"], np.exp(-((gap / 0.12) ** 2) / 2), atol=1e-4)


def test_light_terms_by_hand():
    """Key cheek, fill cheek, rim and backdrop of one scene, each metered light by light."""
    env = staged("medium", camera=(0.1, 0.2, 0), lights=(0.5, -0.4, 0.3))
    terms, _ = scored(env)
    state = env.state()
    camera, stops, (x, y, top) = state["camera"][0], state["lights"][0], state["character"][0]
    turn = np.radians(15)  # eyes on the left third: it looks to the right

    def metered(point, normal):
        """2^stops · 9 / d² · cos, summed over the lights, and the ambient light."""
        total = 0.02
        for position, stop in zip(movie_scene.LIGHT_POSITION, stops, strict=True):
            way = position - point
            distance = np.linalg.norm(way)
            total += 2**stop * 9 / distance**2 * max(0, normal @ way / distance)
        return total

    centre, cheeks = np.array([x, y, top - 0.11]), {}
    for name, angle in (("key", turn - np.pi / 4), ("fill", turn + np.pi / 4)):
        normal = np.array([np.sin(angle), -np.cos(angle), 0])
        cheeks[name] = metered(centre + 0.085 * normal, normal)
    up = np.radians(55)
    rim_normal = np.array([np.sin(up), 0, np.cos(up)])
    rim = metered(centre + 0.085 * rim_normal, rim_normal)
    beside = centre + np.array([0.2, 0, 0])
    wall = camera + (beside - camera) * (6 - camera[1]) / (beside[1] - camera[1])
    background = metered(wall, np.array([0.0, -1, 0]))
    errors = {
        "exposure": (np.log2(cheeks["key"]) - 0, 0.75),
        "key_fill": (np.log2(cheeks["key"] / cheeks["fill"]) - 2, 0.75),
        "separation": (np.log2(0.1 * rim / (0.2 * background)) - 1, 0.75),
    }
    for name, (error, tolerance) in errors.items():
        assert abs(error) > 0.1, "the scene should be a telling one"
        assert terms[name] == pytest.approx(np.exp(-((error / tolerance) ** 2) / 2), abs=1e-4)


def test_light_is_measured_on_the_face_not_on_the_sliders():
    """The same sliders light another place otherwise."""
    here, _ = scored(staged("medium"))
    there, _ = scored(staged("medium", character=(-0.6, 1.6, 1.75), camera=(-0.6, -0.5, 0)))
    assert there["shot_size"] == pytest.approx(here["shot_size"], abs=1e-3)
    assert there["exposure"] < here["exposure"] - 0.02


def test_smoothness_by_hand():
    """From rest to 0.8 m/s within a step: a jerk of 0.8 · 12² m/s³, and as much the other way to go on evenly."""
    env = staged("wide")
    actions = np.zeros((1, 9))
    actions[0, 0] = 1
    mean_square = 0.0
    for jerk in (0.8 * 144, -0.8 * 144, 0, 0):
        mean_square = 5 / 6 * mean_square + jerk**2 / 6
        terms = dict(zip(env.weights, env.advance(actions)[4][:, 0], strict=True))
        assert terms["smoothness"] == pytest.approx(1 / (1 + mean_square / 3600), rel=1e-4)


def test_the_observation_holds_all_that_the_reward_needs():
    """A scene rebuilt from the observations alone goes on to the same rewards and observations."""
    env = MovieScene(200)
    observations, _ = env.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(5):
        observations, *_ = env.step(rng.uniform(-1, 1, (200, 9)))
    rows = observations.T.astype(float)
    pose = rows[:9] * movie_scene.POSE_HALF + movie_scene.POSE_CENTRE
    motion = rows[21:27] * movie_scene.MOTION_SCALE
    wanted = movie_scene._wanted(*rows[9:14] * movie_scene.BRIEF_HALF + movie_scene.BRIEF_CENTRE)
    jerk = (1 / rows[27:28] - 1) * 3600
    rebuilt = MovieScene(200)
    rebuilt.reset(seed=99)
    rebuilt.restore(
        rebuilt.state()
        | {"camera": pose[:3].T, "lights": pose[3:6].T, "character": pose[6:].T, "brief": wanted.T, "jerk": jerk.T}
        | {"velocity": motion[:3].T, "acceleration": motion[3:].T, "elapsed": np.rint(rows[29] * 48).astype(int)}
    )
    actions = rng.uniform(-1, 1, (200, 9))
    ours, theirs = rebuilt.step(actions), env.step(actions)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)
    np.testing.assert_allclose(ours[0], theirs[0], atol=2e-3)


def test_observations_stay_in_their_space_whatever_happens():
    env = MovieScene(300)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    extreme = rng.choice([-1.0, 1.0], (300, 9))
    for _ in range(100):
        observations, rewards, *_, info = env.step(extreme)
        assert observations in env.observation_space and np.isfinite(rewards).all()
        assert all(o is None or o in env.single_observation_space for o in info.get("final_obs", []))


# Gaming a term does not pay


@EACH_BRIEF
@pytest.mark.parametrize(
    "way_out",
    [{"camera": (2.2, 0, 0)}, {"camera": (0, 0, -1.5)}, {"camera": (0, 4.5, 0)}],
    ids=["aside", "below", "behind the camera"],
)
def test_no_face_in_frame_no_score(brief, way_out):
    if brief == "wide" and way_out["camera"][0]:
        way_out = {"camera": (-3.2, 0, 0)}
    env = staged(brief, **way_out)
    if brief == "wide" and way_out["camera"][2]:
        env.restore(env.state() | {"camera": np.array([[0.0, 1.0, 0.3]])})
    if way_out["camera"][1]:
        env.restore(env.state() | {"camera": np.array([[0.6, 3.5, 1.6]])})
    terms, _ = scored(env)
    assert [terms[name] for name in PICTURE] == [0] * 6


@pytest.mark.parametrize("controls", [3, 9])
def test_standing_still_for_smoothness_does_not_pay(controls):
    env = MovieScene(256, controls=controls)
    still, still_terms, _ = episode(env, lambda o: np.zeros((256, controls)))
    best, *_ = episode(env, env.expert_policy())
    assert still_terms["smoothness"] == 1
    assert (best > still).mean() > 0.99 and best.mean() > still.mean() + 8


@pytest.mark.parametrize("controls", [3, 9])
def test_a_dash_scores_less_than_a_smooth_move(controls):
    """To the same goal at full speed, and stop dead."""
    env = MovieScene(256, controls=controls)
    expert = env.expert_policy()

    def dash(observations):
        rows = observations.T.astype(float)
        camera, _, character = np.split(rows[:9] * movie_scene.POSE_HALF + movie_scene.POSE_CENTRE, 3)
        wanted = movie_scene._wanted(*rows[9:14] * movie_scene.BRIEF_HALF + movie_scene.BRIEF_CENTRE)
        actions = expert(observations)
        way = movie_scene.camera_goal(character, wanted) - camera
        actions[:, :3] = np.clip(way / movie_scene.INCREMENT[:3], -1, 1).T
        return actions

    dashed, smooth = episode(env, dash), episode(env, expert)
    assert dashed[1]["smoothness"] < smooth[1]["smoothness"] - 0.1
    assert dashed[0].mean() < smooth[0].mean() - 0.3


@EACH_BRIEF
@pytest.mark.parametrize("stops", [-20, 20], ids=["all off", "blown out"])
def test_no_light_and_too_much_light_do_not_pay(brief, stops):
    """With the lights off what is around lights the face evenly: no key:fill that a brief asks for, and no rim."""
    env = staged(brief, lights=(stops,) * 3)
    state = env.state()
    env.restore(state | {"lights": np.clip(state["lights"], -8, 8)})
    terms, reward = scored(env)
    assert terms["exposure"] < 0.01 and terms["key_fill"] < 0.5
    assert reward < scored(staged(brief))[1] - 0.2
    if stops < 0:
        assert terms["separation"] < 0.05


@EACH_BRIEF
@pytest.mark.parametrize(
    ("lights", "falls"),
    [((-9, 0, 0), "key_fill"), ((0, -9, 0), "key_fill"), ((0, 0, -9), "separation"), ((0, 0, 4), "separation")],
    ids=["no key", "no fill", "no back light", "too much back light"],
)
def test_each_light_is_needed(brief, lights, falls):
    terms, reward = scored(staged(brief, lights=lights))
    assert terms[falls] < 0.75 and reward < scored(staged(brief))[1] - 0.05


@EACH_BRIEF
@pytest.mark.parametrize("camera_follows", [False, True])
def test_seating_the_character_wins_nothing(brief, camera_follows):
    """Headroom follows from where camera and head are to each other, so a seated character is no way around it."""
    _, best = scored(staged(brief, top=1.75))
    if camera_follows:
        assert scored(staged(brief, top=1.30))[1] == pytest.approx(best, abs=5e-3)
    else:
        assert scored(staged(brief, character=(0, 2.1, 1.30)))[1] < best - 0.05


@EACH_BRIEF
def test_headroom_bought_with_the_camera_costs_the_other_terms(brief):
    """Craning the camera until the gap above the head is exact takes the eyes off the upper third, or wins nothing."""
    terms, best = scored(staged(brief))
    rewards = []
    for up in np.linspace(-0.6, 0.6, 121):
        moved, reward = scored(staged(brief, camera=(0, 0, up)))
        rewards.append(reward)
        if moved["headroom"] > 0.999 and terms["headroom"] < 0.9:
            assert moved["thirds"] < terms["thirds"] - 0.2
    assert max(rewards) <= best + 1e-3


def test_a_huge_distance_does_not_pay():
    """From the far end of the stage everything is sharp, small and safe, and the close-up is gone."""
    env = staged("close")
    camera = env.state()["camera"]
    camera[0, 1] = movie_scene.CAMERA_RANGE[1, 0] + 0.1
    env.restore(env.state() | {"camera": camera})
    terms, reward = scored(env)
    assert terms["shot_size"] < 0.01 and reward < scored(staged("close"))[1] - 0.25


def test_ending_the_take_early_does_not_pay():
    """Rewards are never negative but for the penalty, so a take that only lasts beats one that runs into something."""
    env = MovieScene(256, controls=3)
    still, *_ = episode(env, lambda o: np.zeros((256, 3)))
    for way in ([0.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, -1.0]):
        returns, _, lasted = episode(env, lambda o, way=way: np.tile(way, (256, 1)))
        assert (~lasted).sum() > 20 and (returns < still)[~lasted].all()


# The expert


@ALL_CONTROLS
def test_the_expert_fulfils_every_brief(controls):
    env = MovieScene(1000, controls=controls)
    observations, _ = env.reset(seed=11)
    expert = env.expert_policy()
    for _ in range(47):
        observations, _, terminated, _, info = env.step(expert(observations))
        assert not terminated.any()
    terms = info["reward_terms"]
    for name in ("shot_size", "separation", "key_fill", "exposure", "smoothness"):
        assert terms[name].min() > 0.97, name
    assert min(terms["thirds"].min(), terms["headroom"].min()) > 0.7


def test_the_expert_needs_nothing_but_the_observation():
    env = MovieScene(50)
    observations, _ = env.reset(seed=0)
    expert = env.expert_policy()
    actions = expert(observations)
    env.reset(seed=1)
    np.testing.assert_array_equal(expert(observations), actions)
    np.testing.assert_allclose(expert(observations[7:8]), actions[7:8], atol=1e-9)
    assert actions.shape == (50, 9) and np.abs(actions).max() <= 1


def climbed(controls, seed, candidates=256, rounds=12):
    """The return of the expert's episode, and the best found by hill climbing on its actions, the scene being known."""
    one, many = MovieScene(1, controls=controls), MovieScene(candidates, controls=controls)
    observations, _ = one.reset(seed=seed)
    start, expert, plan = one.state(), one.expert_policy(), []
    for _ in range(one.episode_steps):
        plan.append(expert(observations)[0])
        observations, *_ = one.advance(plan[-1][None])
    best, rng, found = np.array(plan), np.random.default_rng(seed), []
    many.reset(seed=0)
    for _ in range(rounds):
        noise = rng.normal(size=(candidates, 6, controls)).repeat(8, axis=1)
        tries = best + noise * rng.choice([0.02, 0.1, 0.5], (candidates, 1, 1))
        tries[0] = best
        many.restore({name: np.repeat(value, candidates, axis=0) for name, value in start.items()})
        returns = sum(many.advance(tries[:, t])[1] for t in range(one.episode_steps))
        best = tries[returns.argmax()]
        found.append((returns[0], returns.max()))
    return found[0][0], found[-1][1]


@ALL_CONTROLS
def test_a_search_around_the_expert_stays_within_the_yardstick(controls):
    """An agent that could score above 1.05 would mean that the expert is too weak."""
    scale = MovieScene.metadata["yardsticks"][controls]
    expert, best = np.mean([climbed(controls, seed) for seed in range(4)], axis=0)
    assert expert <= best < expert + 0.05 * (scale["expert"] - scale["random"])


# The take


def test_a_take_has_two_frames_per_step():
    env = MovieScene(3)
    observations, _ = env.reset(seed=0, options={"brief": "close"})
    expert, states = env.expert_policy(), [env.state()]
    for _ in range(48):
        observations, *_ = env.advance(expert(observations))
        states.append(env.state())
    take = env.take(states, index=2)
    assert len(take) == 96 and take.fps == 24
    for step in (0, 10, 47):
        np.testing.assert_allclose(take.camera_position[2 * step], states[step]["camera"][2], atol=1e-6)
        middle = (states[step]["camera"][2] + states[step + 1]["camera"][2]) / 2
        np.testing.assert_allclose(take.camera_position[2 * step + 1], middle, atol=1e-5)
        np.testing.assert_allclose(take.light_stops[2 * step], states[step]["lights"][2], atol=1e-6)
    assert (take.focal_length == 85).all() and (take.f_stop == 2.0).all()


def test_a_take_shows_what_the_viewfinder_measures():
    """The figure's eyes project to where the observation says they are, and the focus is on them."""
    from rlfilm_lib.stage import figure

    env = MovieScene(1)
    for seed in range(6):
        observations, _ = env.reset(seed=seed)
        take = env.take([env.state()])
        assert len(take) == 1
        eyes = [figure.NAMES.index(f"{side} eye") for side in ("left", "right")]
        middle = take.capsule_start[0, eyes].mean(axis=0)
        u, v, depth = framing.project(middle, take.camera_position[0], take.focal_length[0])
        error = observations[0, [OBSERVATION.index("u error"), OBSERVATION.index("v error")]] / 1.5
        side = env.state()["brief"][0, BRIEF.index("side")]
        np.testing.assert_allclose([u - 0.5 - side / 6, v - 2 / 3], error, atol=0.02)
        assert take.focus_distance[0] == pytest.approx(depth, abs=0.02)


def test_legs_move_with_the_distance_walked():
    env = MovieScene(1)
    env.reset(seed=0)
    states = [env.state()]
    for walk in (1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0):
        env.advance(np.array([[0, 0, 0, 0, 0, 0, -walk * np.sign(states[0]["character"][0, 0]), 0, 0]]))
        states.append(env.state())
    take = env.take(states)
    feet = [i for i, name in enumerate(take.capsule_name) if "shoe" in name]
    swing = take.capsule_start[:, feet] - take.capsule_start[:, :1]
    assert np.ptp(swing[:12], axis=0).max() > 0.1
    np.testing.assert_allclose(swing[-1], swing[-2], atol=1e-6)
