"""Print the part of requirements.lock that Tidegate runs on, without what only develops, tests and checks it.

The lock says below each package who wants it ("# via"). What the project wants by itself, and whatever that wants in
turn, is printed as it stands, with its hashes; so the image is built from the one lock and from nothing else.
"""

import re
import sys
from pathlib import Path

PROJECT = "tidegate (pyproject.toml)"


def main() -> None:
    """Print it. Ends with status 1 where the lock does not say who wants what."""
    entries = _entries(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wanted: set[str] = set()
    found = {PROJECT}
    while found:
        wanted |= found
        found = {name for name, entry in entries if name not in wanted and _wanted_by(entry) & wanted}
    if wanted == {PROJECT}:
        sys.exit(f"found nothing in {sys.argv[1]} that is there via {PROJECT!r}; expected `# via` below each package")
    sys.stdout.writelines(entry for name, entry in entries if name in wanted)


def _entries(lock: str) -> list[tuple[str, str]]:
    """Each package's name and its lines; a package that differs between Pythons has several."""
    parts = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [(re.split(r"[=\[ ]", part, maxsplit=1)[0], part) for part in parts]


def _wanted_by(entry: str) -> set[str]:
    comments = re.findall(r"^ +# +(?:via +)?(.+)$", entry, flags=re.MULTILINE)
    return {comment.strip() for comment in comments}


if __name__ == "__main__":
    main()
