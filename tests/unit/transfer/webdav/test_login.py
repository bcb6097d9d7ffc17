"""Challenges are read as RFC 9110 has them, and answered as RFC 7616 and RFC 7617 do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import AccessDenied, LoginRefused
from shared.transfer.webdav.login import Digest, Prover, read_challenges

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


_SAID = re.compile(r'([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))')


def _answered(header: str) -> dict[str, str]:
    return {name: quoted or bare for name, quoted, bare in _SAID.findall(header)}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, response: str) -> None:
    challenge = {
        "realm": "http-auth@example.org",
        "qop": "auth, auth-int",
        "algorithm": algorithm,
        "nonce": NONCE,
        "opaque": OPAQUE,
    }
    answered = _answered(Digest("Mufasa", "Circle of Life", challenge, lambda: CNONCE)("GET", "/dir/index.html"))
    assert answered == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": NONCE,
        "nc": "00000001",
        "cnonce": CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": OPAQUE,
    }


def test_the_example_of_rfc_7616_with_a_hashed_user_name_and_sha_512_256() -> None:
    challenge = {
        "realm": "api@example.org",
        "qop": "auth",
        "algorithm": "SHA-512-256",
        "nonce": "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "opaque": "HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
        "charset": "UTF-8",
        "userhash": "true",
    }
    cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    name = "J\u00e4s\u00f8n Doe"
    answered = _answered(Digest(name, "Secret, or not?", challenge, lambda: cnonce)("GET", "/doe.json"))
    # As the RFC's erratum 4897 has it: what the RFC prints was computed with another function.
    assert answered["username"] == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert answered["response"] == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert answered["userhash"] == "true"


def test_a_name_beyond_ascii_and_each_request_of_a_nonce_are_told() -> None:
    digest = Digest("J\u00e4s\u00f8n", "x", {"realm": 'a "b" \\', "nonce": "n", "qop": "auth"})
    first, second = digest("GET", "/"), digest("GET", "/")
    assert "username*=UTF-8''J%C3%A4s%C3%B8n" in first
    assert 'realm="a \\"b\\" \\\\"' in first
    assert (_answered(first)["nc"], _answered(second)["nc"]) == ("00000001", "00000002")
    assert _answered(first)["response"] != _answered(second)["response"]


def test_the_example_of_rfc_2069_has_no_quality_of_protection() -> None:
    challenge = {
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "opaque": "5ccc069c403ebaf9f0171e9517f40e41",
    }
    answered = _answered(Digest("Mufasa", "CircleOfLife", challenge)("GET", "/dir/index.html"))
    # As RFC 2617's errata have it.
    assert answered["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert not answered.keys() & {"qop", "nc", "cnonce"}


def test_challenges_are_read_whether_in_one_header_or_in_several() -> None:
    header = 'Newauth realm="apps, and \\"more\\"", type=1, title="Login to \\"apps\\"", Basic realm="simple"'
    read = read_challenges([header, "Negotiate", "Negotiate YWJj=, Bearer", 'DIGEST nonce = "n" ,realm="r"'])
    assert [(each.scheme, each.parameters) for each in read] == [
        ("newauth", {"realm": 'apps, and "more"', "type": "1", "title": 'Login to "apps"'}),
        ("basic", {"realm": "simple"}),
        ("negotiate", {}),
        ("negotiate", {}),
        ("bearer", {}),
        ("digest", {"nonce": "n", "realm": "r"}),
    ]


DIGEST = 'Digest realm="r", nonce="n", qop="auth", algorithm={}'


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["Basic realm=r", DIGEST.format("MD5")], "algorithm=MD5"),
        ([DIGEST.format("MD5"), DIGEST.format("SHA-256"), DIGEST.format("SHA-512-256-sess")], "SHA-512-256-sess"),
        ([DIGEST.format("WHIRLPOOL"), DIGEST.format("sha-256")], "sha-256"),
        (['Digest realm="r", nonce="n", qop="auth-int"', "Basic realm=r"], "Basic bmFtZTpwYXNz"),
        (['Digest realm="r"', "Basic realm=r"], "Basic bmFtZTpwYXNz"),
        (["NTLM", "Basic"], "Basic bmFtZTpwYXNz"),
    ],
)
def test_the_strongest_way_is_taken_and_only_when_it_was_asked_for(offered: list[str], chosen: str) -> None:
    prover = Prover("name", "pass")
    assert prover.proof("GET", "/") is None
    prover.challenged(offered, had_proof=False)
    assert chosen in (prover.proof("GET", "/") or "")


def test_a_login_is_tried_once_and_a_nonce_that_grew_old_is_no_second_try() -> None:
    prover = Prover("name", "pass")
    prover.challenged([DIGEST.format("MD5")], had_proof=False)
    prover.challenged([DIGEST.format("MD5") + ", stale=TRUE"], had_proof=True)
    with pytest.raises(LoginRefused, match="Tried a password"):
        prover.challenged([DIGEST.format("MD5")], had_proof=True)
    with pytest.raises(LoginRefused, match="offers negotiate, ntlm"):
        Prover("name", "pass").challenged(["Negotiate", "NTLM"], had_proof=False)
    with pytest.raises(LoginRefused, match="has no password"):
        Prover("name", None).challenged(["Basic"], had_proof=False)


def test_a_login_that_was_good_before_is_not_refused_but_may_not_do_it() -> None:
    proofs: list[str] = []
    prover = Prover("name", "pass", lambda: proofs.append("taken"))
    prover.challenged(["Basic"], had_proof=False)
    prover.accepted()
    with pytest.raises(AccessDenied):
        prover.challenged(["Basic"], had_proof=True)
    assert proofs == ["taken"]

    prover = Prover("name", "pass")
    prover.challenged([DIGEST.format("MD5")], had_proof=False)
    prover.accepted()
    anew = DIGEST.format("MD5").replace('"n"', '"m"')
    with pytest.raises(AccessDenied):  # the same nonce again, and what is sent once alone
        prover.challenged([DIGEST.format("MD5")], had_proof=True)
    with pytest.raises(AccessDenied):
        prover.challenged([anew], had_proof=True, may_repeat=False)
    for _ in range(2):  # each time that it was good meanwhile
        prover.challenged([anew], had_proof=True)
        assert 'nonce="m"' in (prover.proof("GET", "/") or "")
        with pytest.raises(AccessDenied):
            prover.challenged([DIGEST.format("MD5")], had_proof=True)
        prover.challenged([DIGEST.format("MD5") + ", stale=true"], had_proof=True)
        prover.accepted()


@given(st.lists(st.text(alphabet='Digestrealm="\\, \x80\xff\udcff', max_size=400), max_size=5))
def test_hostile_challenges_are_refused_or_answered(headers: list[str]) -> None:
    prover = Prover("name", "pass")
    try:
        prover.challenged(headers, had_proof=False)
    except LoginRefused:
        assert prover.proof("GET", "/") is None
    else:
        assert (prover.proof("GET", "/") or "").startswith(("Basic ", "Digest "))


def test_reading_a_long_challenge_takes_no_time() -> None:
    for header in (
        "Digest " + "a=b, " * 20_000,
        'Digest a="' + "\\" * 100_000,
        "Digest " + " " * 100_000,
        "," * 100_000,
    ):
        read_challenges([header])
