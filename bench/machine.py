"""What the figures were measured on: sizes and versions, no names and no paths."""

import os
import platform
from importlib.metadata import version
from typing import Any

import asyncpg
import psutil


async def machine(dsn: str) -> dict[str, Any]:
    """Facts of this machine and of the server behind a DSN."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        server = await connection.fetchval("SHOW server_version")
        shared = await connection.fetchval("SHOW shared_buffers")
    finally:
        await connection.close()
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": server,
        "shared_buffers": shared,
        "polars": version("polars"),
        "asyncpg": version("asyncpg"),
        "asyncssh": version("asyncssh"),
    }
