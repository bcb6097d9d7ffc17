"""What all tests share: the real parts, each from its own plugin."""

from collections import Counter
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
    """Tell tests apart that have one name, as Schemathesis gives it to all operations: pytest-xdist goes by names, and
    would run one of them for all. It names groups behind them too, in an attribute that pytest 9.2 reads no longer.
    """
    seen: Counter[str] = Counter()
    for item in items:
        seen[item.nodeid] += 1
        if seen[item.nodeid] > 1:
            item._id = coerce_node_id(f"{item.nodeid}[{seen[item.nodeid]}]")
    yield
    for item in items:
        grouped = getattr(item, "_nodeid", None)
        if grouped is not None:
            item._id = coerce_node_id(grouped)
