"""`python -m services.poller`: this service alone, as `tidegate service poller` runs it."""

import asyncio

from services.poller.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("poller", read_settings(), running))
