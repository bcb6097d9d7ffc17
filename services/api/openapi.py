"""`python -m services.api.openapi [--check]`: renders openapi.yaml, or says whether the file is fresh."""

import sys
from pathlib import Path

import yaml

from services.api.app import bare_app

TARGET = Path("openapi.yaml")


def rendered() -> str:
    """The document as it is kept in the repository."""
    return yaml.safe_dump(bare_app().openapi(), sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    """Write the document, or with --check compare it; the exit status."""
    if "--check" not in arguments:
        TARGET.write_text(rendered(), "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == rendered():
        return 0
    sys.stderr.write(f"{TARGET} is stale; run: python -m services.api.openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
