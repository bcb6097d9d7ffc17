"""Settings of processors of addresses and numbers by which people are reached: normalize_email, normalize_phone."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.domain.processors.base import OneColumn, Shown


class NormalizeEmail(OneColumn):
    """Writes e-mail addresses alike: without white space at the ends and `mailto:`, composed (NFC), in lower case.

    What is no e-mail address then goes by `on_failure` (`not_an_email`). Twice does what once does.
    """

    kind: Literal["normalize_email"]
    shows = Shown(
        example={"kind": "normalize_email", "field": "E-mail"},
        before={"E-mail": " mailto:Anna@Example.COM"},
        after={"E-mail": "anna@example.com"},
    )


class NormalizePhone(OneColumn):
    """Writes telephone numbers as E.164: `+`, country code, number.

    A number without a country code belongs to `default_region` (ISO 3166-1, as `NL`). Digits, blanks and the usual
    signs are read, also `tel:` in front; letters and extensions are not, and what is no valid number of its country (by
    the library phonenumbers) goes by `on_failure` (`not_a_phone`). Twice does what once does.
    """

    kind: Literal["normalize_phone"]
    default_region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\z")]
    shows = Shown(
        example={"kind": "normalize_phone", "field": "Mobile", "default_region": "NL"},
        before={"Mobile": "06 - 1234 5678"},
        after={"Mobile": "+31612345678"},
    )
