"""Host keys: fingerprints as OpenSSH shows them, and nothing else passes for a key."""

import pytest

from shared.domain.host_key import fingerprint_of, normalized

LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def test_the_fingerprint_is_openssh_s() -> None:
    # From `ssh-keygen -lf` on the line above.
    assert fingerprint_of(LINE) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_comment_and_blanks_do_not_matter() -> None:
    assert normalized(f"  {LINE}   root@files.partner.example \n") == LINE


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa " + LINE.split()[1], "ssh-ed25519 AAAA", "SHA256:" + "a" * 43],
)
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected a public key"):
        normalized(line)
