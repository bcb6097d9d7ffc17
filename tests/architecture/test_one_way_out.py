"""There is one door out of our network: partners' servers and the mail server are reached through dialling.py alone.

Read from the syntax tree of every module, so that a second way out is found when it is written. The database's and the
broker's drivers connect to what the operator names, and are in rooms of their own (import-linter).
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(file for folder in ("shared", "services") for file in (ROOT / folder).rglob("*.py"))
DIALS = {"open_connection", "create_connection", "sock_connect", "connect_ex", "urlopen", "urlretrieve"}
"""What makes a connection, in the standard library's modules."""
RESOLVES = {"getaddrinfo", "gethostbyname", "gethostbyname_ex"}


@cache
def _said() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """What each module names, and what it imports (the first part of the name)."""
    said = {}
    for file in MODULES:
        named, imported = set(), set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    named.add(name)
                case ast.Import(names=names):
                    imported |= {each.name.split(".")[0] for each in names}
                case ast.ImportFrom(module=str(module)):
                    imported.add(module.split(".")[0])
        said[file.relative_to(ROOT).as_posix()] = frozenset(named), frozenset(imported)
    return said


def _naming(names: set[str]) -> set[str]:
    return {file for file, (named, _) in _said().items() if named & names}


def _importing(modules: set[str]) -> set[str]:
    return {file for file, (_, imported) in _said().items() if imported & modules}


def test_one_module_connects() -> None:
    assert _naming(DIALS) == {"shared/transfer/dialling.py"}


def test_one_module_resolves_names() -> None:
    assert _naming(RESOLVES) == {"shared/transfer/resolver.py"}


def test_clients_of_other_protocols_are_known() -> None:
    # watch_runs.py is a program on a person's own machine, and asks their own gateway.
    assert _importing({"httpx", "requests", "aiohttp", "urllib3"}) <= {"services/entry/watch_runs.py"}
    # Of httpcore only what speaks over a connection that it is given: its pools would dial.
    assert _importing({"httpcore"}) == {"shared/transfer/webdav/stream.py", "shared/transfer/webdav/wire.py"}
    assert not _naming({"AsyncConnectionPool", "ConnectionPool", "AsyncHTTPProxy", "HTTPProxy"})
    assert _importing({"aiosmtplib", "smtplib"}) == {"services/notifier/sender.py"}
    # It is handed its connections, and connects to nothing by itself.
    assert _importing({"ftplib"}) == {"shared/transfer/ftps/session.py", "shared/transfer/ftps/replies.py"}
