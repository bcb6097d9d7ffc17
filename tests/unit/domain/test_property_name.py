"""Names of properties made of columns' names: always fit to be one, and the same again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.domain.property import PropertyName
from shared.domain.property_name import label_of, property_name

_NAME: TypeAdapter[str] = TypeAdapter(PropertyName)


@pytest.mark.parametrize(
    ("column", "prefix", "name"),
    [
        ("First Name", "", "first_name"),
        (" E-mail\u00a0", "shop_", "shop_e_mail"),
        ("Straße", "", "strasse"),
        ("Prénom", "", "prenom"),
        ("Pre\u0301nom", "", "prenom"),
        ("Fødselsår", "", "fodselsar"),
        ("Łódź", "", "lodz"),
        ("2nd phone", "", "field_2nd_phone"),
        ("2nd phone", "shop_", "shop_2nd_phone"),
        ("氏名", "", "u6c0f_u540d"),
        ("и", "", "u438"),
        ("й", "", "u439"),
        ("か", "", "u304b"),
        ("が", "", "u304c"),
        ("№", "", "no"),
        ("_Id_", "", "id"),
        ("", "shop_", ""),
        (" -- ", "shop_", ""),
        ("a" * 50, "", "a" * 50),
    ],
)
def test_a_column_makes_a_name(column: str, prefix: str, name: str) -> None:
    assert property_name(column, prefix) == name


def test_long_names_that_begin_alike_stay_apart() -> None:
    first, second = property_name("x" * 60 + "1", "p_"), property_name("x" * 60 + "2", "p_")
    assert len(first) == len(second) == 50
    assert first != second


@given(st.text(max_size=80), st.sampled_from(["", "shop_", "a" + "b" * 29]))
def test_every_name_is_one_that_a_property_can_have(column: str, prefix: str) -> None:
    name = property_name(column, prefix)
    assert name == "" or _NAME.validate_python(name) == name
    assert name == property_name(column, prefix)


def test_a_label_is_short_and_printable() -> None:
    assert label_of(" a\r\nb\u202e ") == "a  b"
    assert len(label_of("x" * 1_000)) == 200
