"""Words that may stand for no value: `NULL`, `\\N`, `n/a`. A person called Null exists, so they are asked about."""

import re
from collections.abc import Mapping

from shared.domain.asking import Asking
from shared.domain.findings import Certainty, Choice, Found, QuestionCode
from shared.processing.trials import Values

_CLEAR = ("\\N", "NULL", "null", "(null)", "#N/A", "N/A", "n/a", "NaN", "nan", "<null>")
_IN_COLUMNS_OF_DATA = ("-", "--", "NA", "na", "None", "none", "nil", "Null", "?", "unknown", "Unknown", ".")
_DATA = re.compile(r"[-+]?[0-9][0-9.,:/ TZ+-]*|[^@\s]+@[^@\s]+")
_MOSTLY = 0.8
_LOOKED = 200


def find_nulls(columns: Mapping[int, Values], asking: Asking) -> Found[tuple[str, ...]]:
    """The words that stand for no value, in all columns alike."""
    counts: dict[str, int] = {}
    for values in columns.values():
        present = set(values.texts.filter(values.texts.is_in([*_CLEAR, *_IN_COLUMNS_OF_DATA])).to_list())
        if not present:
            continue
        words = present if _holds_data(values, present) else present & set(_CLEAR)
        for word in words:
            counts[word] = counts.get(word, 0) + int(values.rows.filter(values.texts == word).sum())
    nulls: list[str] = []
    doubt = Certainty.CERTAIN
    for word, rows in counts.items():
        found = asking.ask(
            QuestionCode.NULL_SEQUENCE,
            f"/dialect/null_sequence/{word.replace('~', '~0').replace('/', '~1')}",
            f"Does {word} stand for no value? It is found {rows} times.",
            [
                Choice(value=True, label="no value", consequence="Fields that hold it are empty.", example=word),
                Choice(value=False, label="a text", consequence="It is a value, and no number or date.", example=word),
            ],
        )
        doubt = found.certainty if doubt is not Certainty.OPEN else doubt
        if found.value is True:
            nulls.append(word)
    why = () if counts else ("No word that often stands for no value is there.",)
    return Found(value=tuple(nulls), certainty=doubt, why=why)


def _holds_data(values: Values, words: set[str]) -> bool:
    """Whether all the other values are numbers, dates or addresses."""
    others = [text for text in values.texts.head(_LOOKED).to_list() if text not in words]
    return bool(others) and sum(bool(_DATA.fullmatch(text)) for text in others) >= _MOSTLY * len(others)
