"""The preview's geometry, light and lens against the formulas of film/."""

import numpy as np
import pytest

from rlfilm_lib.film import colour, framing, lens, light
from rlfilm_lib.stage import figure, preview
from rlfilm_lib.stage.take import Take, level_camera

WIDTH, HEIGHT = 320, 180


def shoot(take, width=WIDTH, height=HEIGHT):
    return next(preview.scene_linear(take, width, height))


def coverage(take, empty, width=WIDTH, height=HEIGHT):
    """Share (H, W) of each pixel that white things under ambient light alone cover, found by filming without them."""
    empty = shoot(empty, width, height)[..., 0]
    return (shoot(take, width, height)[..., 0] - empty) / (light.AMBIENT - empty)


def turned(pan, tilt, roll):
    """A camera that pans to the right, tilts up, then rolls (rad)."""
    right, up, forward = level_camera(pan)
    up, forward = np.cos(tilt) * up - np.sin(tilt) * forward, np.cos(tilt) * forward + np.sin(tilt) * up
    return np.stack([np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, forward])


@pytest.mark.parametrize("point", [(0.0, 4.0, 1.5), (0.7, 5.0, 1.9), (-0.8, 6.0, 1.1), (0.03, 3.0, 1.52)])
@pytest.mark.parametrize(("focal_length", "rotation"), [(25.0, turned(0, 0, 0)), (50.0, turned(0.05, -0.04, 0.3))])
def test_a_sphere_lands_where_the_pinhole_formula_puts_it(simple_take, point, focal_length, rotation):
    fields = dict(light_stops=[[-20.0]], focal_length=[focal_length], camera_rotation=rotation[None])
    take = simple_take(point, 0.03, **fields)
    u, v, _ = framing.project(np.array(point), take.camera_position[0], focal_length, take.gate, rotation)
    weight = coverage(take, simple_take(point, 1e-6, **fields))
    rows, columns = np.indices(weight.shape) + 0.5
    centroid = [(weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()]
    np.testing.assert_allclose(centroid, [u * WIDTH, (1 - v) * HEIGHT], atol=0.5)


def test_the_eye_lands_where_the_formula_puts_it(eye_take, eye_places, centroid):
    """As in Mitsuba's and Blender's pictures of the same take."""
    seen = np.array([centroid(picture) for picture in preview.scene_linear(eye_take, WIDTH, HEIGHT)])
    np.testing.assert_allclose(seen, eye_places(WIDTH, HEIGHT), atol=0.5)


def test_a_silhouette_is_smooth_and_covers_its_true_area(simple_take):
    share = coverage(*(simple_take((0, 4.0, 1.5), radius, light_stops=[[-20.0]]) for radius in (0.25, 1e-6)))
    half = np.tan(np.arcsin(0.25 / 4.0)) * 50 / 24.89 * WIDTH
    assert share.sum() == pytest.approx(np.pi * half**2, rel=0.01)
    partial = (share > 0.02) & (share < 0.98)
    assert 0.5 < partial.sum() / (2 * np.pi * half) < 2.5  # an edge of about one pixel, all round


@pytest.mark.parametrize(("width", "height"), [(162, 90), (166, 92), (164, 90)])
def test_any_size_shows_what_is_in_the_picture(simple_take, width, height):
    takes = (simple_take((0, 4.0, 1.5), radius, light_stops=[[-20.0]]) for radius in (0.25, 1e-6))
    half = np.tan(np.arcsin(0.25 / 4.0)) * 50 / 24.89 * width
    tall = half * height / width * 24.89 / 14.0
    assert coverage(*takes, width, height).sum() == pytest.approx(np.pi * half * tall, rel=0.02)


def edge_width(profile):
    """Twice the radius of the disc whose blur has the variance of the edge's slope, in pixels."""
    slope = np.abs(np.diff(profile))
    place = np.arange(len(slope))
    mean = (slope * place).sum() / slope.sum()
    return 4 * np.sqrt(
        (slope * (place - mean) ** 2).sum() / slope.sum() - 1 / 6
    )  # less the pixel's and the difference's


@pytest.mark.parametrize("distance", [2.0, 3.0, 8.0])
@pytest.mark.parametrize("f_stop", [1.4, 2.8])
def test_the_edge_of_what_is_out_of_focus_is_as_wide_as_the_blur_circle(simple_take, distance, f_stop):
    fields = dict(light_stops=[[-20.0]], focal_length=[85.0], f_stop=[f_stop], focus_distance=[4.0])
    foot, head = (0.4, distance, -20.0), (0.4, distance, 20.0)
    take, empty = (simple_take(foot, radius, end=head, **fields) for radius in (0.4, 1e-6))
    profile = coverage(take, empty, 1280, 64)[32].astype(float)
    pixels = float(lens.blur_circle(distance, 4.0, 85.0, f_stop)) / take.gate[0] * 1280
    middle = int(np.argmax(np.abs(np.diff(profile))))
    reach = int(2 * pixels) + 8
    measured = edge_width(profile[max(middle - reach, 0) : middle + reach])
    assert measured == pytest.approx(pixels, rel=0.03, abs=0.3)


def test_a_point_out_of_focus_keeps_its_light(simple_take):
    """A small sphere spreads to a disc of the blur circle's size, and its light is the same in sum."""
    fields = dict(light_stops=[[-20.0]], focal_length=[85.0], focus_distance=[2.0])
    sharp, soft = (
        coverage(*(simple_take((0.0, 4.0, 1.5), radius, f_stop=[f_stop], **fields) for radius in (0.012, 1e-6)))
        for f_stop in (64.0, 2.0)
    )
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.1)
    columns = np.arange(WIDTH)
    across = soft.sum(axis=0) / soft.sum()
    spread = 4 * np.sqrt(across @ columns**2 - (across @ columns) ** 2)  # of a disc: its diameter
    disc, ball = float(lens.blur_circle(4.0, 2.0, 85.0, 2.0)) / 24.89 * WIDTH, 0.024 / 4 * 85 / 24.89 * WIDTH
    assert spread == pytest.approx(np.hypot(disc, ball), rel=0.1)


LAMPS, STOPS = np.array([[-3.4, 1.0, 2.6], [2.4, -1.0, 1.9], [1.2, 6.0, 3.3]]), np.array([0.9, -1.3, 1.9])


def portrait(heading, names=figure.NAMES):
    """A close-up of those parts of the figure, under key, fill and back light, half a stop over."""
    start, end = figure.figure([[0.0, 2.1]], [1.75], heading)
    kept = [figure.NAMES.index(name) for name in names]
    return Take(
        fps=24, camera_position=[[0.0, -0.2, 1.6]], camera_rotation=level_camera()[None], focal_length=[85.0],
        f_stop=[2.0], focus_distance=[2.2], exposure=[0.5], light_position=LAMPS[None], light_stops=STOPS[None],
        light_kelvin=np.full((1, 3), 5600.0), capsule_start=start[:, kept], capsule_end=end[:, kept],
        capsule_radius=figure.RADIUS[kept], capsule_albedo=figure.ALBEDO[kept], capsule_name=names, backdrop=6.0,
    )  # fmt: skip


@pytest.mark.parametrize("heading", np.radians([-15, 15]))
def test_skin_reads_albedo_times_what_the_meter_reads(heading):
    """On a bare skull, a sphere in front, point by point; exposure half a stop over."""
    take = portrait(heading, ("skull", "neck", "shoulders"))
    picture = shoot(take)
    for angle in np.radians([-45, 0, 45]):
        normal = np.array([np.sin(angle + heading), -np.cos(angle + heading), 0.0])
        point = take.capsule_end[0, 0] + take.capsule_radius[0] * normal
        u, v, _ = framing.project(point, take.camera_position[0], 85.0, take.gate)
        pixel = picture[int((1 - v) * HEIGHT), int(u * WIDTH)]
        received = light.meter(point, normal, LAMPS, STOPS)
        np.testing.assert_allclose(pixel, np.sqrt(2) * received * take.capsule_albedo[0], rtol=0.06)


@pytest.mark.parametrize("heading", np.radians([-15, 15]))
def test_the_cheeks_of_the_whole_figure_read_what_the_meter_reads(heading):
    """Within a third of a stop, features and their shadows included, beside the nose and below the eyes."""
    take = portrait(heading)
    picture = shoot(take)
    for angle in np.radians([-45, 45]):
        normal = np.array([np.sin(angle + heading), -np.cos(angle + heading), 0.0])
        point = np.array([0.0, 2.1, 1.75 - 0.135]) + 0.085 * normal
        u, v, _ = framing.project(point, take.camera_position[0], 85.0, take.gate)
        row, column = int((1 - v) * HEIGHT), int(u * WIDTH)
        read = colour.luminance(picture[row - 2 : row + 3, column - 2 : column + 3]).mean()
        expected = np.sqrt(2) * light.meter(point, normal, LAMPS, STOPS) * colour.luminance(figure.SKIN)
        assert abs(np.log2(read / expected)) < 1 / 3


def test_a_grey_card_correctly_lit_is_correctly_exposed(simple_take):
    # a large grey sphere, 3 m in front of a lamp beside the camera: 0.18 in the middle, and the ambient light on top
    take = simple_take((0, 3.5, 1.5), 0.5, albedo=(0.18, 0.18, 0.18), light_position=[[[0.0, 0.0, 1.5]]])
    np.testing.assert_allclose(shoot(take)[90, 160], 0.18 * (1 + light.AMBIENT), rtol=2e-3)
    assert preview.to_display(shoot(take))[90, 160, 0] == pytest.approx(255 * 0.4614, abs=2)


def test_lamps_are_tinted_by_their_kelvin_under_the_white_balance(simple_take):
    fields = dict(albedo=(0.5, 0.5, 0.5), light_position=[[[0.0, 0.0, 1.5]]], light_kelvin=[[3200.0]])
    pixel = shoot(simple_take((0, 3.5, 1.5), 0.5, **fields))[90, 160] - 0.5 * light.AMBIENT
    np.testing.assert_allclose(pixel / colour.luminance(pixel), colour.light_colour(3200, 5600), rtol=5e-3)
    balanced = shoot(simple_take((0, 3.5, 1.5), 0.5, white_balance=3200.0, **fields))[90, 160]
    np.testing.assert_allclose(balanced, balanced.mean(), rtol=1e-3)


def test_a_sphere_shades_what_lies_behind_it_and_nothing_else(simple_take):
    lamp = dict(light_position=[[[0.0, -1.0, 1.5]]], albedo=(0.5, 0.5, 0.5), camera_position=[[1.5, -1.0, 1.5]],
                focal_length=[25.0])  # fmt: skip
    big = [(0.0, 5.0, 1.5), 0.8]
    lit = shoot(simple_take([big[0]], [big[1]], **lamp))
    shaded = shoot(simple_take([big[0], (0.0, 2.0, 1.5)], [big[1], 0.25], **lamp))
    # the middle of the big sphere, as the camera at x = 1.5 sees it, lies in the shadow; its rim does not
    u, v, _ = framing.project(np.array([0.0, 4.2, 1.5]), np.array([1.5, -1.0, 1.5]), 25.0)
    row, column = int((1 - v) * HEIGHT), int(u * WIDTH)
    np.testing.assert_allclose(shaded[row, column], 0.5 * light.AMBIENT, rtol=0.05)
    u, v, _ = framing.project(np.array([0.0, 4.6, 2.2]), np.array([1.5, -1.0, 1.5]), 25.0)
    row, column = int((1 - v) * HEIGHT), int(u * WIDTH)
    np.testing.assert_allclose(shaded[row, column], lit[row, column], rtol=0.02)


def test_nearer_capsules_hide_farther_ones_whatever_their_order(simple_take):
    places, radii = np.array([(0.0, 3.0, 1.5), (0.1, 4.0, 1.5), (0.0, 5.0, 1.5)]), np.array([0.1, 0.3, 0.6])
    albedo = np.eye(3) * 0.8
    first = shoot(simple_take(places, radii, albedo))
    last = shoot(simple_take(places[::-1], radii[::-1], albedo[::-1]))
    np.testing.assert_allclose(first, last, atol=1e-5)
    assert first[90, 160].argmax() == 0


def test_exposure_is_in_stops(simple_take):
    dark, bright = (shoot(simple_take((0, 4.0, 1.5), 0.4, exposure=[stops])) for stops in (0.0, 2.0))
    np.testing.assert_allclose(bright, 4 * dark, rtol=1e-5)


def test_the_floor_has_boards_that_fade_with_distance(simple_take):
    picture = shoot(simple_take((0, 50.0, 30.0), 0.1, focal_length=[25.0], light_position=[[[0.0, 6.0, 60.0]]],
                                light_stops=[[8.6]]))  # fmt: skip
    contrast = [np.std(row) / np.mean(row) for row in (picture[170, 60:260, 0], picture[95, 60:260, 0])]
    assert contrast[0] > 0.1 and contrast[1] < 0.5 * contrast[0]


def test_frames_stack_to_render_and_render_twice_alike(simple_take):
    take = simple_take((0, 4.0, 1.5), 0.4)
    pictures = preview.render(take, 64, 36)
    assert pictures.shape == (1, 36, 64, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, preview.render(take, 64, 36))
    np.testing.assert_array_equal(pictures[0], next(preview.frames(take, 64, 36)))


def test_sizes_that_are_no_multiple_of_anything(simple_take):
    assert preview.render(simple_take((0, 4.0, 1.5), 0.4), 101, 57).shape == (1, 57, 101, 3)


@pytest.mark.parametrize("place", [(0.0, 0.0, 1.5), (0.0, -3.0, 1.5), (0.0, 0.2, 1.5)])
def test_a_camera_inside_or_beyond_a_capsule_still_gives_a_picture(simple_take, place):
    assert np.isfinite(shoot(simple_take(place, 0.3, end=np.add(place, (0, 0.4, 0))))).all()


def test_more_capsules_than_keys_can_number_are_refused(simple_take):
    with pytest.raises(ValueError, match="at most 256"):
        preview.render(simple_take(np.zeros((257, 3)), 0.1), 64, 36)


def test_a_picture_too_small_is_refused(simple_take):
    with pytest.raises(ValueError, match="at least 16x16"):
        preview.render(simple_take((0, 4.0, 1.5), 0.4), 8, 8)
