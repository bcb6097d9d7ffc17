"""SSH keys as they are made and taken in."""

import asyncssh
import pytest

from shared.domain.failures import UnsupportedKey
from shared.domain.legacy import SENTENCES, warnings_of
from shared.transfer.keys import generated, imported, public_key
from shared.transfer.sftp_login import legacy_of


def test_a_dss_key_is_taken_only_where_legacy_keys_are_allowed() -> None:
    key = asyncssh.generate_private_key("ssh-dss")
    text, line = key.export_private_key("openssh").decode(), key.export_public_key().decode()
    with pytest.raises(UnsupportedKey, match="TIDEGATE_LEGACY_SSH_KEYS"):
        imported(text, None)
    with pytest.raises(UnsupportedKey, match="TIDEGATE_LEGACY_SSH_KEYS"):
        public_key(line)
    assert imported(text, None, legacy=True).public == public_key(line, legacy=True)


def test_a_key_pair_keeps_neither_comment_nor_passphrase_and_is_shown_without_its_private_half() -> None:
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp521", comment="who@where")
    pair = imported(key.export_private_key("openssh", "one two", rounds=50).decode(), "one two")
    again = asyncssh.import_private_key(pair.private_key)
    assert (again.get_fingerprint(), again.has_comment(), pair.bits) == (key.get_fingerprint(), False, 521)
    assert pair.private_key not in repr(pair)
    assert (generated("ed25519").bits, generated("ed25519").public.algorithm) == (256, "ssh-ed25519")


def test_each_legacy_algorithm_that_a_login_can_take_has_a_sentence() -> None:
    shown = [asyncssh.generate_private_key(kind) for kind in ("ssh-rsa", "ssh-dss")]
    found = {use for key in shown for use in legacy_of(["ssh-rsa", "ssh-dss"], key.get_algorithm(), key)}
    assert found == set(SENTENCES)
    assert [each.code for each in warnings_of(found)] == ["legacy_algorithm"] * 4
    assert warnings_of([]) == []
    assert legacy_of(["rsa-sha2-512", "ssh-rsa"], "rsa-sha2-512", shown[0]) == frozenset()
