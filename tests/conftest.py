"""What all tests share: the real parts, each from its own plugin."""

pytest_plugins = ["tests.real.rabbitmq_fixtures"]
