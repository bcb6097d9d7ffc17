"""Answer a server's challenge: Basic (RFC 7617) and Digest (RFC 7616).

Nothing is proved before the server has asked, so that one which knows Digest never gets the password itself; the
connection is TLS in any case. Of several challenges the strongest is answered. Challenges are hostile text: bounded by
what a header may hold, read in one pass. Pure; nothing here sends.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from shared.domain.failures import AccessDenied, LoginRefused

_MAX_CHALLENGES = 20
_PARAMETER = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",=]+))\s*(?:,|\Z)')
_SCHEME = re.compile(r"[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})(?:[ \t]+|\s*(?=,)|\s*\Z)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\s*(?:,|\Z)")

_Hash = Callable[[bytes], str]


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


_ALGORITHMS: dict[str, _Hash] = {
    "sha-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
    "md5": _md5,
}
"""Best first."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove who we are that a server offers. Scheme and names are in lower case."""

    scheme: str
    parameters: dict[str, str]


class Prover:
    """Who we are, and how the server wants it proved, once it has said so."""

    def __init__(self, username: str, password: str | None, on_proof: Callable[[], None] = lambda: None) -> None:
        """`on_proof` is called when the server has accepted a proof."""
        self._username = username
        self._password = password
        self._on_proof = on_proof
        self._answer: Callable[[str, str], str] | None = None
        self._was_accepted = False
        self._is_renewed = False
        """Whether a proof that was good before is given anew, and nothing was accepted since."""

    @property
    def is_asked(self) -> bool:
        """Whether the server has asked for a proof."""
        return self._answer is not None

    def proof(self, method: str, target: str) -> str | None:
        """The Authorization header of a request; None where the server has not asked for one yet."""
        return None if self._answer is None else self._answer(method, target)

    def accepted(self) -> None:
        """The server did what it was asked with a proof."""
        self._was_accepted, self._is_renewed = True, False
        self._on_proof()

    def challenged(self, headers: Sequence[str], *, had_proof: bool, may_repeat: bool = True) -> None:
        """The server answered 401 with these WWW-Authenticate headers. Raises LoginRefused, AccessDenied where final.

        A proof is given once; only a Digest whose nonce has grown old is given again. Many servers answer 401 also to
        who may not do just this: a login that was good before is not refused by it. Not all of them say that a nonce
        has grown old, so that another one is answered once where the request `may_repeat`.
        """
        offered = read_challenges(headers)
        if had_proof and not any(each.parameters.get("stale", "").lower() == "true" for each in offered):
            if not self._was_accepted:
                raise LoginRefused("Tried a password.")
            if self._is_renewed or not may_repeat or not self._has_other_nonce(offered):
                raise AccessDenied("It answered 401 to a login that it had accepted before.")
            self._is_renewed = True
        if self._password is None:
            raise LoginRefused("The server asks for a login, and the connection has no password.")
        self._answer = self._best(offered, self._password)

    def _has_other_nonce(self, offered: Sequence[Challenge]) -> bool:
        answered = self._answer
        return isinstance(answered, Digest) and any(
            each.parameters.get("nonce", answered.nonce) != answered.nonce for each in offered
        )

    def _best(self, offered: Sequence[Challenge], password: str) -> Callable[[str, str], str]:
        digests = [each for each in offered if each.scheme == "digest" and _is_known(each)]
        if digests:
            best = min(digests, key=lambda each: list(_ALGORITHMS).index(_algorithm(each)[0]))
            return Digest(self._username, password, best.parameters)
        if any(each.scheme == "basic" for each in offered):
            return _basic(self._username, password)
        schemes = ", ".join(dict.fromkeys(each.scheme for each in offered)) or "nothing"
        raise LoginRefused(f"The server offers {schemes}, expected Basic or Digest.")


def read_challenges(headers: Sequence[str]) -> list[Challenge]:
    """The challenges of WWW-Authenticate headers (RFC 9110, 11.6.1); what cannot be read ends its header."""
    return [each for header in headers for each in _read(header)][:_MAX_CHALLENGES]


def _read(header: str) -> Iterator[Challenge]:
    at = 0
    while (scheme := _SCHEME.match(header, at)) is not None:
        at = scheme.end()
        parameters: dict[str, str] = {}
        if (token := _TOKEN68.match(header, at)) is not None and _PARAMETER.match(header, at) is None:
            at = token.end()
        while (found := _PARAMETER.match(header, at)) is not None:
            name, quoted, bare = found.groups()
            parameters.setdefault(name.lower(), bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
            at = found.end()
        yield Challenge(scheme[1].lower(), parameters)


def _basic(username: str, password: str) -> Callable[[str, str], str]:
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    return lambda _method, _target: f"Basic {token}"


def _algorithm(challenge: Challenge) -> tuple[str, bool]:
    """Its name, and whether it is of the session kind."""
    name = challenge.parameters.get("algorithm", "MD5").lower()
    return name.removesuffix("-sess"), name.endswith("-sess")


def _is_known(challenge: Challenge) -> bool:
    parameters = challenge.parameters
    qops = _words(parameters.get("qop", ""))
    # auth-int would want the whole body beforehand. Without qop it is as RFC 2069 had it.
    is_ours = "auth" in qops or not qops
    return is_ours and _algorithm(challenge)[0] in _ALGORITHMS and {"realm", "nonce"} <= parameters.keys()


def _words(value: str) -> list[str]:
    return [word.strip().lower() for word in value.split(",") if word.strip()]


class Digest:
    """Answers one challenge, for as many requests as come before the next one (RFC 7616, 3.4)."""

    def __init__(
        self, username: str, password: str, parameters: dict[str, str], cnonce: Callable[[], str] | None = None
    ) -> None:
        self._username = username
        self._parameters = parameters
        name, self._is_session = _algorithm(Challenge("digest", parameters))
        self._hash = _ALGORITHMS[name]
        self._cnonce = cnonce or (lambda: secrets.token_urlsafe(24))
        self._secret = self._hash(_bytes(f"{username}:{parameters['realm']}:{password}"))
        self._count = 0

    @property
    def nonce(self) -> str:
        """Of the challenge."""
        return self._parameters["nonce"]

    def __call__(self, method: str, target: str) -> str:
        """The header of the next request."""
        asked = self._parameters
        self._count += 1
        count, cnonce = f"{self._count:08x}", self._cnonce()
        secret = self._hash(_bytes(f"{self._secret}:{asked['nonce']}:{cnonce}")) if self._is_session else self._secret
        about = self._hash(_bytes(f"{method}:{target}"))
        has_qop = bool(_words(asked.get("qop", "")))
        middle = f"{asked['nonce']}:{count}:{cnonce}:auth" if has_qop else asked["nonce"]
        said = [
            *self._named(),
            f"realm={_quoted(asked['realm'])}",
            f"nonce={_quoted(asked['nonce'])}",
            f"uri={_quoted(target)}",
            f'response="{self._hash(_bytes(f"{secret}:{middle}:{about}"))}"',
        ]
        if "algorithm" in asked:
            said.append(f"algorithm={asked['algorithm']}")
        if "opaque" in asked:
            said.append(f"opaque={_quoted(asked['opaque'])}")
        if has_qop:
            said += ["qop=auth", f"nc={count}", f"cnonce={_quoted(cnonce)}"]
        elif self._is_session:
            said.append(f"cnonce={_quoted(cnonce)}")
        return "Digest " + ", ".join(said)

    def _named(self) -> list[str]:
        name, asked = self._username, self._parameters
        if asked.get("userhash", "").lower() == "true":
            hashed = self._hash(_bytes(f"{name}:{asked['realm']}"))
            return [f"username={_quoted(hashed)}", "userhash=true"]
        if not name.isascii():
            return [f"username*=UTF-8''{quote(name, safe='')}"]
        return [f"username={_quoted(name)}"]


def _bytes(text: str) -> bytes:
    """The bytes of a text of which a part came from the server, whatever its encoding."""
    return text.encode("utf-8", "surrogateescape")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
