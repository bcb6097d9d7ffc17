"""Columns of language tags: one case for all spellings of a tag, and a code for what is none."""

import polars as pl

from shared.domain.language_tag import language_tag
from shared.domain.reject import RejectCode
from shared.processing.column import Column
from shared.processing.lists import looked_up


def languages(values: pl.Series) -> Column:
    """The tags as RFC 5646 writes them. `values` is trimmed text, null where there is none."""
    spellings = values.drop_nulls().unique()
    tags = [language_tag(each) for each in spellings.to_list()]
    found = looked_up(values, pl.DataFrame({"raw": spellings, "item": pl.Series(tags, dtype=pl.String)}))
    is_bad = found.is_null() & values.is_not_null()
    if not is_bad.any():
        return Column(found)
    return Column(found, pl.select(pl.when(is_bad).then(pl.lit(RejectCode.NOT_A_LANGUAGE.value))).to_series())
