"""`python -m services.dropserver`: this service alone, as `tidegate service dropserver` runs it."""

import asyncio

from services.dropserver.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("dropserver", read_settings(), running))
