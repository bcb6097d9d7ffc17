"""The address of a WebDAV place: https and a directory, in one spelling, and nothing hidden in it."""

import pytest
from pydantic import ValidationError

from shared.domain.place import WebDavPlace


def _place(url: str, username: str = "partner") -> WebDavPlace:
    return WebDavPlace.model_validate({"transport": "webdav", "url": url, "username": username})


@pytest.mark.parametrize(
    ("url", "spelled", "host", "port", "segments"),
    [
        ("https://dav.example", "https://dav.example", "dav.example", 443, ()),
        ("https://DAV.Example:443/", "https://dav.example", "dav.example", 443, ()),
        ("https://dav.example:8443/a/b//", "https://dav.example:8443/a/b", "dav.example", 8443, (b"a", b"b")),
        (
            "https://dav.example/remote.php/dav/files/ann@shop.example/%C3%84%20%ff",
            "https://dav.example/remote.php/dav/files/ann@shop.example/%C3%84%20%ff",
            "dav.example",
            443,
            (b"remote.php", b"dav", b"files", b"ann@shop.example", "\u00c4 ".encode() + b"\xff"),
        ),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x", "2001:db8::1", 8443, (b"x",)),
    ],
)
def test_an_address_has_one_spelling(url: str, spelled: str, host: str, port: int, segments: tuple[bytes, ...]) -> None:
    place = _place(url)
    assert (place.url, place.host, place.port, place.segments) == (spelled, host, port, segments)


@pytest.mark.parametrize(
    "url",
    [
        "http://dav.example/",
        "dav.example",
        "//dav.example/",
        "https://",
        "https:///path",
        "https://ann:secret@dav.example/",
        "https://dav.example\\@evil.example/",
        "https://dav.example/?token=secret",
        "https://dav.example/?",
        "https://dav.example/#here",
        "https://dav.example:0/",
        "https://dav.example:99999/",
        "https://dav.example:/x\ny",
        "https://d\u00e4v.example/",
        "https://dav.example/a b",
        "https://dav.example/\u00e4",
        "https://dav.example/a//b",
        "https://dav.example/../b",
        "https://dav.example/a/%2e%2E/b",
        "https://dav.example/a%2Fb",
        "https://dav.example/a%00",
        "https://dav.example/100%",
        "https://dav.example/%zz",
        "https://[fe80::1%25eth0]/",
        "https://dav.example/" + "a" * 3000,
    ],
)
def test_an_address_with_anything_else_in_it_is_refused_and_no_secret_is_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _place(url)
    [problem] = refused.value.errors(include_input=False)
    assert problem["loc"] == ("url",)
    assert "secret" not in problem["msg"]


def test_a_user_name_has_no_colon() -> None:
    with pytest.raises(ValidationError, match="colon"):
        _place("https://dav.example/", "ann:other")


def test_secrets_are_meant_for_one_address_and_user() -> None:
    before = _place("https://dav.example/a")
    assert before.whom == _place("https://DAV.example:443/a/").whom
    for other in (
        _place("https://dav.example/b"),
        _place("https://dav.example:8443/a"),
        _place("https://dav.example/a", "bob"),
    ):
        assert other.whom != before.whom
