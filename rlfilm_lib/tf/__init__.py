"""The algorithms in TensorFlow. Twin of `rlfilm_lib.pytorch`: same files, same names, same order of lines."""

import contextlib
import os
import re
import sys
import tempfile
from typing import Any


def _import_quietly() -> None:
    """Import TensorFlow without its announcements on stderr; anything but those is passed on.

    Its C++ side says that oneDNN is on and that there is no GPU past every log level, as it is imported and again as
    it makes its first tensor.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            _one_thread(tf.config.threading)
            tf.constant(0)
            # Each new learner traces its step; TensorFlow takes a few of those for a defect. Tests count the traces.
            tf.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said.read().decode(errors="replace").splitlines():
                if not re.match(r"I\d{4} |WARNING: All log messages before absl::InitializeLog|$", line):
                    print(line, file=sys.stderr)


def _one_thread(threading: Any) -> None:
    """Small matrices on more threads only wait for each other: on two, PPO was measured to take 1.7 times the CPU time.

    TF_NUM_INTRAOP_THREADS overrides it; a program that has used TensorFlow before keeps what it has.
    """
    if "TF_NUM_INTRAOP_THREADS" not in os.environ:
        with contextlib.suppress(RuntimeError):
            threading.set_intra_op_parallelism_threads(1)


_import_quietly()
