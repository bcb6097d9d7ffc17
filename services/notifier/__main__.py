"""`python -m services.notifier`: this service alone, as `tidegate service notifier` runs it."""

import asyncio

from services.notifier.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("notifier", read_settings(), running))
