"""`python -m services.api`: this service alone, as `tidegate service api` runs it."""

import asyncio

from services.api.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("api", read_settings(), running, has_own_web=True))
