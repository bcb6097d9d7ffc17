"""A connection as it is sent: what is kept of it, and what is refused of it before anybody tries it."""

import asyncio
from typing import Annotated

from pydantic import Field, SecretStr

from services.api.access import Visit
from services.api.problems import FieldError, Refused
from shared.domain.connection import ConnectionSettings
from shared.domain.failures import AddressRefused, InvalidRequest, UnsupportedKey
from shared.domain.place import DropPlace, PartnerPlace, SftpPlace, WebDavPlace
from shared.storage.connections import SecretChanges, SecretName, StoredConnection
from shared.transfer.addresses import refusal
from shared.transfer.keys import loaded_private_key, public_key

Secret = Annotated[
    SecretStr | None, Field(max_length=16_384, description="Write-only. Not sent: as it was; null: taken away")
]
SECRET_NAMES: tuple[SecretName, ...] = ("password", "private_key", "passphrase")


class ConnectionSent(ConnectionSettings):
    """A connection as it is written."""

    place: DropPlace
    password: Secret = None
    private_key: Secret = None
    passphrase: Secret = None


def settings_of(body: ConnectionSent, visit: Visit) -> ConnectionSettings:
    """The settings in it, host keys in the form that they are compared in. Raises UnsupportedKey."""
    place = body.place
    if isinstance(place, SftpPlace):
        lines = (public_key(line, legacy=visit.tools.allows_legacy_keys).line for line in place.host_keys)
        place = place.model_copy(update={"host_keys": tuple(lines)})
    said = {name: getattr(body, name) for name in ConnectionSettings.model_fields}
    return ConnectionSettings.model_validate(said | {"place": place})


def secrets_of(body: ConnectionSent) -> SecretChanges:
    """The secrets that it sets or takes away."""
    sent = {name: getattr(body, name) for name in SECRET_NAMES if name in body.model_fields_set}
    return {name: None if secret is None else secret.get_secret_value() for name, secret in sent.items()}


async def require_usable(body: ConnectionSent, visit: Visit) -> None:
    """Raises Refused for keys that could never be used. A passphrase kept from before is tried by `verify`."""
    place = body.place
    errors = _host_errors(place) if isinstance(place, PartnerPlace) else []
    if isinstance(place, SftpPlace):
        for number, line in enumerate(place.host_keys):
            try:
                public_key(line, legacy=visit.tools.allows_legacy_keys)
            except UnsupportedKey as failure:
                errors.append(_unsupported(f"/place/host_keys/{number}", failure))
    elif not isinstance(place, PartnerPlace):
        if body.model_fields_set & {"password", "private_key", "passphrase"}:
            detail = "Only a partner's server wants a login of ours; those of a hosted folder are its credentials."
            errors.append(FieldError(pointer="", code="invalid_value", detail=detail))
    elif body.private_key is not None or body.passphrase is not None:
        detail = f"Keys are for SFTP; {place.transport} logs in with a password."
        errors.append(FieldError(pointer="/private_key", code="invalid_value", detail=detail))
    if body.private_key is not None:
        passphrase = None if body.passphrase is None else body.passphrase.get_secret_value()
        try:
            # In a thread: a key under a passphrase takes a good part of a second on purpose.
            text = body.private_key.get_secret_value()
            legacy = visit.tools.allows_legacy_keys
            await asyncio.to_thread(loaded_private_key, text, passphrase, legacy=legacy)
        except UnsupportedKey as failure:
            errors.append(_unsupported("/private_key", failure))
    if errors:
        raise Refused(InvalidRequest(), errors)


def _host_errors(place: PartnerPlace) -> list[FieldError]:
    """A host that is refused whatever it resolves to: its spelling, or an address that is never contacted."""
    why, pointer = refusal(place.host), "/place/url" if isinstance(place, WebDavPlace) else "/place/host"
    return [] if why is None else [FieldError(pointer=pointer, code=AddressRefused.code, detail=why)]


def _unsupported(pointer: str, failure: UnsupportedKey) -> FieldError:
    return FieldError(pointer=pointer, code=failure.code, detail=f"{failure.detail} {failure.what_to_do}".strip())


def require_secrets_again(stored: StoredConnection, body: ConnectionSent) -> None:
    """Else who may edit a connection but never saw its password could have it sent to a server of their own."""
    if stored.settings.place.whom == body.place.whom:
        return
    kept = [name for name in ("password", "private_key") if getattr(stored, f"has_{name}")]
    errors = [
        FieldError(
            pointer=f"/{name}",
            code="missing_field",
            detail="Host, port, url or user changed: send the secret again, or null to take it away.",
        )
        for name in kept
        if name not in body.model_fields_set
    ]
    if errors:
        raise Refused(InvalidRequest(), errors)
