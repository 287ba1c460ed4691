"""Frames of several processes are those of one."""

import os
import signal

import numpy as np

from rlfilm_lib.stage import preview, workers


def test_frames_are_the_preview_s_in_order(moving_take):
    with workers.pool() as pool:
        seen = np.array(list(workers.frames(moving_take, 64, 36, pool)))
    np.testing.assert_array_equal(seen, preview.render(moving_take, 64, 36))


def test_a_worker_leaves_ctrl_c_to_its_parent():
    with workers.pool() as pool:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        assert worker in {pool.submit(os.getpid).result() for _ in range(20)}
