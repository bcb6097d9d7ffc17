"""Hold docs/imports.md, exports.md and transports.md to what there is: tests that they name exist, sentences quotes.

The pages that it quotes belong to others and are not in this repository; where they lie beside it (../shared/seeds),
the sentences are looked up in them. Prints each finding with its line, and how many answers are still due.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PAGES = (Path("docs/imports.md"), Path("docs/exports.md"), Path("docs/transports.md"))
SEEDS = Path("../shared/seeds")
FIRST_SYSTEM = "## Spotler"

_ROW = re.compile(r'\| "(?P<sentence>.+)" \| (?P<answer>.+) \|')
_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
_WORDS = ("due: ", "later: ", "out of scope, because ")


def main() -> int:
    """0 where the pages are true; what is due does not count against them."""
    return max([_judged(page) for page in PAGES])


def _judged(page: Path) -> int:
    lines = page.read_text("utf-8").splitlines()
    findings = list(faults(page, lines, _quoted()))
    answers = [row["answer"] for row in map(_ROW.fullmatch, lines) if row is not None]
    due = [answer for answer in answers if "due: " in answer]
    summary = f"{page}: {len(answers)} sentences, {len(due)} of them due"
    print("\n".join([*findings, *(f"  {answer[answer.index('due: ') :]}" for answer in due), summary]))
    return 1 if findings else 0


def faults(page: Path, lines: Sequence[str], quoted: str | None) -> Iterator[str]:
    """What is wrong with a page's lines; `quoted` is the text of the pages of others, where it is at hand."""
    is_table = False
    for number, line in enumerate(lines, 1):
        is_table = is_table or line.startswith(FIRST_SYSTEM)
        if not is_table or not line.startswith("|") or line.startswith(("| what it says", "| ---")):
            continue
        row = _ROW.fullmatch(line)
        if row is None:
            yield f'{page}:{number}: expected | "a sentence" | its answer |'
            continue
        yield from (f"{page}:{number}: {fault}" for fault in _row_faults(row["sentence"], row["answer"], quoted))


def _row_faults(sentence: str, answer: str, quoted: str | None) -> Iterator[str]:
    tests = list(_TEST.finditer(answer))
    if not tests and not any(word in answer for word in _WORDS):
        yield f"expected a test, or one of {', '.join(map(repr, _WORDS))}; found {answer!r}"
    if len(tests) != answer.count("`tests/"):
        yield f"expected tests as `tests/file.py::test_name`, found {answer!r}"
    for test in tests:
        if test["name"] not in _tests_of(Path(test["file"])):
            yield f"there is no test {test['file']}::{test['name']}"
    if quoted is not None and _plain(sentence) not in quoted:
        yield f"none of the quoted pages says {sentence!r}"


@cache
def _tests_of(file: Path) -> frozenset[str]:
    """The names of a module's tests; none where there is no such module."""
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@cache
def _quoted() -> str | None:
    files = sorted(SEEDS.glob("*.txt"))
    return _plain(" ".join(file.read_text("utf-8") for file in files)) if files else None


def _plain(text: str) -> str:
    """Text with one blank where there is any white space."""
    return " ".join(text.replace("**", "").split())


if __name__ == "__main__":
    sys.exit(main())
