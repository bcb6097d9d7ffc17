"""Settings of processors that write values in another way: reformat_date, reformat_number, hash."""

from typing import Literal

from pydantic import Field, model_validator

from shared.domain.group_char import GroupChar, demand_two
from shared.domain.model import Model
from shared.domain.processors.base import DatePatternText, OneColumn, Shown
from shared.domain.zones import ZoneName


class ReformatDate(OneColumn):
    """Writes dates and times in another pattern (shared/domain/dates.py).

    `from` defaults to the dialect's dateFormat. A time without a zone is in the dialect's time zone, and all are
    written in it, unless `timezone` names another to write in. A pattern without a time takes the day of a time; a time
    of a value without one is midnight. What does not fit `from`, or cannot be told in `to`, goes by `on_failure`
    (`not_a_date`).
    """

    kind: Literal["reformat_date"]
    source: DatePatternText | None = Field(default=None, alias="from")
    target: DatePatternText = Field(default="YYYY-MM-DD", alias="to")
    timezone: ZoneName | None = None
    shows = Shown(
        example={"kind": "reformat_date", "field": "Born", "from": "DD.MM.YYYY", "to": "YYYY-MM-DD"},
        before={"Born": "31.12.1999"},
        after={"Born": "1999-12-31"},
    )


class NumberFormat(Model):
    """How numbers are written."""

    decimal_char: Literal[".", ","] = Field(default=".", alias="decimalChar")
    group_char: GroupChar | None = Field(default=None, alias="groupChar")

    @model_validator(mode="after")
    def _characters_differ(self) -> "NumberFormat":
        demand_two(self.decimal_char, self.group_char)
        return self


class WrittenNumber(NumberFormat):
    """How numbers are to be written."""

    decimals: int | None = Field(default=None, ge=0, le=10)


class ReformatNumber(OneColumn):
    """Writes numbers with other characters, without needless zeros and signs: the value stays exactly the same.

    `from` defaults to the dialect's decimalChar and groupChar. With `decimals` all have as many; a number with more,
    like what is no number, goes by `on_failure`: nothing is rounded.
    """

    kind: Literal["reformat_number"]
    source: NumberFormat | None = Field(default=None, alias="from")
    target: WrittenNumber = Field(default=WrittenNumber(), alias="to")
    shows = Shown(
        example={"kind": "reformat_number", "field": "Sum", "from": {"decimalChar": ",", "groupChar": "."}},
        before={"Sum": "1.234,50"},
        after={"Sum": "1234.5"},
    )


class Hash(OneColumn):
    """Replaces values by their digest, in lower-case hexadecimal digits, of their bytes in UTF-8.

    `sha256` unless another is named. Clean values first, since the smallest difference gives another digest. A digest
    without a secret hides nothing from somebody who can try all addresses or numbers: it is a key to match by, not
    anonymity. `md5` and `sha1` are for partners who still match by them.
    """

    kind: Literal["hash"]
    algorithm: Literal["sha256", "sha512", "sha1", "md5"] = "sha256"
    shows = Shown(
        example={"kind": "hash", "field": "E-mail", "algorithm": "md5"},
        before={"E-mail": "anna@example.com"},
        after={"E-mail": "6b56db1f84a3997b902509d3fbf0a306"},
    )
