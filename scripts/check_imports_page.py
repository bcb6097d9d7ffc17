"""Hold docs/imports.md to what there is: every test that it names exists, every sentence has an answer and is a quote.

The pages that it quotes belong to others and are not in this repository; where they lie beside it (../shared/seeds),
the sentences are looked up in them. Prints each finding with its line, and how many answers are still due.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PAGE = Path("docs/imports.md")
SEEDS = Path("../shared/seeds")
FIRST_SYSTEM = "## Spotler"

_ROW = re.compile(r'\| "(?P<sentence>.+)" \| (?P<answer>.+) \|')
_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
_WORDS = ("due: ", "later: ", "out of scope, because ")


def main() -> int:
    """0 where the page is true; what is due does not count against it."""
    lines = PAGE.read_text("utf-8").splitlines()
    findings = list(faults(lines, _pages()))
    answers = [row["answer"] for row in map(_ROW.fullmatch, lines) if row is not None]
    due = [answer for answer in answers if "due: " in answer]
    summary = f"{PAGE}: {len(answers)} sentences, {len(due)} of them due"
    print("\n".join([*findings, *(f"  {answer[answer.index('due: ') :]}" for answer in due), summary]))
    return 1 if findings else 0


def faults(lines: Sequence[str], pages: str | None) -> Iterator[str]:
    """What is wrong with the page's lines; `pages` is the text of the quoted ones, where it is at hand."""
    is_table = False
    for number, line in enumerate(lines, 1):
        is_table = is_table or line.startswith(FIRST_SYSTEM)
        if not is_table or not line.startswith("|") or line.startswith(("| what it says", "| ---")):
            continue
        row = _ROW.fullmatch(line)
        if row is None:
            yield f'{PAGE}:{number}: expected | "a sentence" | its answer |'
            continue
        yield from (f"{PAGE}:{number}: {fault}" for fault in _row_faults(row["sentence"], row["answer"], pages))


def _row_faults(sentence: str, answer: str, pages: str | None) -> Iterator[str]:
    tests = list(_TEST.finditer(answer))
    if not tests and not any(word in answer for word in _WORDS):
        yield f"expected a test, or one of {', '.join(map(repr, _WORDS))}; found {answer!r}"
    if len(tests) != answer.count("`tests/"):
        yield f"expected tests as `tests/file.py::test_name`, found {answer!r}"
    for test in tests:
        if test["name"] not in _tests_of(Path(test["file"])):
            yield f"there is no test {test['file']}::{test['name']}"
    if pages is not None and _plain(sentence) not in pages:
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


def _pages() -> str | None:
    files = sorted(SEEDS.glob("*.txt"))
    return _plain(" ".join(file.read_text("utf-8") for file in files)) if files else None


def _plain(text: str) -> str:
    """Text with one blank where there is any white space."""
    return " ".join(text.replace("**", "").split())


if __name__ == "__main__":
    sys.exit(main())
