"""Fingerprints of certificates: read as people copy them, kept in one spelling."""

import pytest

from shared.domain.certificate import fingerprint_of, normalized_fingerprint

SHOWN = fingerprint_of(b"a certificate")


@pytest.mark.parametrize("written", [SHOWN, SHOWN.lower(), SHOWN.replace(":", ""), f" {SHOWN}\n"])
def test_a_fingerprint_is_read_as_openssl_and_others_show_it(written: str) -> None:
    assert normalized_fingerprint(written) == SHOWN


@pytest.mark.parametrize(
    "written", ["", SHOWN[:-1], SHOWN + ":AA", SHOWN.replace("A", "G"), "SHA256:" + SHOWN, "٣" * 64]
)
def test_what_is_no_sha_256_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        normalized_fingerprint(written)
