"""CameraMove-v0: an operator's physics, the brief, every term against film craft worked out apart, and the expert."""

import numpy as np
import pytest

from rlfilm_lib.envs import camera_move, yardsticks
from rlfilm_lib.envs.camera_move import AXES, BRIEF, BRIEFS, FOCUS, IRIS, MOVEMENTS, OBSERVATION, PAN, TILT, ZOOM, Z
from rlfilm_lib.envs.camera_move import CameraMove as Env
from rlfilm_lib.film import framing, lens

ID = "rlfilm/CameraMove-v0"
ALL_CONTROLS = pytest.mark.parametrize("controls", [1, 3, 8])
EACH_MOVEMENT = pytest.mark.parametrize("movement", MOVEMENTS)
SPEED = np.array([axis.speed for axis in AXES])


def readings(observations):
    """What is read of the scene, by name, each (N,)."""
    return dict(
        zip(
            OBSERVATION,
            (observations.T.astype(float) * camera_move.HALF + camera_move.CENTRE),
            strict=True,
        )
    )


def scored(env, actions=None):
    """The terms of a step, each (N,), and the rewards."""
    _, rewards, _, _, terms = env.advance(np.zeros((env.num_envs, env.controls)) if actions is None else actions)
    return dict(zip(env.weights, terms, strict=True)), rewards


def episode(env, policy, seed=0, steps=camera_move.STEPS):
    """Returns (N,) of the first episodes, the mean of each term over them, and which were not terminated."""
    observations, _ = env.reset(seed=seed)
    returns, going, total = np.zeros(env.num_envs), np.ones(env.num_envs, bool), np.zeros(len(env.weights))
    for _ in range(steps):
        observations, rewards, terminated, _, terms = env.advance(policy(observations))
        returns += rewards * going
        total += (terms * going).mean(axis=1)
        going &= ~terminated
    return returns, dict(zip(env.weights, total / steps, strict=True)), going


def operated(**fixed):
    """A policy that does as the expert does, but for the axes that are fixed to an action."""

    def policy(observations):
        actions = camera_move.expert(observations, 8)
        for axis, action in fixed.items():
            actions[:, getattr(camera_move, axis)] = action
        return actions

    return policy


def nothing(observations):
    return np.zeros((len(observations), 8))


# Physics


def test_velocity_follows_the_hand_with_its_time_constant():
    """63 % of the way in 0.25 s, which is three steps."""
    env = Env(1)
    env.reset(seed=0)
    action = np.array([[0.5, -0.5, 1, 1, -1, 0.2, -0.2, 1]])
    state = env.state()
    state["camera"][0, 3:] = [0, 0, 5.5, 1, 4]
    env.restore(state)
    for step in range(3):
        env.advance(action)
        expected = action[0, 2:] * SPEED[2:] * (1 - np.exp(-(step + 1) / 3))
        np.testing.assert_allclose(env.state()["rates"][0, 2:], expected, rtol=1e-3, atol=1e-5)


def test_dolly_goes_where_the_camera_looks():
    env = Env(2)
    env.reset(seed=0)
    state = env.state()
    state["camera"][:, :PAN] = [-7, -7, 1.5]
    state["camera"][:, PAN] = [0, np.pi / 2]
    env.restore(state)
    actions = np.zeros((2, 8))
    actions[:, 1] = 1
    env.advance(actions)
    first = 1.6 * (1 - np.exp(-1 / 3))
    np.testing.assert_allclose(env.state()["rates"][:, :2], [[0, first], [first, 0]], atol=1e-5)


def test_the_lens_and_the_head_have_stops():
    env = Env(2)
    env.reset(seed=0)
    state = env.state()
    state["camera"][:, :2] = [-7, -7]
    env.restore(state)
    for _ in range(70):
        env.advance(np.array([[0, 0, 1, 1, 1, 1, 1, 1], [0, 0, -1, -1, -1, -1, -1, -1]]))
    camera, rates = env.state()["camera"][:, Z:], env.state()["rates"][:, Z:]
    np.testing.assert_allclose(2 ** camera[:, ZOOM - Z], [135, 18], rtol=1e-5)
    np.testing.assert_allclose(lens.f_stop(camera[:, IRIS - Z]).round(1), [22.6, 1.4])
    np.testing.assert_allclose(camera, [[axis.high for axis in AXES[2:]], [axis.low for axis in AXES[2:]]], rtol=1e-5)
    assert (rates == 0).all(), "what stands against a stop has no velocity"


def test_acceleration_and_jerk_are_the_cameras():
    env = Env(1)
    env.reset(seed=0)
    v = SPEED[Z] * (1 - np.exp(-1 / 3))
    action = np.zeros((1, 8))
    action[0, Z] = 1
    terms, _ = scored(env, action)
    np.testing.assert_allclose(env.state()["acceleration"][0], [0, 0, 12 * v, 0, 0, 0], atol=1e-4)
    assert terms["smoothness"] == pytest.approx(1 / (1 + (144 * v / 20) ** 2 / 6), rel=1e-3)


@pytest.mark.parametrize("controls", [1, 3])
def test_what_is_not_controlled_is_operated_by_the_expert(controls):
    env, whole = Env(50, controls=controls), Env(50)
    env.reset(seed=1), whole.reset(seed=0)
    observations = whole.restore(env.state())
    hands = np.random.default_rng(0).uniform(-1, 1, (50, controls))
    actions = camera_move.expert(observations, 8)
    actions[:, camera_move.CONTROLS[controls]] = hands
    env.advance(hands), whole.advance(actions)
    np.testing.assert_allclose(env.state()["camera"], whole.state()["camera"], atol=1e-5)


@pytest.mark.parametrize("what", ["subject", "column", "side of the stage"])
def test_touching_something_ends_the_take_with_the_penalty(what):
    env = Env(2)
    env.reset(seed=0)
    state = env.state()
    at = {
        "subject": state["path"][:, :2] + [0.3, 0.3],
        "column": state["pieces"][:, [0, 3]] + [0.1, 0],
        "side of the stage": np.array([[8.1, 0.0]]),
    }[what]
    state["camera"][0, :2], state["camera"][1, :2] = at[0], [0, -7.5]
    env.restore(state)
    _, rewards, terminated, truncated, terms = env.advance(np.zeros((2, 8)))
    assert terminated.tolist() == [True, False] and not truncated.any()
    assert terms[-1].tolist() == [1, 0] and rewards[0] < -3.9


def test_a_low_piece_is_flown_over():
    env = Env(2)
    env.reset(seed=0)
    state = env.state()
    state["pieces"][:, [2, 5]] = [5, -6]
    state["camera"][:, :2], state["camera"][:, 2] = [5, -6], [1.2, 2.0]
    env.restore(state)
    assert env.advance(np.zeros((2, 8)))[2].tolist() == [True, False]


# How an episode begins


@ALL_CONTROLS
def test_episodes_begin_safe_and_in_frame(controls):
    env = Env(2000, controls=controls)
    observations, _ = env.reset(seed=5)
    assert observations in env.observation_space
    read = readings(observations)
    assert (read["eyes in frame"] == 1).mean() > 0.99
    assert not env.advance(np.zeros((2000, controls)))[2].any()
    if controls < 8:
        for name, tolerance in (("exposure error", 0.01), ("angle error", 0.02), ("blur error", 1.5)):
            assert np.abs(read[name]).max() < tolerance or controls == 1
    if controls == 1:
        assert np.abs(read["focus error"]).min() > 0.2 and np.abs(read["u error"]).max() < 0.05


def test_the_subject_walks_turns_and_stops():
    env = Env(500, brief={"movement": "tracking"})
    env.reset(seed=0)
    path = env.state()["path"].reshape(500, -1, 6).astype(float)
    np.testing.assert_allclose(np.diff(path[:, :, :2], axis=1) * 12, path[:, 1:, 2:4], atol=1e-4)
    pace = np.linalg.norm(path[:, :73, 2:4], axis=2)
    assert (pace[:, 0] == 0).all() and (pace.max(axis=1) > 0.65).all() and pace.max() < 1.11
    assert (pace[:, 30:].min(axis=1) < 0.05).mean() > 0.6, "most stop on the way"
    facing = np.unwrap(np.arctan2(path[..., 4], -path[..., 5]), axis=1)
    assert np.median(np.ptp(facing[:, :73], axis=1)) > np.radians(20)
    assert np.abs(path[..., :2].mean(axis=1) - [0, 2]).max() < 2.5


def test_pieces_leave_room_for_the_subject():
    env = Env(500)
    env.reset(seed=3)
    state = env.state()
    path = state["path"].reshape(500, -1, 6)[:, :73, None, :2]
    pieces = state["pieces"].reshape(500, 1, 2, 3).transpose(0, 1, 3, 2)
    gap = np.linalg.norm(path - pieces, axis=3).min(axis=1) - camera_move.PIECE_RADIUS[:, 0]
    assert (gap > 0.3).mean() > 0.99 and gap.min() > 0.1


# The brief


def test_drawn_briefs_cover_their_ranges():
    env = Env(3000)
    env.reset(seed=0)
    brief = dict(zip(BRIEF, env.state()["brief"].T.astype(float), strict=True))
    assert 0.22 <= 2 ** brief["size"].min() < 0.23 and 1.28 < 2 ** brief["size"].max() <= 1.3
    assert set(brief["side"]) == {-1, 0, 1} and len(set(brief["angle"])) == 3
    kinds = np.stack([brief["still"], brief["pans"], brief["push"] < 0, brief["orbit"] != 0, brief["zoom"] != 0])
    assert (kinds.mean(axis=1) > 0.12).all()
    np.testing.assert_allclose(brief["push"][brief["zoom"] != 0], (np.log(2) * brief["zoom"])[brief["zoom"] != 0])
    focal_length = 2 ** env.state()["camera"][:, ZOOM]
    assert focal_length.min() >= 18 and focal_length.max() <= 135


@pytest.mark.parametrize("name", BRIEFS)
def test_named_briefs(name):
    for env, options in ((Env(2), {"brief": name}), (Env(2, brief=name), {})):
        env.reset(seed=0, options=options)
        chosen = dict(zip(BRIEF, env.state()["brief"][1].astype(float), strict=True))
        fixed = BRIEFS[name]
        assert 2 ** chosen["size"] == pytest.approx(fixed["k"], rel=1e-5)
        assert chosen["side"] == camera_move.SIDES[fixed["side"]]
        assert chosen["still"] == (fixed["movement"] == "static") and chosen["pans"] == (fixed["movement"] == "pan")
        if "blur" in fixed:
            assert 2 ** chosen["blur"] == pytest.approx(fixed["blur"], rel=1e-4)
        if "rate" in fixed:
            asked = {"push-in": -chosen["push"], "orbit": chosen["orbit"], "dolly zoom": chosen["zoom"]}
            assert asked[fixed["movement"]] == pytest.approx(fixed["rate"], rel=1e-5)


def test_a_brief_may_fix_some_entries_only():
    env = Env(400)
    env.reset(seed=0, options={"brief": {"side": "left", "f_stop": 4.0}})
    brief = dict(zip(BRIEF, env.state()["brief"].T, strict=True))
    assert (brief["side"] == -1).all() and (brief["iris"] == 4).all() and len(set(brief["angle"])) == 3
    assert Env(1, brief="hero").metadata["yardsticks"] == {} and Env(1).metadata["yardsticks"]


@pytest.mark.parametrize(
    ("brief", "message"),
    [
        ("heroe", "unknown brief 'heroe'; did you mean 'hero'"),
        ({"movment": "pan"}, "unknown entry of the brief 'movment'; did you mean 'movement'"),
        ({"movement": "crane"}, "unknown movement 'crane'"),
        ({"side": "middle"}, "unknown side 'middle'"),
        ({"angle": 12}, "unknown angle '12'"),
        ({"k": 4.0}, "k=4.0 of the brief is out of range: give 0.2 to 1.4"),
        ({"blur": float("nan")}, "blur=nan of the brief is out of range"),
        ({"lead_room": "much"}, "lead_room=much of the brief is out of range"),
        ({"rate": 0.1}, "a brief with rate=0.1 needs its movement"),
        ({"rate": 0.1, "movement": "pan"}, "a pan shot has no rate: leave rate=0.1 out of the brief"),
        ({"rate": 2.0, "movement": "orbit"}, "rate=2.0 of the brief is out of range: give 0.06 to 0.312, of either"),
        ({"rate": -0.1, "movement": "push-in"}, "rate=-0.1 of the brief is out of range"),
    ],
)
def test_briefs_that_make_no_sense(brief, message):
    with pytest.raises(ValueError, match=message) as caught:
        Env(1).reset(seed=0, options={"brief": brief})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=message):
        Env(1, brief=brief)


def test_a_locked_off_camera_makes_no_tracking_shot():
    with pytest.raises(ValueError, match="unknown movement 'tracking'"):
        Env(1, controls=3, brief="walk and talk")


# What the terms measure


def g(error, tolerance):
    return np.exp(-((error / tolerance) ** 2) / 2)


def test_terms_agree_with_film_craft():
    """Projection by `framing.aim`, depth of field by `lens`, all in float64 and from the states alone."""
    env = Env(400)
    observations, _ = env.reset(seed=3)
    for _ in range(20):
        observations, *_ = env.advance(operated(Z=0.4, PAN=0.05, FOCUS=0.1, IRIS=-0.2)(observations))
    terms, _ = scored(env)
    state = env.state()
    x, y, z, pan, tilt, zoom, focus, iris = state["camera"].T.astype(float)
    brief = dict(zip(BRIEF, state["brief"].T.astype(float), strict=True))
    walk = state["path"].reshape(400, -1, 6)[:, 21].astype(float)
    camera = np.stack([x, y, z], axis=-1)
    head = np.column_stack([walk[:, :2], np.full(400, 1.75)])
    eyes = head + 0.08 * np.column_stack([walk[:, 4:], np.zeros(400)]) - [0, 0, 0.11]
    rotation, focal_length, f_stop = framing.aim(pan, tilt), 2**zoom, lens.f_stop(iris)
    u, v, depth = framing.project(eyes, camera, focal_length, rotation=rotation)
    _, v_top, _ = framing.project(head, camera, focal_length, rotation=rotation)
    in_frame = (np.abs(u - 0.5) <= 0.5) & (np.abs(v - 0.5) <= 0.5)
    assert in_frame.mean() > 0.7

    gaze = walk[:, 4] * np.cos(pan) - walk[:, 5] * np.sin(pan)
    k = framing.visible_height(depth, focal_length) / 1.75
    growth = brief["push"] / np.log(2) - brief["zoom"]  # of the distance less that of the focal length, octaves/s
    wanted = brief["size"] + growth * (21 - 36) / 12
    flat = np.hypot(*(eyes - camera)[:, :2].T)
    wall = depth * (6 - y) / (eyes[:, 1] - y)
    wall = np.where(wall > 0, wall, 1e9)
    blur = lens.blur_circle(wall, 2**focus, focal_length, f_stop) / 14
    soft = lens.blur_circle(depth, 2**focus, focal_length, f_stop)
    expected = {
        "thirds": framing.thirds(u, v, brief["side"]),
        "headroom": g(framing.headroom(v_top) - framing.headroom_target(2 ** brief["size"]), 0.12),
        "lead_room": g(np.maximum(brief["lead room"] * np.abs(gaze) - gaze * (1 - 2 * u), 0), 0.12),
        "size": g(np.log2(k) - wanted, 0.4),
        "angle": g(np.degrees(np.arctan2(z - eyes[:, 2], flat) - brief["angle"]), 6),
        "background_blur": g(np.log2(blur) - brief["blur"], 0.75),
        "focus": 1 / (1 + (soft / 0.05) ** 2),
    }
    for name, value in expected.items():
        assert value[in_frame].min() < 0.9, f"{name}: the scenes should be telling ones"
        np.testing.assert_allclose(terms[name], np.where(in_frame, value, 0), atol=3e-3, err_msg=name)
    np.testing.assert_allclose(terms["exposure"], g(brief["iris"] - iris, 1), atol=1e-3)


def test_a_stop_of_exposure_by_hand():
    """The set is right at f/4: f/5.6 is a stop under."""
    env = Env(1, brief={"f_stop": 4.0})
    env.reset(seed=0)
    state = env.state()
    state["camera"][0, IRIS] = 2 * np.log2(4 * np.sqrt(2))
    env.restore(state)
    assert scored(env)[0]["exposure"] == pytest.approx(np.exp(-0.5), rel=1e-3)


def test_sight_against_a_fine_search_along_the_line():
    """How near the line of sight comes to each capsule, by trying 400 x 400 pairs of points."""
    rng = np.random.default_rng(0)
    count = 300
    right, ahead = rng.uniform(-2, 2, (2, 10, count))
    ahead[0] += 4
    ahead[7:] += 2
    height, rise = rng.uniform(0.2, 3.2, count), rng.uniform(-1.5, 1.5, count)
    found = camera_move._sight(right, ahead, rise, height, right[0] ** 2 + ahead[0] ** 2)
    share = np.linspace(0, 1, 400)[:, None]
    clearance = []
    for piece, (radius, top) in enumerate(zip((0.16, 0.16, 0.22), (2.6, 2.6, 1.15), strict=True)):
        z = height + share * rise
        beyond = z - np.clip(z, -10, top)
        apart = (share * right[0] - right[7 + piece]) ** 2 + (share * ahead[0] - ahead[7 + piece]) ** 2 + beyond**2
        clearance.append(np.sqrt(apart.min(axis=0)) - radius)
    expected = np.clip(0.5 + np.min(clearance, axis=0) / 0.2, 0, 1)
    assert (found < 0.05).any() and (found > 0.95).any()
    np.testing.assert_allclose(found, expected, atol=5e-3)


@pytest.mark.parametrize("movement", ["static", "pan", "tracking", "push-in", "orbit", "dolly zoom"])
def test_the_movement_is_really_made(movement):
    """Over the second half of the expert's takes, measured in the states as a surveyor would."""
    env = Env(64, brief={"movement": movement})
    observations, _ = env.reset(seed=2)
    states = []
    for _ in range(72):
        states.append(env.state())
        observations, *_ = env.advance(camera_move.expert(observations, 8))
    brief = dict(zip(BRIEF, states[0]["brief"].T.astype(float), strict=True))
    path = states[0]["path"].reshape(64, -1, 6)[:, :72].astype(float).transpose(1, 0, 2)
    camera = np.array([state["camera"] for state in states]).astype(float)
    off = (camera[:, :, :2] - path[:, :, :2] - 0.08 * path[:, :, 4:])[36:]
    camera, path = camera[36:], path[36:]
    distance, bearing = np.linalg.norm(off, axis=2), np.unwrap(np.arctan2(off[..., 1], off[..., 0]), axis=0)
    seconds = 35 / 12
    moved = np.linalg.norm(camera[-1, :, :2] - camera[0, :, :2], axis=1)
    walked = np.linalg.norm(path[-1, :, :2] - path[0, :, :2], axis=1)
    push, turn = np.log(distance[-1] / distance[0]) / seconds, (bearing[-1] - bearing[0]) / seconds
    zoomed = (camera[-1, :, ZOOM] - camera[0, :, ZOOM]) / seconds

    def close(found, wanted, tolerance):
        assert (
            np.median(np.abs(found - wanted)) < tolerance and np.quantile(np.abs(found - wanted), 0.9) < 3 * tolerance
        )

    if movement in ("static", "pan"):
        close(moved, 0, 0.15)
    else:
        close(push, brief["push"], 0.02)
        close(turn, brief["orbit"], 0.05)
    if movement == "static":
        close(np.ptp(camera[:, :, PAN], axis=0), 0, np.radians(4))
    if movement == "pan":
        assert np.median(np.ptp(camera[:, :, PAN], axis=0)) > np.radians(7)
    if movement == "tracking":
        close(moved, walked, 0.15)
    if movement == "dolly zoom":
        close(zoomed, brief["zoom"], 0.03)
        ratio = distance / 2 ** camera[:, :, ZOOM]
        close(np.log2(ratio[-1] / ratio[0]), 0, 0.08)


def test_the_observation_holds_all_that_the_reward_needs():
    env = Env(200)
    observations, _ = env.reset(seed=2)
    for _ in range(30):
        observations, _, _, _, terms = env.advance(camera_move.expert(observations, 8))
    read, terms = readings(observations), dict(zip(env.weights, terms, strict=True))
    in_frame = read["eyes in frame"] > 0.5
    assert in_frame.all()
    place = np.hypot(read["u error"], read["v error"])
    tolerance = dict(zip(camera_move.ROWS["move"], camera_move.MOVE_TOLERANCE, strict=True))
    expected = {
        "movement": 1 / (1 + sum((read[name] / size) ** 2 for name, size in tolerance.items())),
        "thirds": g(place, 0.12), "headroom": g(read["headroom error"], 0.12), "size": g(read["size error"], 0.4),
        "lead_room": g(np.maximum(read["lead room missing"], 0), 0.12), "angle": g(read["angle error"], np.radians(6)),
        "background_blur": g(read["blur error"], 0.75), "exposure": g(read["exposure error"], 1.0),
        "focus": read["sharpness"], "visibility": read["sight"], "smoothness": read["smoothness"],
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, atol=2e-3, err_msg=name)


def test_observations_stay_in_their_space_whatever_happens():
    env = Env(300)
    env.reset(seed=0)
    extreme = np.random.default_rng(0).choice([-1.0, 1.0], (300, 8))
    for _ in range(90):
        observations, rewards, *_, info = env.step(extreme)
        assert observations in env.observation_space and np.isfinite(rewards).all()
        assert all(0 <= term.min() and term.max() <= 1 for term in info["reward_terms"].values())


# Gaming a term does not pay


def test_weights():
    assert sum(Env.weights.values()) == pytest.approx(1 - 5)


@pytest.mark.parametrize(
    ("trick", "wins", "loses"),
    [
        ({"IRIS": 1}, "focus", ("exposure", "background_blur")),  # f/22: everything is sharp
        ({"IRIS": -1}, None, ("exposure", "background_blur")),  # wide open: everything but the eyes is gone
        ({"PAN": 1}, None, ("thirds", "size", "focus", "visibility", "movement")),  # staring at nothing
        ({"ZOOM": -1}, "focus", ("size", "background_blur")),  # the wide end: everything is sharp and in frame
        ({"Y": -1}, "focus", ("size", "movement")),  # away from it all
        ({"FOCUS": 1}, None, ("focus",)),
    ],
    ids=["f/22", "wide open", "staring at nothing", "wide end", "far away", "focus at infinity"],
)
def test_tricks_score_less_than_the_operators_work(trick, wins, loses):
    env = Env(256)
    best, best_terms, _ = episode(env, operated())
    tricked, terms, _ = episode(env, operated(**trick))
    assert tricked.mean() < best.mean() - 3 and (tricked < best).mean() > 0.97
    for name in loses:
        assert terms[name] < 0.7 * best_terms[name]
    if wins:
        assert terms[wins] > best_terms[wins] - 0.3


@pytest.mark.parametrize("movement", ["tracking", "push-in", "orbit", "dolly zoom"])
def test_a_camera_that_stands_still_makes_no_such_movement(movement):
    """Even where head and lens do all they can."""
    env = Env(256, brief={"movement": movement})
    best, best_terms, _ = episode(env, operated())
    still, terms, _ = episode(env, operated(X=0, Y=0))
    assert terms["movement"] < 0.6 * best_terms["movement"]
    assert still.mean() < best.mean() - 3.5 and (still < best).mean() > 0.9


@pytest.mark.parametrize("movement", ["static", "pan"])
def test_moving_where_none_is_asked_for_does_not_pay(movement):
    env = Env(256, brief={"movement": movement})
    best, best_terms, _ = episode(env, operated())
    moving, terms, _ = episode(env, operated(X=0.5))
    assert terms["movement"] < 0.3 * best_terms["movement"] and (moving < best).mean() > 0.99


@EACH_MOVEMENT
def test_doing_nothing_does_not_pay(movement):
    env = Env(256, brief={"movement": movement})
    best, _, lasted = episode(env, operated())
    idle, terms, _ = episode(env, nothing)
    assert lasted.all() and terms["smoothness"] > 0.95
    assert idle.mean() < best.mean() - 8 and (idle < best).mean() > 0.97


def test_ending_the_take_early_does_not_pay():
    env = Env(256)
    best, _, _ = episode(env, operated())
    for way in ({"Y": 1}, {"X": 1}):
        returns, _, lasted = episode(env, operated(**way))
        assert (~lasted).sum() > 10 and (returns < best - 5).all()


# The expert


@ALL_CONTROLS
def test_the_expert_fulfils_every_brief(controls):
    env = Env(600, controls=controls)
    _, terms, lasted = episode(env, env.expert_policy(), seed=11)
    assert lasted.mean() > 0.995
    for name in ("size", "angle", "exposure", "focus", "lead_room"):
        assert terms[name] > 0.9, name
    for name in ("thirds", "headroom", "background_blur", "visibility", "smoothness"):
        assert terms[name] > 0.8, name


def test_the_expert_needs_nothing_but_the_observation():
    env = Env(50)
    observations, _ = env.reset(seed=0)
    expert = env.expert_policy()
    actions = expert(observations)
    env.reset(seed=1)
    np.testing.assert_array_equal(expert(observations), actions)
    np.testing.assert_allclose(expert(observations[7:8]), actions[7:8], atol=1e-6)
    assert actions.shape == (50, 8) and np.abs(actions).max() <= 1


def climbed(seed, candidates=128, rounds=20):
    """The return of the expert's episode, and the best found by hill climbing on its actions, the scene being known.

    Each try lifts or lowers one axis for a while, softly.
    """
    one, many = Env(1), Env(candidates)
    observations, _ = one.reset(seed=seed)
    start, plan = one.state(), []
    for _ in range(one.episode_steps):
        plan.append(camera_move.expert(observations, 8)[0])
        observations, *_ = one.advance(plan[-1][None])
    best, rng, found = np.array(plan), np.random.default_rng(seed), []
    many.reset(seed=0)
    when = np.arange(one.episode_steps)
    for _ in range(rounds):
        middle, width = rng.uniform(-6, 78, (candidates, 1)), rng.choice([3.0, 8.0, 20.0], (candidates, 1))
        bump = rng.normal(size=(candidates, 1)) * rng.choice([0.01, 0.04, 0.15], (candidates, 1))
        bump = bump * np.exp(-(((when - middle) / width) ** 2) / 2)
        tries = best + bump[:, :, None] * np.eye(8)[rng.integers(8, size=candidates)][:, None]
        tries[0] = best
        many.restore({name: np.repeat(value, candidates, axis=0) for name, value in start.items()})
        returns = sum(many.advance(tries[:, t])[1] for t in range(one.episode_steps))
        best = tries[returns.argmax()]
        found.append((returns[0], returns.max()))
    return found[0][0], found[-1][1]


def test_a_search_around_the_expert_stays_within_the_yardstick():
    """An agent that could score above 1.05 would mean that the expert is too weak."""
    scale = Env.metadata["yardsticks"][8]
    expert, best = np.mean([climbed(seed) for seed in range(3)], axis=0)
    assert expert <= best < expert + 0.05 * (scale["expert"] - scale["random"])


@ALL_CONTROLS
def test_stored_yardsticks_hold(controls):
    """Within four standard errors of the mean over other episodes (return sd: random 12 at most, expert 4)."""
    stored = Env.metadata["yardsticks"][controls]
    measured = yardsticks.measure(ID, episodes=512, seed=5_000_000, controls=controls)
    assert measured["random"] == pytest.approx(stored["random"], abs=4 * 12 / np.sqrt(512))
    assert measured["expert"] == pytest.approx(stored["expert"], abs=4 * 4 / np.sqrt(512))
    assert measured["expert"] > measured["random"] + 7


# The take


def filmed(seed=0, steps=72, **kwargs):
    env = Env(1, **kwargs)
    observations, _ = env.reset(seed=seed)
    states, seen = [env.state()], [observations]
    for _ in range(steps):
        observations, *_ = env.advance(camera_move.expert(observations, 8))
        states.append(env.state())
        seen.append(observations)
    return env, states, np.concatenate(seen)


def test_a_take_has_two_frames_per_step():
    env, states, _ = filmed(brief="vertigo")
    take = env.take(states)
    assert len(take) == 144 and take.fps == 24
    for step in (0, 10, 47):
        camera, later = (states[step + i]["camera"][0].astype(float) for i in (0, 1))
        np.testing.assert_allclose(take.camera_position[2 * step], camera[:3], atol=1e-6)
        np.testing.assert_allclose(take.camera_position[2 * step + 1], (camera[:3] + later[:3]) / 2, atol=1e-6)
        assert take.focal_length[2 * step] == pytest.approx(2 ** camera[ZOOM])
        assert take.f_stop[2 * step] == pytest.approx(2 ** (camera[IRIS] / 2))
        assert take.focus_distance[2 * step] == pytest.approx(2 ** camera[FOCUS])
        np.testing.assert_allclose(take.camera_rotation[2 * step], framing.aim(camera[PAN], camera[TILT]), atol=1e-6)
        assert take.exposure[2 * step] == pytest.approx(states[0]["brief"][0, BRIEF.index("iris")] - camera[IRIS])


@pytest.mark.parametrize("seed", range(4))
def test_a_take_shows_what_the_viewfinder_measures(seed):
    """The figure's eyes project to where the observation says they are."""
    env, states, observations = filmed(seed, steps=40)
    take, read = env.take(states), readings(observations)
    eyes = [take.capsule_name.index(f"{side} eye") for side in ("left", "right")]
    side = states[0]["brief"][0, BRIEF.index("side")]
    for step in (0, 20, 39):
        frame = 2 * step
        middle = take.capsule_start[frame, eyes].mean(axis=0)
        u, v, _ = framing.project(
            middle, take.camera_position[frame], take.focal_length[frame], rotation=take.camera_rotation[frame]
        )
        error = [read["u error"][step], read["v error"][step]]
        np.testing.assert_allclose([u - 0.5 - side / 6, v - 2 / 3], error, atol=0.03)


def test_a_take_may_begin_later_and_stand_still():
    env, states, _ = filmed(steps=30)
    still = env.take(states[20:21])
    assert len(still) == 1
    whole = env.take(states)
    np.testing.assert_allclose(still.capsule_start[0, 0], whole.capsule_start[40, 0], atol=1e-6)
    pieces = [i for i, name in enumerate(whole.capsule_name) if name.startswith(("column", "pot", "leaves"))]
    np.testing.assert_array_equal(whole.capsule_start[0, pieces], whole.capsule_start[-1, pieces])
    lowest = np.minimum(whole.capsule_start, whole.capsule_end)[..., 2] - whole.capsule_radius
    assert lowest.min() > -0.02, "nothing lies beneath the floor, where a high angle would show it"


def test_the_dressing_fills_the_space_that_hides_and_no_more():
    """Every capsule of a piece lies within the one that sight and collision know, and the leaves cover most of it."""
    start, end, radius, _, names = camera_move.dressing(np.array([[0.0, 0], [0, 0], [0, 0]]))
    owner = np.array([0 if name.startswith("column 1") else 1 if name.startswith("column 2") else 2 for name in names])
    for point in (start, end):
        beyond = point[:, 2] - np.minimum(point[:, 2], camera_move.PIECE_HEIGHT[owner, 0])
        reach = np.sqrt(point[:, 0] ** 2 + point[:, 1] ** 2 + beyond**2) + radius
        assert (reach <= camera_move.PIECE_RADIUS[owner, 0] + 0.02).all() and (point[:, 2] - radius >= -1e-9).all()
    x, z = np.meshgrid(np.linspace(-0.2, 0.2, 21), np.linspace(0.45, 1.2, 40))
    leaves = [i for i, name in enumerate(names) if name.startswith("leaves")]
    covered = (np.hypot(x[..., None] - start[leaves, 0], z[..., None] - start[leaves, 2]) < radius[leaves]).any(axis=-1)
    assert covered.mean() > 0.9


# The batch
