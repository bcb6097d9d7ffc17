"""`tidegate secrets rotate`: seal all secrets anew and say in sentences which keys may go. Shows counts, no secret."""

from collections.abc import Iterator

import typer

from shared.runtime.settings import read_settings, required
from shared.runtime.start import open_database
from shared.storage.rotation import Rotation, rotate
from shared.storage.secrets import KeyRing


async def rotate_secrets() -> None:
    """Rotate on the database and with the keys that the environment names; exit status 1 where an old key must stay.

    Raises SettingsError, StorageUnavailable, Conflict.
    """
    settings = read_settings()
    required(settings, "database_url", "watch_database_url", "secret_key")
    ring = KeyRing(settings.secret_keys)
    async with open_database(settings) as database:
        done = await rotate(database, ring)
    for sentence in told(done, ring):
        typer.echo(sentence)
    if done.needed:
        raise typer.Exit(1)


def told(done: Rotation, ring: KeyRing) -> Iterator[str]:
    """What was done and what is to do, for people."""
    yield f"Resealed {done.resealed} secrets in {done.accounts} accounts with the key {ring.sealing_id.hex()}."
    for place in done.unopened:
        yield (
            f"Found a value that does not open: {place.table} {place.row_id} of account {place.account_id}, "
            f"{place.column}. Give the key that it was sealed with, or set it again."
        )
    for key in sorted(done.needed):
        yield (
            f"The key {key.hex()} is still needed: keep it in TIDEGATE_SECRET_KEY. See that every service runs with "
            f"{ring.sealing_id.hex()} in front, mend what is told above, and run this again."
        )
    for key in sorted(done.unneeded):
        yield (
            f"Nothing is sealed with the key {key.hex()} any more: take it out of TIDEGATE_SECRET_KEY and restart "
            "the services."
        )
