"""What all tests share: the real parts, each from its own plugin."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import settings

pytest_plugins = [
    "tests.faults.report",
    "tests.real.apache_fixtures",
    "tests.real.database_fixtures",
    "tests.real.ftps_fixtures",
    "tests.real.openssh_fixtures",
    "tests.real.postgres_fixtures",
    "tests.real.rabbitmq_fixtures",
    "tests.faults.outage_fixtures",  # last: it imports some of the others
]

# Collecting makes millions of objects that stay, and the garbage collector would go through them again and again.
gc.disable()

# A shared machine may pause for longer than any example takes, and no test is about time.
settings.register_profile("unhurried", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("unhurried")

_TESTS = Path(__file__).parent
_SHORT_BYTES = 18
"""A gzip, whose header holds the time, is longer."""
_ORDER = ("integration", "corpora", "contracts", "acceptance", "chaos", "faults", "architecture", "unit")
"""Folders of tests. With `--no-loadscope-reorder` a worker that is done takes the next file in this order: short ones
come last, so that all end at about one time, and what leaves whole systems running comes late."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Order the folders. And pytest-xdist names a test's group in an attribute that pytest 9.2 reads no longer."""
    places = {name: place for place, name in enumerate(_ORDER)}
    items.sort(key=lambda item: places.get(item.path.relative_to(_TESTS).parts[0], 0))
    yield
    for item in items:
        grouped = getattr(item, "_nodeid", None)
        if grouped is not None:
            item._id = coerce_node_id(grouped)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long bytes that are no text name no case: packed ones hold the time, and all workers must find the same names."""
    is_text = isinstance(val, bytes) and all(byte >= 0x20 or byte in b"\t\n\r" for byte in val) and val.isascii()
    return argname if isinstance(val, bytes) and len(val) > _SHORT_BYTES and not is_text else None


def pytest_collection_finish() -> None:
    """What modules and collected tests hold stays until the end: the garbage collector need not go through it again."""
    gc.collect()
    gc.freeze()
    gc.enable()
