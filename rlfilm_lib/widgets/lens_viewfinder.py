"""The viewfinder with a lens: focal length, f-stop and focus, seen in the picture and on a plan of the set.

`Camera` says how the camera stands and what its lens is set to; `take`, `picture`, `plan` and `sentence` show it;
`LensViewfinder` is the shell of sliders.
"""

import html
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rlfilm_lib.film import framing, lens
from rlfilm_lib.stage import figure, preview
from rlfilm_lib.stage.take import Take, level_camera
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, VERMILION, Described, drawing, gallery, jpeg, row, text

WIDTH, HEIGHT = 384, 216  # pixels of the live picture
F_STOPS = (1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0)
FOCAL_LENGTHS = (18, 25, 35, 50, 85, 135)  # mm
NEAREST, FURTHEST = 0.6, 12.0  # m, of the camera and of its focus

# The set, in metres: the eyes are at the origin of x and y.
EYES = framing.STATURE - framing.EYES_BELOW_TOP
EYES_FORWARD = 0.08  # from the head's axis to the eyes
BACKDROP = 5.0
POSTS = np.array([[-0.5, -0.6], [0.75, 0.9], [-0.8, 1.8], [1.2, 2.7]])  # x, y
POST_RADIUS, POST_HEIGHT, POST_ALBEDO = 0.035, 2.3, (0.10, 0.10, 0.11)
BULBS = np.array([[x, 4.2, 1.95 - 0.035 * (x - 0.3) ** 2] for x in np.linspace(-3.0, 3.6, 23)])  # x, y, z
BULB_RADIUS, BULB_ALBEDO = 0.009, (9.0, 6.5, 3.5)  # they glow: more than all of the light comes back
LIGHTS = ((-2.6, -2.6, 2.9), (2.8, -2.2, 2.0), (1.2, BACKDROP, 3.6), (-1.0, 1.2, 3.8))
STOPS = (1.2, -1.2, 1.3, -0.9)
RIGHT_STOP = 4.0  # the f-stop at which this light exposes right


@dataclass(frozen=True)
class Camera:
    """A level camera before the figure, its eyes on the upper third of the picture.

    >>> Camera(focal_length=50, distance=2.8125).size
    'MS'
    """

    focal_length: float = 50.0
    """mm"""
    f_stop: float = 4.0
    focus: float = 2.8
    """Focus distance, m."""
    distance: float = 2.8
    """From the lens to the eyes, m."""
    gain: bool = False
    """Whether exposure is held: what the f-stop takes is made up for by more light."""

    @property
    def stops(self) -> float:
        """Exposure of the picture, in stops off the right one: two stops each time the f-number doubles."""
        return 0.0 if self.gain else float(2 * np.log2(RIGHT_STOP / self.f_stop))

    @property
    def blur(self) -> float:
        """Diameter, in mm on the gate, of the blur circle at the eyes."""
        return float(lens.blur_circle(self.distance, self.focus, self.focal_length, self.f_stop))

    @property
    def background_blur(self) -> float:
        """The same at the backdrop."""
        return float(lens.blur_circle(self.distance + BACKDROP, self.focus, self.focal_length, self.f_stop))

    @property
    def limits(self) -> tuple[float, float]:
        """Nearest and farthest distance, in m, that is sharp."""
        near, far = lens.depth_of_field(self.focus, self.focal_length, self.f_stop)
        return float(near), float(far)

    @property
    def size(self) -> str:
        """Name of the shot size."""
        return framing.shot_size(float(framing.visible_height(self.distance, self.focal_length)) / framing.STATURE)


def dolly_zoom(camera: Camera, focal_length: float) -> Camera:
    """Another focal length from as far away as keeps the figure's size: distance / focal length stays, and the focus
    on the eyes.

    >>> dolly_zoom(Camera(focal_length=50, distance=2.0), 100).distance
    4.0
    """
    distance = camera.distance * focal_length / camera.focal_length
    focus = camera.focus + distance - camera.distance
    return replace(camera, focal_length=focal_length, distance=distance, focus=max(focus, 2 * focal_length / 1000))


def take(*cameras: Camera, heading: float = 0.35) -> Take:
    """A frame of the set from each camera; heading: of the figure, rad, positive turns to the picture's right."""
    frames = len(cameras)
    distance, focal_length, f_stop, focus, stops = np.transpose(
        [(c.distance, c.focal_length, c.f_stop, c.focus, c.stops) for c in cameras]
    )
    forward = EYES_FORWARD * np.array([np.sin(heading), -np.cos(heading)])
    start, end = figure.figure(np.tile(-forward, (frames, 1)), framing.STATURE, heading)
    bottom, top = (np.column_stack([POSTS, np.full(len(POSTS), z)]) for z in (0.0, POST_HEIGHT))
    start, end = (
        np.concatenate([ends, np.tile(np.concatenate([piece, BULBS]), (frames, 1, 1))], axis=1)
        for ends, piece in zip((start, end), (bottom, top), strict=True)
    )
    posts, bulbs = len(POSTS), len(BULBS)
    height = EYES - framing.visible_height(distance, focal_length) / 6  # half the picture less a third of it
    return Take(
        fps=24,
        camera_position=np.column_stack([np.zeros(frames), -distance, np.maximum(height, 0.15)]),
        camera_rotation=np.broadcast_to(level_camera(), (frames, 3, 3)),
        focal_length=focal_length,
        f_stop=f_stop,
        focus_distance=focus,
        exposure=stops,
        light_position=np.tile(LIGHTS, (frames, 1, 1)),
        light_stops=np.tile(STOPS, (frames, 1)),
        light_kelvin=np.tile((5000.0, 5600.0, 7000.0, 4300.0), (frames, 1)),
        capsule_start=start,
        capsule_end=end,
        capsule_radius=np.concatenate([figure.RADIUS, [POST_RADIUS] * posts, [BULB_RADIUS] * bulbs]),
        capsule_albedo=np.concatenate([figure.ALBEDO, [POST_ALBEDO] * posts, [BULB_ALBEDO] * bulbs]),
        capsule_name=(*figure.NAMES, *(f"post {n}" for n in range(posts)), *(f"bulb {n}" for n in range(bulbs))),
        backdrop=BACKDROP,
    )


def picture(camera: Camera, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """What the camera sees, (height, width, 3) uint8."""
    return preview.render(take(camera), width, height)[0]


def sentence(camera: Camera) -> str:
    """The camera and what its lens does, in words.

    >>> sentence(Camera(focal_length=50, f_stop=2.8, focus=3, distance=3))[:66]
    '50 mm at f/2.8, focused at 3.00 m, eyes at 3.00 m: MS, sharp from '
    """
    near, far = camera.limits
    reach = f"to {far:.2f} m" if np.isfinite(far) else "to infinity"
    verdict = "sharp" if camera.blur <= lens.CIRCLE_OF_CONFUSION else "soft"
    exposure = "right" if abs(camera.stops) < 0.05 else f"{camera.stops:+.1f} stops"
    return (
        f"{camera.focal_length:.0f} mm at f/{camera.f_stop:g}, focused at {camera.focus:.2f} m, eyes at "
        f"{camera.distance:.2f} m: {camera.size}, sharp from {near:.2f} m {reach}; blur circle {camera.blur:.3f} mm at "
        f"the eyes ({verdict}), {camera.background_blur:.2f} mm at the backdrop; exposure {exposure}."
    )


def plan(camera: Camera, width: int = 760, reach: float = FURTHEST + BACKDROP) -> Described:
    """The set from above, the camera at the left: its field of view, the sharp range in it, figure, posts, backdrop."""
    scale, height = (width - 40) / (reach + 0.5), 210
    middle = height / 2 - 14

    def x(depth: float) -> float:
        return 24 + scale * min(depth, reach)

    def half(depth: float) -> float:
        return scale * depth * framing.SUPER_35[0] / 2 / camera.focal_length

    def wedge(first: float, last: float, colour: str, opacity: float) -> str:
        corners = [(first, -1), (last, -1), (last, 1), (first, 1)]
        points = " ".join(f"{x(depth):.1f},{middle + side * half(depth):.1f}" for depth, side in corners)
        return f'<polygon points="{points}" fill="{colour}" fill-opacity="{opacity}"/>'

    wall = min(camera.distance + BACKDROP, reach)
    near, far = camera.limits
    sharp = f'<g clip-path="url(#set)">{wedge(0, wall, BLUE, 0.15)}'
    if near < wall:
        sharp += wedge(near, min(far, wall), GREEN, 0.45)
    focus = min(camera.focus, reach)
    sharp += f'<path d="M{x(focus):.1f} 0V{height}" stroke="{GREEN}" stroke-width="2" stroke-dasharray="6 4"/></g>'
    marks = f'<clipPath id="set"><rect x="0" y="6" width="{x(wall):.1f}" height="{height - 46}"/></clipPath>{sharp}'
    marks += f'<rect x="6" y="{middle - 8}" width="18" height="16" fill="{BLACK}"/>'
    for side, depth in POSTS:
        if camera.distance + depth > 0 and abs(scale * side) < middle:
            at = x(camera.distance + depth), middle + scale * side
            marks += (
                f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="4" fill="none" stroke="{BLACK}" stroke-width="1.5"/>'
            )
    marks += f'<circle cx="{x(camera.distance):.1f}" cy="{middle}" r="8" fill="{VERMILION}"/>'
    marks += f'<path d="M{x(wall):.1f} 6V{height - 40}" stroke="#777" stroke-width="5"/>'
    base = height - 40
    marks += f'<path d="M{x(0)} {base}H{x(reach):.1f}" stroke="{BLACK}"/>'
    for metre in range(0, int(reach) + 1, 2):
        marks += f'<path d="M{x(metre):.1f} {base}v5" stroke="{BLACK}"/>' + text(
            x(metre), base + 19, str(metre), "middle"
        )
    marks += text(width / 2, base + 36, "distance from the lens (m)", "middle")
    alt = f"Plan of the set, camera at the left, field of view {horizontal_degrees(camera):.0f} degrees wide. "
    return drawing(width, height, marks, alt + sentence(camera))


def horizontal_degrees(camera: Camera) -> float:
    """Horizontal angle of view, in degrees.

    >>> round(horizontal_degrees(Camera(focal_length=50)))
    28
    """
    return float(np.degrees(lens.field_of_view(framing.SUPER_35[0], camera.focal_length)))


class LensViewfinder:
    """Sliders for lens and distance, the picture they give, and the plan of the set with what is sharp in it.

    As a cell's last line it shows itself, and a still of where it starts for readers without a kernel.
    """

    def __init__(self, camera: Camera | None = None) -> None:
        import ipywidgets as widgets

        self.camera = camera or Camera()
        self.picture = widgets.Image(format="jpeg", width=WIDTH, height=HEIGHT)
        self.plan, self.words = widgets.HTML(), widgets.HTML(layout={"width": "360px"})
        looks = {
            "continuous_update": False,
            "style": {"description_width": "130px"},
            "layout": {"width": "420px"},
        }
        limits = {"base": 2, "min": np.log2(NEAREST), "max": np.log2(FURTHEST), "step": 0.02, "readout_format": ".2f"}
        self.focal_length = widgets.IntSlider(
            min=FOCAL_LENGTHS[0], max=FOCAL_LENGTHS[-1], description="focal length (mm)", **looks
        )
        self.f_stop = widgets.SelectionSlider(
            options=[(f"f/{stop:g}", stop) for stop in F_STOPS], description="f-stop", **looks
        )
        self.focus = widgets.FloatLogSlider(description="focus (m)", **limits, **looks)
        self.distance = widgets.FloatLogSlider(description="distance (m)", **limits, **looks)
        self.sliders = {
            "focal_length": self.focal_length, "f_stop": self.f_stop, "focus": self.focus, "distance": self.distance
        }  # fmt: skip
        self.keep_size = widgets.Checkbox(description="dolly zoom: keep the figure's size", indent=False)
        self.on_eyes = widgets.Checkbox(description="keep the focus on the eyes", indent=False)
        self.gain = widgets.Checkbox(description="hold the exposure with more light", indent=False)
        self._moving = False
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        self.gain.observe(lambda change: self._moved("gain", change["new"]), "value")
        self.on_eyes.observe(lambda _: self._moved("focus", self.camera.focus), "value")
        switches = widgets.VBox([self.keep_size, self.on_eyes, self.gain])
        self.box = widgets.VBox([
            widgets.HBox([self.picture, self.words], layout={"align_items": "flex-start", "flex_flow": "row wrap"}),
            widgets.HBox([widgets.VBox(list(self.sliders.values())), switches], layout={"flex_flow": "row wrap"}),
            self.plan,
        ])  # fmt: skip
        self.show(self.camera)

    def show(self, camera: Camera) -> None:
        """Set sliders, picture and plan to a camera, within the sliders' reach."""
        self._moving = True
        for name, slider in self.sliders.items():
            slider.value = getattr(camera, name)
        self.gain.value = camera.gain
        self._moving = False
        self.camera = replace(camera, focus=self.focus.value, distance=self.distance.value)
        self.picture.value = jpeg(picture(self.camera))
        self.plan.value = plan(self.camera).html
        self.words.value = f'<p class="rlfilm-lens" style="line-height: 1.4">{html.escape(sentence(self.camera))}</p>'

    def _moved(self, name: str, value: Any) -> None:
        if self._moving:
            return
        if name == "focal_length" and self.keep_size.value:
            camera = dolly_zoom(self.camera, value)
        else:
            camera = replace(self.camera, **{name: value})
        self.show(replace(camera, focus=camera.distance) if self.on_eyes.value else camera)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        start = Camera()
        display(self.box)
        display(row(picture=gallery([picture(start)], [""], sentence(start), 1, WIDTH), plan=plan(start, 560)))
