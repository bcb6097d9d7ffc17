"""How a delimited text is written: all of its dialect that shows before values are understood."""

from dataclasses import replace

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, FoundDialect, QuestionCode
from shared.formats.csv_grammar import LINE_END
from shared.formats.sniffing.delimiters import find_delimiter
from shared.formats.sniffing.header import IsName, find_header
from shared.formats.sniffing.layouts import Layout, Sample, Signs, layout_of
from shared.formats.sniffing.marks import find_marks

COMMENT_POINTER = "/dialect/comment_char"
SKIP_POINTER = "/dialect/rows_to_skip"
_COMMENTS = ("#", "//", "%")
_SURE_WIDTH = 3


def find_dialect(sample: Sample, is_name: IsName, asking: Asking) -> FoundDialect:
    """The dialect of a text that has at least one record."""
    comment = _find_comment(sample, asking)
    delimiter, layout = find_delimiter(sample, Signs(",", comment=comment.value), asking)
    quote, escape, layout = find_marks(sample, replace(layout.signs, quote='"', escape=None), asking)
    blanks, layout = _find_blanks(sample, layout)
    skip, first = _find_skip(layout, asking)
    header = find_header(layout.rows[first:], is_name, asking)
    return FoundDialect(
        delimiter=delimiter,
        quote_char=quote,
        escape_char=escape,
        skip_initial_space=blanks,
        header=header,
        rows_to_skip=skip,
        comment_char=comment,
        null_sequence=Found(value=()),
        timezone=Found(value="UTC"),
    )


def _find_comment(sample: Sample, asking: Asking) -> Found[str | None]:
    lines = [line for line in LINE_END.split(sample.data.decode("utf-8", "replace").encode()) if line.strip()]
    for mark in _COMMENTS:
        marked = [line for line in lines if line.startswith(mark.encode())]
        if not marked or len(marked) == len(lines):
            continue
        # The questions of this trial are asked again, of the reading that is chosen.
        _, layout = find_delimiter(sample, Signs(",", comment=mark), Asking())
        delimiter = layout.signs.delimiter.encode()
        fitting = [line for line in marked if line.count(delimiter) + 1 == layout.width]
        if not fitting and layout.width > 1:
            why = f"{len(marked)} lines begin with {mark} and have no {layout.width} fields."
            return Found(value=mark, why=(why,))
        return _asked_comment(mark, (fitting or marked)[0], len(marked), asking)
    return Found(value=None, why=("No line begins as comments do.",))


def _asked_comment(mark: str, line: bytes, count: int, asking: Asking) -> Found[str | None]:
    example = line.decode("utf-8", "replace")
    found = asking.ask(
        QuestionCode.COMMENT_CHAR,
        COMMENT_POINTER,
        f"Are the lines that begin with {mark} comments, or records?",
        [
            Choice(value=None, label="records", consequence="They are read like all others.", example=example),
            Choice(value=mark, label="comments", consequence=f"{count} lines are skipped.", example=example),
        ],
    )
    value = found.value if isinstance(found.value, str) else None
    return Found(value=value, certainty=found.certainty, why=found.why)


def _find_blanks(sample: Sample, layout: Layout) -> tuple[Found[bool], Layout]:
    if layout.signs.skips_blanks:
        return Found(value=True, why=("Quotation marks stand behind blanks.",)), layout
    later = [value for row in layout.readable for value in row[1:] if value]
    if len(later) > 1 and all(value.startswith(" ") for value in later) and " " not in layout.signs.delimiter:
        skipping = layout_of(sample, replace(layout.signs, skips_blanks=True))
        if skipping is not None and skipping.unfit <= layout.unfit:
            return Found(value=True, why=("Every value behind a delimiter begins with a blank.",)), skipping
    return Found(value=False, why=("Not every value behind a delimiter begins with a blank.",)), layout


def _find_skip(layout: Layout, asking: Asking) -> tuple[Found[int], int]:
    """How many physical lines to skip, and the row with which the table then begins."""
    number = layout.skipped
    if layout.width < 2 or not number or not layout.readable:
        return Found(value=0, why=("The table begins with the first row.",)), 0
    lines = layout.lines[number] - 1
    if layout.width >= _SURE_WIDTH and all(len(row) == 1 for row in layout.rows[:number]):
        why = f"{number} rows without a delimiter stand before the table."
        return Found(value=lines, why=(why,)), number
    example = " | ".join(layout.rows[0])
    found = asking.ask(
        QuestionCode.ROWS_TO_SKIP,
        SKIP_POINTER,
        "Do the rows before the first full one belong to the table?",
        [
            Choice(value=lines, label=f"skip {lines} lines", consequence="They are not read.", example=example),
            Choice(
                value=0,
                label="no",
                consequence=f"The table has the {len(layout.rows[0])} columns of its first row, and rows of "
                f"{layout.width} fields are handed back.",
                example=example,
            ),
        ],
    )
    is_skipped = found.value == lines
    return Found(
        value=lines if is_skipped else 0, certainty=found.certainty, why=found.why
    ), number if is_skipped else 0


def without_text_dialect(list_delimiter: str) -> FoundDialect:
    """The defaults, for a format that has no such thing; and what the items of its lists are joined with."""
    why = ("The format has none.",)
    return FoundDialect(
        delimiter=Found(value=",", why=why),
        quote_char=Found(value='"', why=why),
        escape_char=Found(value=None, why=why),
        skip_initial_space=Found(value=False, why=why),
        header=Found(value=True, why=("The keys of the objects.",)),
        rows_to_skip=Found(value=0, why=why),
        comment_char=Found(value=None, why=why),
        null_sequence=Found(value=()),
        timezone=Found(value="UTC"),
        list_delimiter=Found(value=list_delimiter, why=("No item of a list holds it.",)),
    )
