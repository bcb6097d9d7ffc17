"""A poller that looks at one connection twice, and says how many files it wrote down as nobody's and by how many bytes
it grew. It is told of its surroundings by the environment, as services are."""

import asyncio
import json
import re
import sys
from pathlib import Path
from uuid import UUID

from services.poller.look import look
from services.poller.wiring import tools_of
from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import base_of
from shared.runtime.settings import read_settings
from shared.runtime.start import open_database


async def grow(account_id: UUID, connection_id: UUID) -> dict[str, float | None]:
    """The first look writes all down, the second compares all with what is known."""
    settings, metrics = read_settings(), Metrics()
    async with open_database(settings) as database:
        tools = tools_of(await base_of(settings, database, InProcessBus(), metrics), settings.work_directory)
        before = _bytes("VmRSS")
        for _ in range(2):
            assert await look(tools, account_id, connection_id)
    told = metrics.registry.get_sample_value("tidegate_arrivals_total", {"outcome": "unmatched"})
    return {"told": told, "grown_bytes": _bytes("VmHWM") - before}


def _bytes(name: str) -> int:
    """Of this process alone: ru_maxrss would count the one that started it, too."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


if __name__ == "__main__":
    found = asyncio.run(grow(UUID(sys.argv[1]), UUID(sys.argv[2])))
    print("\n" + json.dumps(found))  # noqa: T201 this is a program
