"""`python -m services.importer`: this service alone, as `tidegate service importer` runs it."""

import asyncio

from services.importer.wiring import running
from shared.runtime.service import serve
from shared.runtime.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve("importer", read_settings(), running))
