"""The algorithms in TensorFlow. Twin of `rlfilm_lib.pytorch`: same files, same names, same order of lines."""

import os
import re
import sys
import tempfile


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

            tf.constant(0)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said.read().decode(errors="replace").splitlines():
                if not re.match(r"I\d{4} |WARNING: All log messages before absl::InitializeLog|$", line):
                    print(line, file=sys.stderr)


_import_quietly()
