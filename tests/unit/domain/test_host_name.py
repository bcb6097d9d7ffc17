"""How a host may be written."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.host_name import checked_host


@pytest.mark.parametrize(
    "host",
    [
        "sftp.example.com",
        "localhost",
        "a_b.example",
        "1and1.example",
        "xn--mnchen-3ya.example",
        "192.0.2.1",
        "2001:db8::1",
        "::ffff:192.0.2.1",
        "a" * 63 + ".example",
    ],
)
def test_names_and_addresses_as_they_are_printed_are_taken(host: str) -> None:
    assert checked_host(host) == host


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("", "empty"),
        ("a." * 127, "253"),
        ("127.1", "four decimal"),
        ("127.0.1", "four decimal"),
        ("2130706433", "four decimal"),
        ("0x7f000001", "four decimal"),
        ("0x7f.1", "four decimal"),
        ("0177.0.0.1", "four decimal"),
        ("127.0.0.0x1", "four decimal"),
        ("127.0.0.0x", "four decimal"),
        ("127.0.0.256", "four decimal"),
        ("1.2.3.4.5", "four decimal"),
        ("foo.0x10", "four decimal"),
        ("127.0.0.1.", "dot at its end"),
        ("localhost.", "dot at its end"),
        ("localhost..", "dot at its end"),
        ("fe80::1%eth0", "zone"),
        ("local%68ost", "escape"),
        ("[::1]", "brackets"),
        ("::1::", "IPv6"),
        ("host:22", "IPv6"),
        ("::127.1", "IPv6"),
        ("1\u0662\u0667.0.0.1", "ASCII"),
        ("\u2460\u2461\u2466.0.0.1", "ASCII"),
        ("127\u30020.0.1", "ASCII"),
        ("m\u00fcnchen.example", "xn--"),
        ("a..example", "labels"),
        (".example", "labels"),
        ("-a.example", "labels"),
        ("a-.example", "labels"),
        ("a" * 64 + ".example", "labels"),
        ("a b.example", "labels"),
        ("a/b", "labels"),
        ("user@host", "labels"),
        ("host\n", "labels"),
        ("ho\x00st", "labels"),
    ],
)
def test_what_has_no_reading_or_more_than_one_is_refused_with_what_it_is(host: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked_host(host)


@given(st.from_regex(r"(0x|0)?[0-9a-f]{1,10}(\.(0x|0)?[0-9a-f]{1,4}){0,3}", fullmatch=True))
def test_what_the_resolver_reads_as_an_address_is_read_as_the_same_or_refused(host: str) -> None:
    try:
        read = socket.inet_aton(host)
    except OSError:
        return
    try:
        assert ipaddress.ip_address(checked_host(host)).packed == read
    except ValueError:
        return
