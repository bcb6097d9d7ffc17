"""Pointers lead to what is in the body, or name the field that is not."""

import pytest

from services.api.pointers import pointer_of

BODY = {"place": {"transport": "sftp", "a/b": {"~": 1}}, "mapping": [{"rule": "x"}]}


@pytest.mark.parametrize(
    ("location", "absent", "expected"),
    [
        (("place", "transport"), False, "/place/transport"),
        (("place", "sftp", "host"), True, "/place/host"),
        (("place", "sftp", "host"), False, "/place"),
        (("mapping", 0, "rule"), False, "/mapping/0/rule"),
        (("mapping", 4, "rule"), False, "/mapping"),
        (("place", "a/b", "~"), False, "/place/a~1b/~0"),
        (("function-after[check()]",), False, ""),
        ((), True, ""),
    ],
)
def test_a_pointer_leads_to_the_deepest_part_that_is_there(
    location: tuple[str | int, ...], absent: bool, expected: str
) -> None:
    assert pointer_of(location, BODY, names_absent=absent) == expected


def test_a_body_that_is_no_object_has_only_itself() -> None:
    assert pointer_of(("name",), "text", names_absent=False) == ""
