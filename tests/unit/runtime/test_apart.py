"""Work in a process of its own: what it says is bounded, and of what breaks in it no text is told."""

import asyncio
import resource
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.domain.failures import InternalError, TooHardToRead
from shared.runtime.apart import Bounds, apart

WORK = """
import os, sys
from shared.runtime.apart import serve


class PanicException(BaseException):
    pass


def carry_out(order):
    how = order.decode()
    os.write(2, b"thread panicked at ann@shop.example")
    if how == "flood":
        while True:
            sys.stdout.buffer.write(bytes(1 << 20))
    if how == "panic without memory":
        try:
            raise MemoryError
        except MemoryError as error:
            raise PanicException("ann@shop.example") from error
    if how == "panic":
        raise PanicException("called `Result::unwrap()` on an `Err` value: PyErr { type: <class 'MemoryError'> }")
    if how == "break":
        raise PanicException("ann@shop.example")
    return order.upper()


serve(carry_out)
"""


async def test_what_a_process_says_is_bounded_and_what_breaks_in_it_is_told_by_places_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work_of_the_tests.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    work = apart(Bounds(answer_bytes=1 << 20, seconds=60))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with capture_logs() as logged:
        made = await asyncio.gather(
            *(
                work("work_of_the_tests", how)
                for how in (b"fine", b"flood", b"panic", b"panic without memory", b"break")
            ),
            return_exceptions=True,
        )
    assert made[0] == b"FINE"
    assert [type(each) for each in made[1:]] == [TooHardToRead, TooHardToRead, TooHardToRead, InternalError]
    assert "1,048,576" in str(made[1])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "KiB"
    (broke,) = logged
    assert broke["where"].startswith("PanicException ")
    assert "work_of_the_tests.py:" in broke["where"]
    assert "ann@" not in str(logged)
