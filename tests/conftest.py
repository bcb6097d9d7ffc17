"""What all tests share: the real parts, each from its own plugin."""

import gc
from collections.abc import Iterator

import pytest
from _pytest.nodeid import coerce_node_id

pytest_plugins = [
    "tests.faults.report",
    "tests.real.database_fixtures",
    "tests.real.openssh_fixtures",
    "tests.real.postgres_fixtures",
    "tests.real.rabbitmq_fixtures",
    "tests.faults.outage_fixtures",  # last: it imports some of the others
]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """pytest-xdist names the group behind a test's name in an attribute that pytest 9.2 reads no longer."""
    yield
    for item in items:
        grouped = getattr(item, "_nodeid", None)
        if grouped is not None:
            item._id = coerce_node_id(grouped)


def pytest_collection_finish() -> None:
    """What modules and collected tests hold stays until the end: the garbage collector need not go through it again."""
    gc.collect()
    gc.freeze()
