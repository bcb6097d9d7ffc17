"""Whether an OpenPGP key that a goal names is there and can do what is wanted of it. Pure."""

from collections.abc import Iterator

from shared.domain.openpgp_key import KeyUse
from shared.processing.goal_flaws import Flaw, Surroundings


def key_flaws(pointer: str, fingerprint: str, use: KeyUse, around: Surroundings) -> Iterator[Flaw]:
    """What is wrong with naming it. That one may expire later is told in time, and asked again by each run."""
    known = around.openpgp_keys.get(fingerprint)
    if known is None or known.facts is None:
        yield Flaw(pointer, "unknown_openpgp_key", f"The account has no OpenPGP key {fingerprint}; import it first.")
    elif known.is_over:
        ended = "was revoked" if known.facts.is_revoked else f"expired at {known.facts.expires_at:%Y-%m-%d %H:%M} UTC"
        yield Flaw(pointer, "openpgp_key_expired", f"The key {fingerprint} {ended}; name a current one.")
    elif use not in known.facts.uses:
        yield Flaw(pointer, "openpgp_key_unfit", f"The key {fingerprint} cannot {use}; name one that can.")
