"""A server that lets everybody in says nothing of our login: it counts as good only where a proof of it was taken."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.place import PartnerPlace
from shared.transfer.open_folder import Places, open_folder
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import PASSWORD, Partner, ftps_place, partner, reach, webdav_place
from tests.integration.transfer.dav_server import Asked, Reply, chunks, dav_server, plain, reply
from tests.integration.transfer.scripted_ftps import ScriptedFtps
from tests.real.authority import Authority, Issued


class _Open(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


@asynccontextmanager
async def _open_sftp(root: Path) -> AsyncIterator[Partner]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    acceptor = await asyncssh.create_server(
        _Open,
        "127.0.0.1",
        0,
        server_host_keys=[key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
    )
    try:
        yield Partner(acceptor.get_port(), [key], [])
    finally:
        acceptor.close()
        await acceptor.wait_closed()


def _asking(methods: Collection[str]) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        is_proved = asked.method not in methods or "authorization" in asked.headers
        return plain(asked) if is_proved else reply(401, WWW_Authenticate="Basic realm=r")

    return answer


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("sftp", ["logged in"]),
        ("sftp, open", ["let in"]),
        ("ftps", ["logged in"]),
        ("ftps, open", ["let in"]),
        ("webdav", ["logged in"]),
        ("webdav, open", ["let in"]),
        ("webdav, open to look", ["let in", "logged in"]),
    ],
)
async def test_a_login_counts_as_good_only_where_it_was_proved(
    server: str, told: list[str], authority: Authority, server_certificate: Issued, tmp_path: Path
) -> None:
    sessions = FreeSessions()
    places = Places(tmp_path, reach(authority), sessions=sessions)
    async with AsyncExitStack() as stack:
        place: PartnerPlace
        if server.startswith("sftp"):
            opening = _open_sftp(tmp_path) if "open" in server else partner(tmp_path)
            found = await stack.enter_async_context(opening)
            place = found.place(*found.lines)
        elif server.startswith("ftps"):
            answers = {"USER": "230 welcome"} if "open" in server else {}
            place = ftps_place(stack.enter_context(ScriptedFtps(server_certificate, **answers)).port, username="shop")
        else:
            methods = {"webdav": ("PROPFIND", "PUT"), "webdav, open": ()}.get(server, ("PUT",))
            dav = await stack.enter_async_context(dav_server(authority, _asking(methods)))
            place = webdav_place(dav.url())
        async with open_folder(place, Login(password=PASSWORD), places, account_id=uuid4()) as folder:
            if server.startswith("webdav"):
                await folder.write("b.csv", chunks(b"1"))
    assert sessions.told == ["held", *told, "given back"]
