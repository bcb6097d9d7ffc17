"""How many random examples a property is tried on: few at a time in `make test`, which tries others each time, and
TIDEGATE_TEST_EXAMPLES times as many under `make examples`.
"""

import os

TIMES = int(os.environ.get("TIDEGATE_TEST_EXAMPLES", "1"))


def examples(count: int) -> int:
    """For `max_examples`: so many in `make test`."""
    return count * TIMES
