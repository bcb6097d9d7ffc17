"""Say which tracked files carry what no file of this repository may carry.

No address of a package registry and no path of somebody's machine: both are true for one place only. No binaries
and nothing large: those cannot be reviewed. Deliberately awkward test data may hold any bytes, and stays small.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 400_000
MAX_RENDERED_BYTES = 1_000_000
RENDERED = ("openapi.yaml", "asyncapi.yaml")
"""What is rendered from the models and grows with them: it is reviewed by what changes of it."""
MAX_AWKWARD_BYTES = 64_000
AWKWARD = "tests/data/"

FORBIDDEN = {
    "the address of a package registry": re.compile(
        r"\b(?:pypi\.(?:org|python\.org)|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|(?:deb|security)\.debian\.org"
        r"|(?:archive|security)\.ubuntu\.com|crates\.io|proxy\.golang\.org)\b"
    ),
    "an option that names a package registry": re.compile(r"--(?:(?:extra-)?index-url|find-links)[ =]\S*://"),
    "a path of one machine": re.compile(r"(?<![\w.<>{}/-])/(?:work|root|home|Users|tmp/play)/\w"),
}


def main() -> int:
    """Print each finding with file and line; 0 where there is none."""
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, timeout=60).stdout
    paths = [Path(name) for name in listed.decode().split("\0") if name and Path(name).is_file()]
    findings = [finding for path in paths for finding in faults(path)]
    print("\n".join(findings) or f"{len(paths)} tracked files carry nothing that they may not")
    return 1 if findings else 0


def faults(path: Path) -> Iterator[str]:
    """What is wrong with one file, in sentences that begin with its name."""
    content = path.read_bytes()
    awkward = path.as_posix().startswith(AWKWARD)
    rendered = path.as_posix() in RENDERED
    limit = MAX_AWKWARD_BYTES if awkward else MAX_RENDERED_BYTES if rendered else MAX_BYTES
    if len(content) > limit:
        yield f"{path}: {len(content)} bytes, where {limit} are allowed; generate it instead"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1") if awkward else "\0"
    if "\0" in text and not awkward:
        yield f"{path}: not UTF-8 text; generate it instead, or put a small sample into {AWKWARD}"
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in FORBIDDEN.items():
            if found := pattern.search(line):
                yield f"{path}:{number}: {what}: {found.group()!r}"


if __name__ == "__main__":
    sys.exit(main())
