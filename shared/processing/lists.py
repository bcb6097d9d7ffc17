"""Values that are several: taken apart, and put together as PostgreSQL's array literals.

Lists tend to repeat, so each spelling is worked on once.
"""

import polars as pl


def items_of(values: pl.Series, delimiter: str) -> pl.DataFrame:
    """The items of every spelling: columns `raw` and `item`; items trimmed, empty ones dropped, each once, in order."""
    return (
        pl.DataFrame({"raw": values.drop_nulls().unique()})
        .with_columns(item=pl.col("raw").str.split(delimiter))
        .explode("item")
        .with_columns(pl.col("item").str.strip_chars())
        .filter(pl.col("item") != "")
        .unique(maintain_order=True)
    )


def array_literals(items: pl.DataFrame) -> pl.DataFrame:
    """One array literal for every spelling that has an item: columns `raw` and `item`."""
    quoted = pl.col("item").str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    joined = (pl.lit('"') + quoted + pl.lit('"')).str.join(",")
    return items.group_by("raw").agg(item=pl.lit("{") + joined + pl.lit("}"))


def looked_up(values: pl.Series, known: pl.DataFrame) -> pl.Series:
    """What each spelling came to; null where it came to nothing. `known` has the columns `raw` and `item`."""
    found = pl.DataFrame({"raw": values}).join(known, on="raw", how="left", maintain_order="left")
    return found["item"].alias(values.name)
