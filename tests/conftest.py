"""What all tests share: the real parts, each from its own plugin."""

pytest_plugins = [
    "tests.faults.report",
    "tests.real.database_fixtures",
    "tests.real.openssh_fixtures",
    "tests.real.postgres_fixtures",
    "tests.real.rabbitmq_fixtures",
    "tests.faults.outage_fixtures",  # last: it imports some of the others
]
