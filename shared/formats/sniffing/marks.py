"""Which quote and escape character a text is written with, once its delimiter is known.

A reading is right if its rows can be read; of two that both can, the usual one stands if the other would mean nothing
else, and else a person is asked.
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, QuestionCode, Value
from shared.formats.sniffing.layouts import Layout, Sample, Signs, layout_of

QUOTE_POINTER = "/dialect/quote_char"
ESCAPE_POINTER = "/dialect/escape_char"
_MOSTLY = 0.9
_FEW = 3


def best_of(sample: Sample, signs: Signs) -> Layout | None:
    """The reading of the sample with a delimiter that leaves the fewest rows unfit; the usual marks first."""
    return min(_readings(sample, signs), key=lambda layout: layout.lost, default=None)


def find_marks(sample: Sample, signs: Signs, asking: Asking) -> tuple[Found[str | None], Found[str | None], Layout]:
    """Quote character, escape character, and the reading with them."""
    usual = layout_of(sample, signs)
    assert usual is not None
    quote, layout = _find_quote(sample, usual, asking)
    escape, layout = _find_escape(sample, layout, asking)
    return quote, escape, layout


def _readings(sample: Sample, signs: Signs) -> list[Layout]:
    has_backslash = b"\\" in sample.data
    pairs: list[tuple[str | None, str | None]] = [('"', None)]
    if has_backslash:
        pairs.append(('"', "\\"))
    if _opens_with(sample.data, signs.delimiter, "'"):
        pairs.append(("'", None))
        if has_backslash:
            pairs.append(("'", "\\"))
    tried = [replace(signs, quote=quote, escape=escape) for quote, escape in pairs]
    if signs.delimiter.encode() + b' "' in sample.data and " " not in signs.delimiter:
        tried.append(replace(signs, skips_blanks=True))
    if b'"' in sample.data:
        tried.append(replace(signs, quote=None))
    layouts = (layout_of(sample, each) for each in tried)
    return [layout for layout in layouts if layout is not None]


def _opens_with(data: bytes, delimiter: str, quote: str) -> bool:
    mark = quote.encode()
    return data.startswith(mark) or any(place + mark in data for place in (delimiter.encode(), b"\n", b"\r"))


def _find_quote(sample: Sample, usual: Layout, asking: Asking) -> tuple[Found[str | None], Layout]:
    single = _with_apostrophes(sample, usual)
    if single is not None:
        if single.lost < usual.lost or _always_wrapped(usual, "'"):
            return Found(value="'", why=(f"{single.quoted} values stand in apostrophes.",)), single
        return _asked(asking, [usual, single], "Apostrophes stand around some values.")
    if b'"' not in sample.data:
        why = "No quotation mark stands in what was looked at: with one or without, the reading is the same."
        return Found(value='"', why=(why,)), usual
    escaped = layout_of(sample, replace(usual.signs, escape="\\"))
    is_mended = escaped is not None and escaped.lost < usual.lost
    bare = layout_of(sample, replace(usual.signs, quote=None))
    if bare is not None and bare.lost < usual.lost and not is_mended:
        opened = _opened(bare, '"')
        if not opened:
            why = f"Quotation marks stand inside values, and never before one; {usual.lost} rows make sense only so."
            return Found(value=None, why=(why,)), bare
        return _asked(asking, [usual, bare], f"Quotation marks stand before {opened} values, and inside others.")
    return Found(value='"', why=(f"{usual.quoted} values stand in quotation marks.",)), usual


def _find_escape(sample: Sample, layout: Layout, asking: Asking) -> tuple[Found[str | None], Layout]:
    if b"\\" not in sample.data:
        return Found(value=None, why=("No backslash stands in what was looked at.",)), layout
    escaped = layout_of(sample, replace(layout.signs, escape="\\"))
    if escaped is None or escaped.lost > layout.lost:
        return Found(value=None, why=("Rows could not be read if a backslash had a meaning.",)), layout
    if escaped.lost < layout.lost:
        why = f"{layout.lost - escaped.lost} rows can only be read if a backslash escapes the next character."
        return Found(value="\\", why=(why,)), escaped
    if escaped.rows == layout.rows or any(_escapes_nothing(text, layout.signs) for text in layout.fields()):
        return Found(value=None, why=("Backslashes stand before characters that need none.",)), layout
    found = asking.ask(
        QuestionCode.ESCAPE_CHAR,
        ESCAPE_POINTER,
        "Does a backslash escape the next character, or is it part of the value?",
        [
            Choice(value=None, label="part of the value", consequence="It is kept.", example=_other(layout, escaped)),
            Choice(value="\\", label="escapes", consequence="It is dropped.", example=_other(escaped, layout)),
        ],
    )
    return _as_text(found), escaped if found.value == "\\" else layout


def _with_apostrophes(sample: Sample, usual: Layout) -> Layout | None:
    """The reading with apostrophes as quotes, where it makes as much sense as the usual one but is another."""
    if b"'" not in sample.data or not _opens_with(sample.data, usual.signs.delimiter, "'"):
        return None
    readings = (layout_of(sample, replace(usual.signs, quote="'", escape=escape)) for escape in (None, "\\"))
    single = min((each for each in readings if each is not None), key=lambda layout: layout.lost)
    is_better = single.lost < usual.lost or (single.lost == usual.lost and _wrapped(usual, "'"))
    return layout_of(sample, replace(usual.signs, quote="'")) if is_better else None


def _wrapped(layout: Layout, quote: str) -> int:
    return sum(len(text) > 1 and text[0] == quote == text[-1] for text in layout.fields())


def _opened(layout: Layout, quote: str) -> int:
    """How many values begin with a quote, as those do that hold a delimiter in quotes and were cut there."""
    return sum(text.lstrip(" ").startswith(quote) for text in layout.fields())


def _always_wrapped(layout: Layout, quote: str) -> bool:
    """Whether all values of some columns are wrapped: apostrophes of names do not do that."""
    columns = [[value for value in column if value] for column in zip(*layout.readable, strict=True)]
    touched = [column for column in columns if any(value[0] == quote for value in column)]
    return bool(touched) and all(
        len(column) >= _FEW
        and sum(len(value) > 1 and value[0] == quote == value[-1] for value in column) >= _MOSTLY * len(column)
        for column in touched
    )


def _escapes_nothing(text: str, signs: Signs) -> bool:
    """Whether a backslash stands before a character that needs no escaping."""
    special = {signs.delimiter[0], signs.quote, "\n", "\r"}
    rest = text.replace("\\\\", "")
    return any(rest[place + 1 : place + 2] not in special for place, c in enumerate(rest) if c == "\\")


def _asked(asking: Asking, layouts: Sequence[Layout], why: str) -> tuple[Found[str | None], Layout]:
    layouts = sorted(layouts, key=lambda layout: layout.lost)
    choices = [
        Choice(
            value=layout.signs.quote,
            label=f"values may stand in {layout.signs.quote}" if layout.signs.quote else "there is no quote character",
            consequence=f"{layout.unfit} of {len(layout.table)} rows would be handed back.",
            example=layout.example(),
        )
        for layout in layouts
    ]
    found = asking.ask(
        QuestionCode.QUOTE_CHAR, QUOTE_POINTER, "Which character stands around values?", choices, why=[why]
    )
    return _as_text(found), next(layout for layout in layouts if layout.signs.quote == found.value)


def _other(layout: Layout, other: Layout) -> str:
    return next((one for one, two in zip(layout.fields(), other.fields(), strict=False) if one != two), "")


def _as_text(found: Found[Value]) -> Found[str | None]:
    value = found.value if isinstance(found.value, str) else None
    return Found(value=value, certainty=found.certainty, why=found.why)
