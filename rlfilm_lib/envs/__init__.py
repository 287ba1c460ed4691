"""Tasks as Gymnasium environments, batch first. Importing this package registers them."""

import gymnasium as gym

gym.register(
    id="rlfilm/MovieScene-v0",
    entry_point="rlfilm_lib.envs.movie_scene:OneMovieScene",
    vector_entry_point="rlfilm_lib.envs.movie_scene:MovieScene",
)
gym.register(
    id="rlfilm/CameraMove-v0",
    entry_point="rlfilm_lib.envs.camera_move:OneCameraMove",
    vector_entry_point="rlfilm_lib.envs.camera_move:CameraMove",
)
gym.register(
    id="rlfilm/Lighting-v0",
    entry_point="rlfilm_lib.envs.lighting:OneLighting",
    vector_entry_point="rlfilm_lib.envs.lighting:Lighting",
)
gym.register(
    id="rlfilm/Character-v0",
    entry_point="rlfilm_lib.envs.character:OneCharacter",
    vector_entry_point="rlfilm_lib.envs.character:Character",
)
gym.register(
    id="rlfilm/Storyboard-v0",
    entry_point="rlfilm_lib.envs.storyboard:OneStoryboard",
    vector_entry_point="rlfilm_lib.envs.storyboard:Storyboard",
)
gym.register(
    id="rlfilm/FilmEdit-v0",
    entry_point="rlfilm_lib.envs.film_edit:OneFilmEdit",
    vector_entry_point="rlfilm_lib.envs.film_edit:FilmEdit",
)
gym.register(
    id="rlfilm/FrameGen-v0",
    entry_point="rlfilm_lib.envs.frame_gen:OneFrameGen",
    vector_entry_point="rlfilm_lib.envs.frame_gen:FrameGen",
)
