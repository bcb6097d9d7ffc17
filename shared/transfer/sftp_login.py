"""How we log in at an SSH server: which key signs how, and to what the password is shown.

The password is shown once a connection, to one question that is nothing but a question for it: servers count wrong
ones, and lock users out. Keys sign with SHA-2; with SHA-1 (`ssh-rsa`) and ssh-dss only where the operator allows
legacy algorithms, and then last. Nothing here connects, or decides what a refusal means.
"""

import re
from collections.abc import Callable, Sequence

import asyncssh
from asyncssh.public_key import SSHKeyPair, SSHLocalKeyPair

from shared.domain.connection import Login

SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""What keys sign with, ours and servers'; the best first."""
LEGACY_SIGNATURES = ("ssh-rsa", "ssh-dss")
"""SHA-1."""
METHODS = ("publickey", "password", "keyboard-interactive")
"""In this order. Questions come last: one that is asked for and not answered may count as a failed login."""

# So ask OpenSSH ("(user@host) Password: "), FreeBSD ("Password for user@host:") and others. Whatever else is asked for
# (a code, a new password, the one before) is something else.
_QUESTION = re.compile(
    r"(\([^()]{1,300}\) *)?(\S{1,300}'s )?((please )?(enter|type) )?((your|the) )?((ssh|sftp|login|account|user) )?"
    r"(password|passwort|kennwort|wachtwoord|mot de passe|contraseña|lösenord)( for \S{1,300}?)? *:? *",
    re.IGNORECASE,
)


class Doorkeeper(asyncssh.SSHClient):
    """One connection's login: lets in only a server that has proved a pinned key, and shows it each secret once."""

    def __init__(
        self,
        login: Login,
        keys: Sequence[asyncssh.SSHKey],
        *,
        allows_legacy: bool,
        on_login: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_login` is called when the server, which has proved who it is by then, asks for a credential."""
        self.stranger: asyncssh.SSHKey | None = None
        """The key that was not one of the pinned ones."""
        self.was_password_shown = False
        self.wants_new_password = False
        """Whether the server says that the password has to be changed first."""
        self.refused_questions = 0
        """Interactive questions that were not answered."""
        self._connection: asyncssh.SSHClientConnection | None = None
        self._on_login = on_login
        self._password = login.password
        self._may_ask = True
        self._pairs = _pairs(keys, allows_legacy=allows_legacy)
        self._offered: list[_Pair] = []

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.stranger = key
        return False

    def public_key_auth_requested(self) -> Sequence[SSHKeyPair] | None:
        self._on_login()
        offered, self._pairs = self._pairs[:1], self._pairs[1:]
        self._offered += offered
        return offered or None

    def password_auth_requested(self) -> str | None:
        self._on_login()
        shown, self._password = self._password, None
        self.was_password_shown = self.was_password_shown or shown is not None
        return shown

    def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        self.wants_new_password = True
        # The driver's word for "go on without it"; its type knows only answers.
        return NotImplemented  # type: ignore[no-any-return]

    def kbdint_auth_requested(self) -> str | None:
        self._on_login()
        # Once: a server that asks nothing refuses it as often as it is asked, and counts.
        is_invited, self._may_ask = self._may_ask and self._password is not None, False
        return "" if is_invited else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        if not prompts:
            return []  # only something to be read
        password = self.password_auth_requested() if asks_for_password(prompts) else None
        if password is None:
            self.refused_questions += 1
            return None
        return [password]

    @property
    def has_proof(self) -> bool:
        """Whether the server has shown one of the pinned keys."""
        return self._connection is not None and self._connection.get_server_host_key() is not None

    @property
    def has_spoken(self) -> bool:
        """Whether the server has said that it speaks SSH; one that has no room for us often has not."""
        return self._connection is not None and self._connection.get_extra_info("server_version") is not None

    @property
    def was_anything_tried(self) -> bool:
        """Whether the server saw a credential, so that it may count this login as a failed one."""
        return self.was_password_shown or bool(self._offered)

    @property
    def signed_with(self) -> str | None:
        """How our key has signed last; None where the server did not ask for it."""
        return next((each.sig_algorithm.decode("ascii") for each in reversed(self._offered) if each.has_signed), None)

    def told(self, login: Login) -> str:
        """What was tried, for who has to mend it."""
        given = {
            "the account's SSH key": login.ssh_key,
            "a private key": login.private_key,
            "a password": login.password,
        }
        ways = [way for way, secret in given.items() if secret]
        said = f"Tried {' and '.join(ways)}." if ways else "The connection has neither password nor private key."
        if self.wants_new_password:
            said += " The server wants the password to be changed first."
        if self.refused_questions:
            said += " The server asked for something else than the password, which was not answered."
        return said


def asks_for_password(prompts: Sequence[tuple[str, bool]]) -> bool:
    """Whether there is one question, and it is for the password: (text, whether the answer would be echoed)."""
    if len(prompts) != 1:
        return False
    question, is_echoed = prompts[0]
    return not is_echoed and _QUESTION.fullmatch(question.strip()) is not None


def algorithms_of(key: asyncssh.SSHKey, *, allows_legacy: bool) -> list[str]:
    """How a key may sign, the best first; nothing where it can sign only in ways that are not allowed."""
    known = {each.decode("ascii") for each in key.sig_algorithms}
    return [each for each in (*SIGNATURES, *(LEGACY_SIGNATURES if allows_legacy else ())) if each in known]


def legacy_of(host_signatures: Sequence[str], signed_with: str | None, shown: asyncssh.SSHKey | None) -> frozenset[str]:
    """Which legacy algorithms a login took: of those that the server might sign with, and what we signed with."""
    found: set[str] = set()
    if shown is not None and all(each in LEGACY_SIGNATURES for each in host_signatures):
        found.add("host_key_" + shown.get_algorithm())
    if signed_with in LEGACY_SIGNATURES:
        found.add("login_" + signed_with)
    return frozenset(each.replace("-", "_") for each in found)


class _Pair(SSHLocalKeyPair):
    """A key with the algorithms that it may sign with, the best first; remembers whether it was asked to."""

    def __init__(self, key: asyncssh.SSHKey, algorithms: Sequence[str]) -> None:
        super().__init__(key, None, None, None)
        self.sig_algorithms = [each.encode("ascii") for each in algorithms]
        self.set_sig_algorithm(self.sig_algorithms[0])
        self.has_signed = False

    def sign(self, data: bytes) -> bytes:
        """A signature; the server has said that the key would do."""
        self.has_signed = True
        return super().sign(data)


def _pairs(keys: Sequence[asyncssh.SSHKey], *, allows_legacy: bool) -> list[_Pair]:
    """Keys as the driver offers them: each once, and behind them those that can sign with legacy algorithms, so.

    A server need not say what it verifies (RFC 8308). The driver would then take the key's oldest way to sign, which
    for RSA is SHA-1; so each pair knows only those that it may use.
    """
    ways = [(key, algorithms_of(key, allows_legacy=allows_legacy)) for key in keys]
    return [
        _Pair(key, usable)
        for group in (SIGNATURES, LEGACY_SIGNATURES)
        for key, algorithms in ways
        if (usable := [each for each in algorithms if each in group])
    ]
