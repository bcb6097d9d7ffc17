"""Who may dial a partner's server now: asked before anything is dialled, and told how the login went.

Servers allow few sessions at a time and lock users out who fail to log in, so all workers share a budget a host, and
a login that was refused is not tried on and on. Who keeps the books is not this floor's to know
(shared/runtime/sessions.py); `open_folder` is the one that asks.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.domain.connection import Login
from shared.domain.place import PartnerPlace

PATIENCE_SECONDS = 30.0
"""Until a host counts as busy."""
LITTLE_PATIENCE_SECONDS = 5.0
"""The same for who keeps others waiting meanwhile, and can come again: then that costs less."""


class Session(Protocol):
    """One session in hand."""

    async def logged_in(self) -> None:
        """The server has accepted the login."""

    async def let_in(self) -> None:
        """The server has let us in and asked for no proof: that says nothing of the login."""


class Sessions(Protocol):
    """The sessions that we may have on partners' servers."""

    def held(
        self, place: PartnerPlace, login: Login, *, insists: bool, patience_seconds: float
    ) -> AbstractAsyncContextManager[Session]:
        """Hold one for as long as the block lasts; a LoginRefused or LoginCutOff that leaves the block is remembered.

        Raises HostBusy where there is none within the time, LoginRefused for a login that was refused before and is not
        tried again, unless a person `insists`, and StorageUnavailable.
        """
