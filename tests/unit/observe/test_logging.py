"""What an exception says is not logged: PostgreSQL's quote rows. In a process of its own, for logging is global."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, logging, sys
import structlog
from shared.observe.logging import configure, tell_unheard

def fail(*_):
    local = "ann@canary." + "example"
    raise KeyError(local)

async def main():
    configure(sys.argv[1], "test")
    asyncio.get_running_loop().set_exception_handler(tell_unheard)
    log = structlog.get_logger()
    try:
        fail()
    except KeyError as error:
        log.error("given", exc_info=error)
        log.exception("present")
        logging.getLogger("library").exception("library spoke")
    asyncio.get_running_loop().call_soon(fail, "ann@canary." + "example")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    log.error("none", exc_info=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_told_by_class_and_frames_and_never_by_its_text(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, timeout=60, check=True)

    assert "canary.example" not in done.stdout + done.stderr
    # From Python 3.13 on the frames quote this program, which names the class as well.
    assert done.stderr.count("KeyError") >= 4
    for event in ("given", "present", "library spoke", "task.unheard", "none"):
        assert event in done.stderr
    assert done.stderr.count("in fail") == 4
