"""docker-compose.yml as a running project of its own name, with ports of its own, beside any other that runs."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.containers.engine import Engine, run

NAME = "tidegate-check"
LAST_LINES = 25


@dataclass(frozen=True, slots=True)
class Project:
    """What the engine is to run."""

    engine: Engine
    files: list[str]
    variables: dict[str, str]

    def compose(self, *words: str, seconds: float = 120) -> str:
        """Run a word of compose; its standard output. Raises SubprocessError."""
        files = [part for name in self.files for part in ("--file", name)]
        command = (*self.engine.compose, "--project-name", NAME, *files, *words)
        return run(command, {**self.engine.environment, **self.variables}, seconds)

    def services(self) -> dict[str, dict[str, Any]]:
        """The services of docker-compose.yml as they are written there."""
        services: dict[str, dict[str, Any]] = yaml.safe_load(Path(self.files[0]).read_text("utf-8"))["services"]
        return services

    def programs(self) -> list[str]:
        """Those that run Tidegate's image for good."""
        return [name for name, service in self.services().items() if service.get("command", [])[:1] == ["service"]]

    def container(self, service: str) -> str:
        """The identity of a service's container, running or not. Raises SubprocessError where there is none."""
        labels = (f"label=com.docker.compose.project={NAME}", f"label=com.docker.compose.service={service}")
        command = ("ps", "--all", "--quiet", *(f"--filter={label}" for label in labels))
        found = self.engine.run(*command).split()
        if not found:
            raise subprocess.CalledProcessError(1, command)
        return found[0]

    def inspect(self, service: str, form: str) -> str:
        """What the engine says of a service's container, in the form of a Go template."""
        return self.engine.run("inspect", "--format", form, self.container(service)).strip()

    def log(self, service: str) -> str:
        """What a service's program told; all of ours tell it on standard error."""
        command = [self.engine.program, "logs", self.container(service)]
        done = subprocess.run(
            command,
            env={**os.environ, **self.engine.environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=True,
        )
        return done.stdout

    def last_words(self) -> str:
        """The ends of all logs."""
        parts = []
        for service in self.services():
            try:
                lines = self.log(service).splitlines()[-LAST_LINES:]
            except subprocess.SubprocessError as error:
                lines = [f"no log: {type(error).__name__}"]
            parts += [f"-- {service}", *lines]
        return "\n".join(parts)

    def down(self) -> None:
        """Containers, networks and volumes go."""
        self.compose("down", "--volumes", "--timeout", "50", seconds=300)
