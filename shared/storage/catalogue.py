"""A schema as text: what its catalogue holds, in words that are equal on every PostgreSQL we run on.

The files in schema/ hold what the migrations end at; a test compares them, so that a migration and its effect are
reviewed together. Dumps would not do: they differ from version to version.
"""

from importlib.resources import files

from shared.storage.database import Session


async def described(session: Session, schema: str) -> str:
    """A schema's tables, columns, constraints, indexes, policies, functions and grants, one line each.

    An account's schema is named after the account; in the text it is `{schema}`, as in its migrations.
    """
    rows = await session.fetch("catalogue.describe", schema)
    text = "\n".join(row["line"] for row in rows) + "\n"
    return text.replace(schema, "{schema}") if schema.startswith("account_") else text


def expected(family: str) -> str:
    """What the migrations of `shared` or `account` end at."""
    return (files("shared.storage") / "schema" / f"{family}.txt").read_text("utf-8")
