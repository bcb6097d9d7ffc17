"""`python -m services.exporter`: this service alone, as `tidegate service exporter` runs it."""

import asyncio

from services.exporter.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("exporter", read_settings(), running))
