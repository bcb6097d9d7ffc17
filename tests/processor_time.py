"""How much processor time something takes, for tests that hold time in proportion to size."""

import gc
import time
from collections.abc import Callable


def processor_seconds(work: Callable[[], object]) -> float:
    """The seconds of the work itself.

    Going through what a whole suite has left in memory takes the garbage collector seconds, whenever it begins: that is
    done before, and not meanwhile.
    """
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()
