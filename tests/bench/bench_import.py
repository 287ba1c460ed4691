"""Seconds that `import rlfilm_lib` takes in a fresh process, the median of 9."""

import statistics
import subprocess
import sys
import time


def seconds(code: str) -> float:
    """Median wall time of `python -c code`."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def bench() -> dict[str, float]:
    bare = seconds("pass")
    return {"python alone, s": bare, "import numpy, s": seconds("import numpy") - bare,
            "import rlfilm_lib, s": seconds("import rlfilm_lib") - bare}  # fmt: skip


if __name__ == "__main__":
    print(bench())
