"""What `stage.blender` runs inside Blender: builds the scene of an .npz file, and renders its frames by Cycles.

    blender --background --factory-startup --python blender_scene.py -- scene.npz folder

It knows nothing of rlfilm, since Blender has a Python of its own. Each picture, scene-linear Rec.709, is left in
`folder` as the NumPy file 0.npy, 1.npy and so on. The arrays of scene.npz are described in `stage.blender`.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(scene_file: Path, folder: Path) -> None:
    """Render every frame of the scene file into the folder."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    with np.load(scene_file) as file:
        given = {name: file[name] for name in file.files}
    _settings(bpy.context.scene, given)
    camera = _camera(bpy, given)
    _planes(bpy, given)
    capsules = _capsules(bpy, given)
    lamps = _lamps(bpy, given)
    frames, moments = given["focal_length"].shape
    for frame in range(frames):
        pictures = []
        for moment in range(moments):
            now = {name: array[frame, moment] for name, array in given.items() if name in ANIMATED}
            _place_camera(camera, now)
            _place_capsules(capsules, now, given["capsule_radius"])
            _place_lamps(lamps, now)
            bpy.context.scene.cycles.seed = frame * moments + moment
            pictures.append(_render(bpy, folder))
        np.save(folder / "part.npy", np.mean(pictures, axis=0))
        os.replace(folder / "part.npy", folder / f"{frame}.npy")


ANIMATED = (
    "camera_to_world", "focal_length", "f_stop", "focus_distance", "lamp_to_world", "lamp_radius", "lamp_radiance",
    "capsule_start", "capsule_end",
)  # fmt: skip


def _settings(scene: Any, given: dict[str, np.ndarray]) -> None:
    """Direct light only, no denoising, no film curve: linear light into an EXR file."""
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = int(given["samples"])
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    scene.cycles.sample_clamp_direct = scene.cycles.light_sampling_threshold = 0
    scene.cycles.pixel_filter_type = "BOX"
    width, height = (int(side) for side in given["size"])
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    taller = given["gate"][1] / given["gate"][0] * width / height  # of a pixel, over its width
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = max(1 / taller, 1), max(taller, 1)
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.image_settings.color_depth = "32"
    scene.render.use_persistent_data = True


def _object(bpy: Any, name: str, data: Any) -> Any:
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


def _matrix(rows: np.ndarray) -> Any:
    from mathutils import Matrix

    return Matrix(rows.T.tolist())


def _camera(bpy: Any, given: dict[str, np.ndarray]) -> Any:
    data = bpy.data.cameras.new("camera")
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width, data.sensor_height = (float(side) for side in given["gate"])
    data.clip_start, data.clip_end = 0.05, 1e4
    data.dof.use_dof = True
    bpy.context.scene.camera = _object(bpy, "camera", data)
    return bpy.context.scene.camera


def _place_camera(camera: Any, now: dict[str, np.ndarray]) -> None:
    camera.matrix_world = _matrix(now["camera_to_world"])
    camera.data.lens = float(now["focal_length"])
    camera.data.dof.aperture_fstop = float(now["f_stop"])
    camera.data.dof.focus_distance = float(now["focus_distance"])


def _material(bpy: Any, name: str, ambient: float, albedo: Any, extension: str = "") -> Any:
    """A matt surface that glows with the ambient light, for the camera alone; its albedo is a colour, or an image."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.cycles.emission_sampling = "NONE"
    nodes, link = material.node_tree.nodes, material.node_tree.links.new
    nodes.clear()
    matt, glow, both, surface = (
        nodes.new(f"ShaderNode{kind}") for kind in ("BsdfDiffuse", "Emission", "AddShader", "OutputMaterial")
    )
    ray, strength = nodes.new("ShaderNodeLightPath"), nodes.new("ShaderNodeMath")
    strength.operation, strength.inputs[1].default_value = "MULTIPLY", ambient
    link(ray.outputs["Is Camera Ray"], strength.inputs[0])
    link(strength.outputs[0], glow.inputs["Strength"])
    link(matt.outputs[0], both.inputs[0])
    link(glow.outputs[0], both.inputs[1])
    link(both.outputs[0], surface.inputs["Surface"])
    texture = nodes.new("ShaderNodeTexImage" if extension else "ShaderNodeRGB")
    if extension:
        texture.image, texture.extension = albedo, extension
    else:
        texture.outputs["Color"].default_value = (*albedo, 1.0)
    for shader in (matt, glow):
        link(texture.outputs["Color"], shader.inputs["Color"])
    return material


def _image(bpy: Any, name: str, albedo: np.ndarray) -> Any:
    height, width, _ = albedo.shape
    image = bpy.data.images.new(name, width, height, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(np.dstack([albedo, np.ones((height, width), np.float32)]).astype(np.float32).ravel())
    image.update()
    return image


def _planes(bpy: Any, given: dict[str, np.ndarray]) -> None:
    """Floor and backdrop: four corners each, with the place in their picture."""
    for name, extension in (("floor", "REPEAT"), ("backdrop", "MIRROR")):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(given[f"{name}_corners"].tolist(), [], [(0, 1, 2, 3)])
        mesh.uv_layers.new(name="uv").data.foreach_set("uv", given[f"{name}_uv"].astype(np.float32).ravel())
        image = _image(bpy, name, given[f"{name}_albedo"])
        mesh.materials.append(_material(bpy, name, float(given["ambient"]), image, extension))
        _object(bpy, name, mesh)


def _capsules(bpy: Any, given: dict[str, np.ndarray]) -> list[tuple[Any, Any, Any]]:
    """For each capsule the two balls at its ends and the tube between them."""
    ball, tube = _lathe(bpy, "ball"), _lathe(bpy, "tube")
    made = []
    materials = {
        tuple(albedo): _material(bpy, f"{number}", float(given["ambient"]), albedo.tolist())
        for number, albedo in enumerate(np.unique(given["capsule_albedo"], axis=0))
    }
    for number, albedo in enumerate(given["capsule_albedo"]):
        parts = tuple(_object(bpy, f"{number} {name}", mesh) for name, mesh in
                      (("start", ball), ("end", ball), ("side", tube)))  # fmt: skip
        for part in parts:
            part.visible_shadow = bool(given["capsule_casts"][number])
            part.material_slots[0].link = "OBJECT"
            part.material_slots[0].material = materials[tuple(albedo)]
        made.append(parts)
    return made


def _lathe(bpy: Any, name: str, around: int = 96, along: int = 48) -> Any:
    """A ball of radius 1, or a tube of radius 1 from z = -1 to 1 without ends, turned about z and smooth."""
    rings = np.linspace(-1, 1, 2)
    radii = np.ones(2)
    if name == "ball":
        angle = np.linspace(-np.pi / 2, np.pi / 2, along + 1)
        rings, radii = np.sin(angle), np.maximum(np.cos(angle), 1e-6)
    turn = np.arange(around) * (2 * np.pi / around)
    points = np.stack(
        [
            radii[:, None] * np.cos(turn),
            radii[:, None] * np.sin(turn),
            np.broadcast_to(rings[:, None], (len(rings), around)),
        ],
        axis=-1,
    )
    corner = np.arange(len(rings) * around).reshape(len(rings), around)
    beside = np.roll(corner, -1, axis=1)
    faces = np.stack([corner[:-1], beside[:-1], beside[1:], corner[1:]], axis=-1).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.reshape(-1, 3).tolist(), [], faces.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.materials.append(None)
    return mesh


def _place_capsules(capsules: list[tuple[Any, Any, Any]], now: dict[str, np.ndarray], radius: np.ndarray) -> None:
    from mathutils import Matrix, Vector

    for (first, last, side), start, end, r in zip(
        capsules, now["capsule_start"], now["capsule_end"], radius, strict=True
    ):
        axis = Vector((end - start).tolist())
        first.matrix_world = Matrix.Translation(start.tolist()) @ Matrix.Scale(float(r), 4)
        last.matrix_world = Matrix.Translation(end.tolist()) @ Matrix.Scale(float(r), 4)
        last.hide_render = side.hide_render = axis.length < 1e-6
        turn = axis.to_track_quat("Z", "Y").to_matrix().to_4x4()
        size = Matrix.Diagonal((float(r), float(r), max(axis.length, 1e-6) / 2, 1.0))
        side.matrix_world = Matrix.Translation(((start + end) / 2).tolist()) @ turn @ size


def _lamps(bpy: Any, given: dict[str, np.ndarray]) -> list[Any]:
    made = []
    for number, flush in enumerate(given["lamp_flush"]):
        data = bpy.data.lights.new(f"lamp {number}", "AREA" if flush else "POINT")
        if flush:
            data.shape = "DISK"
        else:
            data.use_soft_falloff = False
        lamp = _object(bpy, f"lamp {number}", data)
        lamp.visible_camera = False
        made.append(lamp)
    return made


def _place_lamps(lamps: list[Any], now: dict[str, np.ndarray]) -> None:
    """A lamp's power, in watts, is that of its whole surface: pi times radiance times area."""
    lights = now["lamp_to_world"], now["lamp_radius"].tolist(), now["lamp_radiance"]
    for lamp, to_world, radius, radiance in zip(lamps, *lights, strict=True):
        lamp.matrix_world = _matrix(to_world)
        flush = lamp.data.type == "AREA"
        if flush:
            lamp.data.size = 2 * radius
        else:
            lamp.data.shadow_soft_size = radius
        area = np.pi * radius**2 * (1 if flush else 4)
        brightest = max(float(radiance.max()), 1e-9)
        lamp.data.color = (radiance / brightest).tolist()
        lamp.data.energy = np.pi * brightest * area


def _render(bpy: Any, folder: Path) -> np.ndarray:
    scene = bpy.context.scene
    scene.render.filepath = str(folder / "moment.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1, :, :3]


if __name__ == "__main__":
    main(*map(Path, sys.argv[-2:]))
