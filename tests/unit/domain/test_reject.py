"""How a file tells that it hands rejects back: by our columns in its header, or by what stands behind each row."""

from uuid import UUID

import pytest

from shared.domain.reject import (
    MESSAGES,
    OWN_COLUMNS,
    OWN_COLUMNS_OF_VALUES,
    RejectCode,
    as_run_id,
    ends_as_ours,
    hands_back,
    hands_values_back,
)

RUN = str(UUID(int=7))
TAIL = ("5", "not_an_integer", "points", MESSAGES[RejectCode.NOT_AN_INTEGER], RUN)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("email", *OWN_COLUMNS), True),
        (("email", " _run ", "_code\u00a0"), True),
        ((*OWN_COLUMNS, "email"), True),
        (("email", *OWN_COLUMNS_OF_VALUES), True),
        (("email", "_values_of_run"), False),
        (("email", "_run"), False),
        (("email", "_row", "_code", "_field", "_message"), False),
        (("email", "_Run", "_Code"), False),
        ((None, None), False),
        ((), False),
    ],
)
def test_run_with_one_other_of_our_columns_hands_back(names: tuple[str | None, ...], expected: bool) -> None:
    assert hands_back(names) is expected
    assert hands_values_back(names) is (expected and "_values_of_run" in names)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("a@b.example", *TAIL), True),
        (TAIL, False),
        (("a@b.example", *TAIL[:-1]), False),
        (("a@b.example", "\u0665", *TAIL[1:]), False),
        (("a@b.example", "5", "invented", *TAIL[2:]), False),
        (("a@b.example", *TAIL[:3], "Another sentence.", RUN), False),
        (("a@b.example", *TAIL[:-1], "no run"), False),
    ],
)
def test_a_row_ends_as_ours_with_a_code_its_sentence_and_a_run(row: tuple[str, ...], expected: bool) -> None:
    assert ends_as_ours(row) is expected


@pytest.mark.parametrize("text", ["", "x", "\0", "\udcff" * 36, "0" * 31, "9" * 10_000, "_run"])
def test_what_names_no_run_is_none(text: str) -> None:
    assert as_run_id(text) is None
    assert as_run_id(f" {RUN} ") == UUID(RUN)
