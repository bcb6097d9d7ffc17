"""Legacy algorithms that a login at an SSH server may take where the operator allows them, and what is said of each.

Which a login took is known to the driver alone (shared/transfer/sftp_login.py); nothing here decides.
"""

from collections.abc import Iterable, Mapping

from shared.domain.run import Reason

CODE = "legacy_algorithm"
SENTENCES: Mapping[str, str] = {
    "host_key_ssh_rsa": "The server proves who it is with an ssh-rsa signature (SHA-1).",
    "host_key_ssh_dss": "The server proves who it is with an ssh-dss key (1,024 bits, SHA-1).",
    "login_ssh_rsa": "The server takes no other signature of our key than ssh-rsa (SHA-1).",
    "login_ssh_dss": "We log in with an ssh-dss key (1,024 bits, SHA-1).",
}
"""By what a login takes."""
ADVICE = "Ask the server's operator for rsa-sha2-256 or ssh-ed25519; it works because legacy SSH keys are allowed here."


def warnings_of(found: Iterable[str]) -> list[Reason]:
    """What is said of a login that took these."""
    return [Reason(code=CODE, detail=SENTENCES[each], what_to_do=ADVICE) for each in SENTENCES if each in set(found)]
