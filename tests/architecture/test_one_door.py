"""There is one door into the database: one module names the account, one names its schema, and few assemble SQL.

Read from the syntax tree of every module, so that a second door is found when it is written and not when it is used.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "shared/storage/database.py"
MODULES = sorted(file for folder in ("shared", "services") for file in (ROOT / folder).rglob("*.py"))
ASSEMBLERS = {
    DATABASE: "named statements, with the account's schema in them",
    "shared/storage/absent.py": "a run's tables of whom its file names and of who is absent",
    "shared/storage/consent.py": "what a word does to consent, for profiles in a run's table",
    "shared/storage/copy_out.py": "a selection, whose columns columns.py quotes",
    "shared/storage/exchanges.py": "profiles in a run's table, or given",
    "shared/storage/group_members.py": "an account's columns",
    "shared/storage/groups.py": "an account's columns",
    "shared/storage/list_members.py": "puts on a list, or takes off it, the profiles in a run's table",
    "shared/storage/events.py": "events that a caller gives, or that a run has staged",
    "shared/storage/merge.py": "a run's table of rejected rows",
    "shared/storage/merge_first.py": "the indexes of an account's columns",
    "shared/storage/merge_profiles.py": "a run's table of whom its file names",
    "shared/storage/merge_work.py": "an account's columns",
    "shared/storage/messages.py": "references that a caller gives, or that a run has staged",
    "shared/storage/migrate.py": "roles, the database and an account's schema",
    "shared/storage/profiles.py": "an account's columns",
    "shared/storage/properties.py": "an account's columns",
    "shared/storage/rejects.py": "a cursor",
    "shared/storage/segment_profiles.py": "a condition, and an account's columns",
    "shared/storage/staging.py": "staging tables, which are named after their run",
}
"""Modules that run a text which is not a literal, and what for. Whoever adds one says why here."""
INTERPOLATES = {
    "shared/storage/conditions.py": "joins comparisons of columns that columns.py quotes; values are parameters",
    "shared/storage/migrate.py": "DDL of roles and databases takes no parameters; PostgreSQL quotes the names",
    "shared/storage/profiles.py": "joins conditions on columns that columns.py quotes",
}

SQL = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|COPY|TRUNCATE|WITH|GRANT|REVOKE"
    r"|SET (LOCAL|SESSION|ROLE)|LOCK|FROM|WHERE|AND|ORDER BY|ON CONFLICT)\b"
)
SETTING = re.compile(
    r"set_config(?!\('(lock|statement)_timeout')|\btidegate\.account\b"
    r"|SET\s+((LOCAL|SESSION)\s+)?(ROLE|AUTHORIZATION|row_security|search_path)"
)
NAMES_A_SCHEMA = re.compile(r"^\W*account_$|account_\{|account_%")
RUNS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "cursor", "prepare", "copy_from_query"}


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def _texts(file: Path) -> Iterator[str]:
    """Every string of a module; the gaps of an f-string are `{}`. Docstrings are none of the program's."""
    tree = ast.parse(file.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield _text(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _built(file: Path) -> Iterator[str]:
    """Strings that are put together: f-strings with gaps, +, %, and the methods that fill or join."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.JoinedStr(values=parts) if any(isinstance(part, ast.FormattedValue) for part in parts):
                yield _text(node)
            case ast.BinOp(op=ast.Add() | ast.Mod(), left=left, right=right):
                yield from filter(None, (_text(left), _text(right)))
            case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "replace")):
                yield _text(value)


def _run_by(file: Path) -> Iterator[str]:
    """What is handed to a connection of the driver to be run, where that is no literal."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNS):
            continue
        if "connection" in ast.unparse(node.func.value) and node.args and not isinstance(node.args[0], ast.Constant):
            yield ast.unparse(node)


def test_one_module_names_the_account() -> None:
    naming = {_name(file) for file in MODULES if any(SETTING.search(text) for text in _texts(file))}
    assert naming == {DATABASE}
    statements = [*(ROOT / "shared" / "storage" / "sql").glob("*.sql")]
    assert statements
    assert [file.name for file in statements if SETTING.search(file.read_text("utf-8"))] == []


def test_one_function_names_an_accounts_schema() -> None:
    naming = {_name(file) for file in MODULES if any(NAMES_A_SCHEMA.search(text) for text in _texts(file))}
    # catalogue.py asks whether a name is an account's; it makes none.
    assert naming == {DATABASE, "shared/storage/catalogue.py"}
    assert (ROOT / DATABASE).read_text("utf-8").count("account_{") == 1
    fillings = {
        ast.unparse(node.args[1])
        for file in MODULES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "replace"
        and len(node.args) == 2
        and _text(node.args[0]) == "{schema}"
    }
    assert fillings <= {"tx.schema", "self.schema", "staged.schema", "schema_of(tx.account_id)"}, (
        "schemas come from schema_of alone"
    )


def test_sql_is_not_put_together_from_strings() -> None:
    built = {_name(file): [text for text in _built(file) if SQL.match(text)] for file in MODULES}
    assert {name for name, texts in built.items() if texts} == set(INTERPOLATES), "statements stand in sql/*.sql"


def test_few_modules_run_a_text_that_is_not_a_literal() -> None:
    assert {_name(file) for file in MODULES if any(_run_by(file))} == set(ASSEMBLERS)
