"""Lighting: its rig, its brief, what each reward term measures, the preview's pixels, and that gaming does not pay."""

import numpy as np
import pytest

from rlfilm_lib.envs import lighting, yardsticks
from rlfilm_lib.envs.lighting import BRIEFS, KNOBS, LIMITS, MEASURES, OBSERVATION, PATCHES, POINTS, Lighting
from rlfilm_lib.film import colour, framing, light

ID = "rlfilm/Lighting-v0"
ALL_CONTROLS = pytest.mark.parametrize("controls", [1, 3, 21])
EACH_MOOD = pytest.mark.parametrize("mood", BRIEFS)
ROW = {knob.name: row for row, knob in enumerate(KNOBS)}
STATE_ROWS = {"azimuth": slice(0, 4), "height": slice(4, 8), "stops": slice(8, 12), "colour": slice(12, 16),
              "exposure": slice(16, 17), "grade": slice(17, 21)}  # fmt: skip


def knobs_of(env):
    """The knobs (21, N), float64."""
    state = env.state()
    return np.concatenate([state[name] for name in STATE_ROWS], axis=1).T.astype(float)


def put(env, knobs):
    """Set the knobs (21, N) of an environment, as if they had been there all along; returns the observations."""
    env.restore(env.state() | {name: knobs[rows].T for name, rows in STATE_ROWS.items()})
    seen = lighting.measure(knobs)[0][1:3].T
    return env.restore(env.state() | {"seen": seen})


def lit(mood, seed=0, **turned):
    """An environment at a set-up that meets the mood, its knobs turned away from there by name."""
    env = Lighting(1, brief=mood)
    env.reset(seed=seed)
    knobs = lighting.solve(knobs_of(env), env.state()["brief"].T)
    for name, by in turned.items():
        knobs[ROW[name.replace("_", " ")]] += by
    put(env, np.clip(knobs, lighting.LOW, lighting.HIGH))
    return env


def scored(env, actions=None):
    """The terms of one step (standing still unless given), and the reward."""
    _, rewards, _, _, terms = env.advance(np.zeros((1, env.controls)) if actions is None else actions)
    return dict(zip(env.weights, terms[:, 0], strict=True)), rewards[0]


def measured(env):
    """The readings of the first environment by name."""
    return dict(zip(MEASURES, lighting.measure(knobs_of(env))[0][:, 0], strict=True))


def expected_patches(take):
    """Scene-linear colour (K, 3) of the measured points of a still, by `film.light` and `film.colour` alone."""
    received = light.illuminance(
        POINTS.position, POINTS.normal, take.light_position[0][:, None], take.light_stops[0][:, None]
    )
    tint = colour.light_colour(take.light_kelvin[0], take.white_balance)
    return POINTS.albedo * (received.T @ tint + light.AMBIENT) * 2.0 ** take.exposure[0]


# The rig


def test_every_knob_turns_at_its_speed_and_stops_at_its_bounds():
    env = Lighting(2)
    env.reset(seed=0)
    before = knobs_of(env)
    env.advance(np.array([[0.5] * 21, [-9.0] * 21]))
    turned = knobs_of(env) - before
    for knob, row in ROW.items():
        speed = KNOBS[row].speed / 12
        assert turned[row] == pytest.approx([0.5 * speed, -speed], rel=1e-3, abs=1e-5), knob
    for _ in range(47 * 4):
        env.advance(np.array([[1.0] * 21, [-1.0] * 21]))
    ends = knobs_of(env)
    np.testing.assert_allclose(ends, [[knob.high, knob.low] for knob in KNOBS], rtol=1e-6)


@pytest.mark.parametrize(
    ("controls", "driven"), [(1, {"exposure"}), (3, {"stops"}), (21, {"azimuth", "height", "stops", "colour"})]
)
def test_controls_move_only_what_they_name(controls, driven):
    env = Lighting(1, controls=controls)
    env.reset(seed=4)
    before = env.state()
    env.advance(np.full((1, controls), 0.3))
    after = env.state()
    moved = {name for name in STATE_ROWS if not np.array_equal(before[name], after[name])}
    assert moved == (set(STATE_ROWS) if controls == 21 else driven)
    assert before["stops"][0, 3] == after["stops"][0, 3] or controls == 21  # the practical is not among the three


def test_rails_by_hand():
    """Key 1.6 m to the right of the subject; the back light on the backdrop's top edge, 30 degrees to the left."""
    azimuth = np.radians([[90.0], [-45.0], [-150.0], [160.0]])
    key, fill, back, _ = lighting.light_position(azimuth, np.full((4, 1), 2.0))[..., 0].T
    np.testing.assert_allclose(key, [-0.15 + 1.6, 2.4, 2.0], atol=1e-12)
    np.testing.assert_allclose(fill, [-0.15 - 1.8 * np.sqrt(0.5), 2.4 - 1.8 * np.sqrt(0.5), 2.0], atol=1e-12)
    np.testing.assert_allclose(back, [-0.15 - 3.6 * np.tan(np.pi / 6), 6.0, 2.0], atol=1e-12)


def test_only_the_practical_stands_in_the_picture():
    """At all ends of the rails; and the lamp as a whole is in frame."""
    corners = np.array(np.meshgrid([0, 1], [0, 1])).reshape(2, -1)
    bounds = np.array([(knob.low, knob.high) for knob in KNOBS])
    azimuth, height = (bounds[rows][:, corners[i]] for i, rows in enumerate((slice(0, 4), slice(4, 8))))
    position = lighting.light_position(azimuth, height).transpose(2, 1, 0)
    for number, name in enumerate(lighting.LIGHTS):
        u, v, depth = framing.project(position[:, number], lighting.CAMERA, lighting.FOCAL_LENGTH)
        in_frame = (depth > 0) & (np.abs(u - 0.5) < 0.5) & (np.abs(v - 0.5) < 0.5)
        assert in_frame.all() if name == "practical" else not in_frame.any(), name
    shade = np.concatenate(lighting.lampshade(position[:, 3]), axis=1)[:, :-1]
    u, v, _ = framing.project(shade[shade[..., 2] > 1], lighting.CAMERA, lighting.FOCAL_LENGTH)
    assert 0.6 < u.min() and u.max() < 1 and 0 < v.min() and v.max() < 1


def test_48_steps_then_truncated():
    env = Lighting(1)
    env.reset(seed=0)
    ends = [env.advance(np.zeros((1, 21)))[2:4] for _ in range(48)]
    assert not any(terminated[0] for terminated, _ in ends)
    assert [bool(truncated[0]) for _, truncated in ends] == [False] * 47 + [True]


# What is measured


def test_patches_are_those_of_film_light_and_film_colour():
    """The products of matrices in float32 against illuminance and lamp colours point by point."""
    env = Lighting(40)
    env.reset(seed=3)
    for _ in range(10):
        env.step(env.action_space.sample() * 0 + np.random.default_rng(1).choice([-1.0, 1.0], (40, 21)))
    patches, state = lighting.recorded(knobs_of(env)), env.state()
    for i in range(40):
        np.testing.assert_allclose(patches[..., i], POINTS.share @ expected_patches(env.take([state], i)), rtol=0.006)


def test_lamp_colours_are_those_of_film_colour():
    mired = np.linspace(80, 500, 500, dtype=np.float32)
    ours = lighting.lamp_colour(mired[None])[:, 0]
    np.testing.assert_allclose(ours.T, colour.light_colour(colour.mired(mired), 5600), atol=0.002)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_preview_shows_what_is_measured(seed):
    """Scene-linear pixels at the projected points, averaged over a patch: face and backdrop within 2 %, the rim, whose
    points lie at the figure's edge, within 8 %. Single points of key cheek and backdrop: within 2 %."""
    from rlfilm_lib.stage.preview import scene_linear

    env = Lighting(1)
    env.reset(seed=seed)
    take = env.take([env.state()])
    picture = next(scene_linear(take, 1280, 720))
    u, v, _ = framing.project(POINTS.position, lighting.CAMERA, lighting.FOCAL_LENGTH)
    seen = picture[((1 - v) * 720).astype(int), (u * 1280).astype(int)]
    for number, tolerance in ((lighting.KEY, 0.02), (lighting.FILL, 0.02), (lighting.RIM, 0.08), (3, 0.02), (4, 0.02)):
        ours = colour.luminance(lighting.recorded(knobs_of(env))[number, :, 0])
        assert colour.luminance(POINTS.share[number] @ seen) == pytest.approx(ours, rel=tolerance), PATCHES[number]
    plain = [1, 2, 3, *range(16, len(seen))]
    np.testing.assert_allclose(seen[plain], expected_patches(take)[plain], rtol=0.02)


def test_readings_by_hand():
    """Every reading from the patches of one set-up, in float64, as the docstring has it."""
    env = Lighting(1)
    env.reset(seed=8)
    knobs = knobs_of(env)
    knobs[[17, 18, 19, 20], 0] = 0.12, 0.02, 1.2, 0.9
    put(env, knobs)
    take = env.take([env.state()])
    key, fill, rim, background, beside = POINTS.share @ expected_patches(take)
    reading = measured(env)
    level = {
        name: np.log2(colour.luminance(c)) for name, c in dict(k=key, f=fill, r=rim, b=background, s=beside).items()
    }
    assert reading["key:fill"] == pytest.approx(level["k"] - level["f"], abs=0.005)
    assert reading["separation"] == pytest.approx(level["r"] - level["s"], abs=0.005)
    skin, wall = np.array([0.66, 0.44, 0.33]), np.array([0.150, 0.205, 0.255])
    assert reading["face"] == pytest.approx(level["k"] - np.log2(colour.luminance(skin)), abs=0.005)
    assert reading["background"] == pytest.approx(level["b"] - np.log2(colour.luminance(wall)), abs=0.05)

    def displayed(linear):
        encoded = colour.encode_srgb(colour.shoulder(linear))
        toned = np.clip(encoded * [2**0.06, 1, 2**-0.06] + 0.02, 0, 1) ** 1.2
        luma = toned @ [0.2126, 0.7152, 0.0722]
        return colour.decode_srgb(np.clip(luma + 0.9 * (toned - luma), 0, 1)) + 0.002

    contrast = np.log2((colour.luminance(displayed(key))) / colour.luminance(displayed(fill)))
    assert reading["contrast"] == pytest.approx(contrast, abs=0.005)
    for name, card in (("face colour", 0.18 * key / skin), ("background colour", 0.18 * background / wall)):
        kelvin = colour.correlated_temperature(colour.chromaticity(displayed(card)))
        assert reading[name] == pytest.approx(1e6 / kelvin, abs=1.0)


def test_the_display_is_that_of_the_preview():
    """What contrast and colour are scored on: the picture as the preview develops a take with this grade."""
    from rlfilm_lib.stage.preview import develop

    env = Lighting(1)
    env.reset(seed=2)
    take = env.take([env.state()])
    key, fill = (POINTS.share @ expected_patches(take))[:2]
    shown = colour.decode_srgb(develop(np.float32([key, fill]), take.grade[0]) / 255)
    contrast = np.diff(np.log2(colour.luminance(shown) + lighting.FLARE))[0]
    assert measured(env)["contrast"] == pytest.approx(-contrast, abs=0.05)  # 8 bits


def test_clipping_by_hand():
    """A white face, a face half way to white from 0.95, a good one, and a black one: 1, 1/2, 0, 1."""
    display = np.array([[1.0, 0.8, 0.7], [0.975, 0.5, 0.5], [0.3, 0.5, 0.4], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(lighting.clipped(display), [1, 0.5, 0, 1])


@pytest.mark.parametrize(("knob", "by"), [("exposure", 1.0), ("key", 0.5), ("practical", -1.0), ("power", 0.2)])
def test_terms_are_gaussians_of_the_errors(knob, by):
    env = lit("day interior", **{knob: by})
    error = measured(env)
    terms, reward = scored(env)
    brief = dict(zip(LIMITS, env.state()["brief"][0].astype(float), strict=True))

    def g(name, wanted, tolerance):
        return np.exp(-(((error[name] - brief[wanted]) / tolerance) ** 2) / 2)

    assert terms["key_fill"] == pytest.approx(g("key:fill", "key_fill", 0.5), abs=1e-4)
    assert terms["face_exposure"] == pytest.approx(g("face", "face", 0.5), abs=1e-4)
    assert terms["background_exposure"] == pytest.approx(g("background", "background", 0.75), abs=1e-4)
    assert terms["contrast"] == pytest.approx(g("contrast", "contrast", 0.5), abs=1e-4)
    assert terms["separation"] == pytest.approx(g("separation", "separation", 0.75), abs=1e-4)
    tint = np.exp(-((error["tint"] / 0.02) ** 2) / 2)
    both = g("face colour", "face_kelvin", 30) * g("background colour", "background_kelvin", 40) * tint
    assert terms["colour_temperature"] == pytest.approx(both, abs=1e-4)
    assert reward == pytest.approx(sum(env.weights[name] * terms[name] for name in terms), abs=1e-6)


def test_one_stop_of_exposure_is_one_stop_on_face_and_background():
    there, brighter = measured(lit("noir")), measured(lit("noir", exposure=1.0))
    for name, stops in (("face", 1), ("background", 1), ("key:fill", 0), ("separation", 0)):
        assert brighter[name] - there[name] == pytest.approx(stops, abs=1e-3)


def test_a_power_stretches_the_contrast_by_as_much():
    """Of the CDL, on the encoded picture, about as on its light: a power of 1.2 turns 1 stop into about 1.2."""
    env = lit("day interior")
    knobs = knobs_of(env)
    knobs[17:, 0] = 0, 0, 1, 1
    plain = lighting.measure(knobs)[0][3, 0]
    knobs[19] = 1.2
    assert lighting.measure(knobs)[0][3, 0] / plain == pytest.approx(1.2, abs=0.12)


def test_steadiness_by_hand():
    """The exposure turned at full speed, 0.25 stops a step: exp(-0.25² / 2 · 0.2²), and 1 when it rests."""
    env = lit("day interior")
    actions = np.zeros((1, 21))
    actions[0, ROW["exposure"]] = 1
    assert scored(env, actions)[0]["steadiness"] == pytest.approx(np.exp(-(0.25**2) / (2 * 0.2**2)), rel=1e-3)
    assert scored(env)[0]["steadiness"] == pytest.approx(1)


def test_the_observation_holds_all_that_the_reward_needs():
    """A scene rebuilt from the observations alone goes on to the same rewards and observations."""
    env = Lighting(100)
    observations, _ = env.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(5):
        observations, *_ = env.step(rng.uniform(-1, 1, (100, 21)))
    rows = observations.T.astype(float)
    knobs = rows[:21] * lighting.KNOB_HALF + lighting.KNOB_CENTRE
    brief = rows[21:28] * lighting.BRIEF_HALF + lighting.BRIEF_CENTRE
    rebuilt = Lighting(100)
    rebuilt.reset(seed=99)
    elapsed = np.rint(rows[36] * 48).astype(int)
    rebuilt.restore(rebuilt.state() | {"brief": brief.T, "elapsed": elapsed})
    put(rebuilt, knobs)
    actions = rng.uniform(-1, 1, (100, 21))
    ours, theirs = rebuilt.step(actions), env.step(actions)
    np.testing.assert_allclose(ours[1], theirs[1], atol=2e-3)
    np.testing.assert_allclose(ours[0], theirs[0], atol=5e-3)


@ALL_CONTROLS
def test_observations_stay_in_their_space_whatever_happens(controls):
    env = Lighting(300, controls=controls)
    rng = np.random.default_rng(0)
    observations, _ = env.reset(seed=0)
    assert observations in env.observation_space
    extreme = rng.choice([-1.0, 1.0], (300, controls))
    for _ in range(50):
        observations, rewards, *_, info = env.step(extreme)
        assert observations in env.observation_space and np.isfinite(rewards).all()
        assert all(((term >= 0) & (term <= 1)).all() for term in info["reward_terms"].values())


# The brief


def test_drawn_briefs_are_the_readings_of_a_set_up():
    """So each can be met; and they cover what sets look like."""
    env = Lighting(2000)
    env.reset(seed=0)
    brief = dict(zip(LIMITS, env.state()["brief"].T, strict=True))
    for name, low, high in (("key_fill", 1, 4), ("face", -1.9, 0.6), ("background", -4, 0), ("separation", -1, 1)):
        assert np.percentile(brief[name], 5) < low + 0.5 and np.percentile(brief[name], 95) > high - 0.5, name
    assert 1e6 / np.percentile(brief["face_kelvin"], 95) < 3000 and 1e6 / np.percentile(brief["face_kelvin"], 5) > 7000
    for name, (low, high) in LIMITS.items():
        ends = (
            np.log2([low, high])
            if name == "key_fill"
            else 1e6 / np.array([high, low])
            if "kel" in name
            else [low, high]
        )
        assert ((brief[name] > ends[0]) & (brief[name] < ends[1])).mean() > 0.95, name


@EACH_MOOD
def test_named_briefs(mood):
    for env, options in ((Lighting(2), {"brief": mood}), (Lighting(2, brief=mood), {})):
        env.reset(seed=0, options=options)
        chosen = dict(zip(LIMITS, env.state()["brief"][1], strict=True))
        assert 2 ** chosen["key_fill"] == pytest.approx(BRIEFS[mood]["key_fill"], rel=1e-5)
        assert 1e6 / chosen["face_kelvin"] == pytest.approx(BRIEFS[mood]["face_kelvin"], rel=1e-5)
        assert chosen["background"] == pytest.approx(BRIEFS[mood]["background"], abs=1e-6)


def test_a_brief_may_fix_some_entries_only():
    env = Lighting(100)
    env.reset(seed=0, options={"brief": {"face_kelvin": 3200, "contrast": 2}})
    brief = dict(zip(LIMITS, env.state()["brief"].T, strict=True))
    assert (brief["face_kelvin"] == 312.5).all() and (brief["contrast"] == 2).all()
    assert len(set(brief["face"])) == 100


@pytest.mark.parametrize(
    ("brief", "message"),
    [
        ("moonlit", "unknown brief 'moonlit'; did you mean 'moonlight'"),
        ({"key": 3}, "unknown entry of the brief 'key'; did you mean 'key_fill'"),
        ({"key_fill": 0.5}, "key_fill=0.5 of the brief is out of range: give 1 to 32"),
        ({"face_kelvin": 300}, "face_kelvin=300 of the brief is out of range: give 2000 to 14000"),
        ({"contrast": float("nan")}, "contrast=nan of the brief is out of range"),
        ({"face": "bright"}, "face=bright of the brief is out of range: give -3 to 1.5"),
    ],
)
def test_briefs_that_make_no_sense(brief, message):
    with pytest.raises(ValueError, match=message):
        Lighting(1).reset(seed=0, options={"brief": brief})
    with pytest.raises(ValueError, match=message):
        Lighting(1, brief=brief)


@pytest.mark.parametrize("controls", [1, 3])
@pytest.mark.parametrize("brief", [None, "candle-lit", {"face": 0.0}])
def test_with_few_controls_all_else_is_right(controls, brief):
    """Turned back to where it was, the set-up meets the brief."""
    env = Lighting(50, controls=controls, brief=brief)
    env.reset(seed=1)
    knobs, wanted = knobs_of(env), env.state()["brief"].T
    back = lighting.solve(knobs, wanted, lighting.CONTROLS[controls])
    errors = (lighting.measure(back)[0][:7] - wanted) / lighting.TOLERANCE[:7]
    assert np.percentile(np.abs(errors).max(axis=0), 80) < 0.3
    off = np.abs(back - knobs)[lighting.CONTROLS[controls]].max(axis=0)
    assert np.percentile(off, 5) > 0.5


# Gaming does not pay


@EACH_MOOD
@pytest.mark.parametrize(
    "way_out",
    [
        {"exposure": -8.0},
        {"exposure": 8.0},
        {"key": -12.0, "fill": -12.0, "back": -12.0, "practical": -12.0},
        {"offset": -0.12, "power": 0.8},
        {"offset": 0.12, "power": -0.8},
    ],
    ids=["black", "white", "lights off", "crushed by the grade", "washed out by the grade"],
)
def test_extremes_score_less(mood, way_out):
    best = scored(lit(mood))[1]
    assert scored(lit(mood, **way_out))[1] < best - 0.01


@EACH_MOOD
@pytest.mark.parametrize(
    ("turned", "falls"),
    [
        ({"key": -3}, "key_fill"), ({"fill": 3}, "key_fill"), ({"back": -3}, "separation"), ({"back": 3}, "separation"),
        ({"practical": 4}, "background_exposure"), ({"key_colour": 200}, "colour_temperature"),
    ],
    ids=["no key", "too much fill", "no back light", "too much back light", "practical too bright", "key too warm"],
)  # fmt: skip
def test_each_light_is_needed(mood, turned, falls):
    terms, reward = scored(lit(mood, **turned))
    assert terms[falls] < 0.7 and reward < scored(lit(mood))[1] - 0.04


def test_the_grade_cannot_hide_wrong_light():
    """Lights, exposure and positions of a day interior, and the best grade there is, are no candle-light."""
    env = lit("day interior")
    wanted = lit("candle-lit").state()["brief"].T
    graded = lighting.solve(knobs_of(env), wanted, slice(17, 21))
    env.restore(env.state() | {"brief": wanted.T})
    put(env, graded)
    terms, reward = scored(env)
    assert terms["colour_temperature"] < 0.1 and terms["key_fill"] < 0.1 and reward < 0.5


def test_black_and_white_pictures_clip():
    for turned in ({"exposure": -8.0, "offset": -0.12, "power": 0.8}, {"exposure": 8.0, "key": 4.0}):
        assert scored(lit("day interior", **turned))[0]["clipping"] > 0.5
    for mood in BRIEFS:
        assert scored(lit(mood))[0]["clipping"] < 0.02, mood


def test_standing_still_for_steadiness_does_not_pay():
    env = Lighting(32)
    still = yardsticks.episode_returns(env, lambda o: np.zeros((32, 21)), seed=0)
    best = yardsticks.episode_returns(env, env.expert_policy(), seed=0)
    assert (best > still).all() and best.mean() > still.mean() + 20


# The expert


@ALL_CONTROLS
def test_the_expert_fulfils_the_briefs(controls):
    env = Lighting(50, controls=controls)
    observations, _ = env.reset(seed=11)
    expert = env.expert_policy()
    for _ in range(24):
        observations, *_, info = env.step(expert(observations))
    terms = info["reward_terms"]
    for name in ("key_fill", "contrast", "separation", "colour_temperature", "steadiness"):
        assert np.percentile(terms[name], 2) > 0.9, name
    for name in ("face_exposure", "background_exposure"):
        assert terms[name].mean() > 0.97, name
    assert terms["clipping"].mean() < 0.02


@EACH_MOOD
def test_the_expert_meets_every_mood(mood):
    env = Lighting(4, brief=mood)
    observations, _ = env.reset(seed=0)
    expert = env.expert_policy()
    for _ in range(30):
        observations, rewards, *_ = env.step(expert(observations))
    assert rewards.min() > 0.97


def test_the_expert_needs_nothing_but_the_observation():
    env = Lighting(50)
    observations, _ = env.reset(seed=0)
    expert = env.expert_policy()
    actions = expert(observations)
    env.reset(seed=1)
    np.testing.assert_array_equal(expert(observations), actions)
    assert actions.shape == (50, 21) and np.abs(actions).max() <= 1


@EACH_MOOD
def test_where_the_expert_rests_no_knob_can_gain(mood):
    """Every knob turned a little either way, and 500 random turns of all: none is better by more than 0.005."""
    env = Lighting(1, brief=mood)
    observations, _ = env.reset(seed=5)
    expert = env.expert_policy()
    for _ in range(30):
        observations, *_ = env.step(expert(observations))
    state, best = env.state(), scored(env)[1]
    rng = np.random.default_rng(0)
    turns = np.concatenate([0.3 * np.eye(21), -0.3 * np.eye(21), rng.normal(size=(500, 21)) * 0.5])
    knobs = np.concatenate([state[name] for name in STATE_ROWS], axis=1).T + lighting.INCREMENT * turns.T
    many = Lighting(len(turns), brief=mood)
    many.reset(seed=0)
    put(many, np.clip(knobs, lighting.LOW, lighting.HIGH))
    rewards = many.advance(np.zeros((len(turns), 21)))[1]
    assert rewards.max() < best + 0.005 and rewards[42:].mean() < best - 0.001


def climbed(controls, seed, candidates=128, rounds=4):
    """The return of the expert's episode, and the best found by hill climbing on its actions, the scene being known."""
    one, many = Lighting(1, controls=controls), Lighting(candidates, controls=controls)
    observations, _ = one.reset(seed=seed)
    start, expert, plan = one.state(), one.expert_policy(), []
    for _ in range(one.episode_steps):
        plan.append(expert(observations)[0])
        observations, *_ = one.advance(plan[-1][None])
    best, rng, found = np.array(plan), np.random.default_rng(seed), []
    many.reset(seed=0)
    for _ in range(rounds):
        noise = rng.normal(size=(candidates, 12, controls)).repeat(4, axis=1)
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
    scale = Lighting.metadata["yardsticks"][controls]
    expert, best = np.mean([climbed(controls, seed) for seed in range(2)], axis=0)
    assert expert <= best < expert + 0.05 * (scale["expert"] - scale["random"])


@ALL_CONTROLS
def test_stored_yardsticks_hold(controls):
    """Within four standard errors over other episodes (return sd: random 9 at most, expert 2.5)."""
    stored = Lighting.metadata["yardsticks"][controls]
    measured = yardsticks.measure(ID, episodes=48, seed=5_000_000, controls=controls)
    assert measured["random"] == pytest.approx(stored["random"], abs=4 * 9 / np.sqrt(48))
    assert measured["expert"] == pytest.approx(stored["expert"], abs=4 * 2.5 / np.sqrt(48))


# The take


def test_a_take_shows_lights_exposure_and_grade():
    env = Lighting(2)
    env.reset(seed=0, options={"brief": "noir"})
    states = [env.state()]
    for actions in np.random.default_rng(0).uniform(-1, 1, (48, 2, 21)):
        env.advance(actions)
        states.append(env.state())
    take = env.take(states, index=1)
    assert len(take) == 96 and take.fps == 24 and take.light_name == ("key", "fill", "back", "practical")
    for step in (0, 10, 47):
        state = states[step]
        np.testing.assert_allclose(take.light_stops[2 * step], state["stops"][1], atol=1e-6)
        np.testing.assert_allclose(take.light_kelvin[2 * step], 1e6 / state["colour"][1], rtol=1e-6)
        assert take.exposure[2 * step] == pytest.approx(state["exposure"][1, 0], abs=1e-6)
        balance, offset, power, saturation = state["grade"][1]
        np.testing.assert_allclose(
            take.grade[2 * step, [0, 1, 2]], [2 ** (balance / 2), 1, 2 ** (-balance / 2)], rtol=1e-5
        )
        np.testing.assert_allclose(take.grade[2 * step, 3:], [offset] * 3 + [power] * 3 + [saturation], atol=1e-6)
    middle = (states[4]["stops"][1] + states[5]["stops"][1]) / 2
    np.testing.assert_allclose(take.light_stops[9], middle, atol=1e-5)


def test_the_practical_glows():
    """The shade is the brightest thing in a candle-lit picture, and where the light stands."""
    from rlfilm_lib.stage.preview import scene_linear

    env = lit("candle-lit")
    take = env.take([env.state()])
    picture = colour.luminance(next(scene_linear(take, 320, 180)))
    u, v, _ = framing.project(take.light_position[0, 3], lighting.CAMERA, lighting.FOCAL_LENGTH)
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert abs(column / 320 - u) < 0.06 and abs(1 - row / 180 - v) < 0.12
    assert picture.max() > 10 * np.median(picture)
    assert OBSERVATION.index("practical") == ROW["practical"]
