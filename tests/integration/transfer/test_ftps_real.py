"""FTPS against a real vsftpd that demands TLS and session reuse: both kinds of TLS, and each way of being refused."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from shared.domain.connection import Login
from shared.domain.failures import (
    AccessDenied,
    CertificateChanged,
    CertificateExpired,
    CertificateFailure,
    CertificateMismatch,
    CertificateUntrusted,
    DirectoryMissing,
    Failure,
    LoginRefused,
    PassiveAddressRefused,
    TlsRefused,
)
from shared.domain.place import FtpsPlace
from shared.transfer.certificates import Certificates
from shared.transfer.dialling import OnStep, Reach
from shared.transfer.folder import Folder
from shared.transfer.ftps.opening import open_ftps
from shared.transfer.open_folder import Places, open_folder
from shared.transfer.verify import Uses, verify
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import LOOPBACK, ftps_place, reach
from tests.real.authority import Authority
from tests.real.vsftpd import PASSWORD, USERNAME, PrivateVsftpd

OwnVsftpd = Callable[..., PrivateVsftpd]
LOGIN = Login(password=PASSWORD)


def _place(server: PrivateVsftpd, **more: object) -> FtpsPlace:
    return ftps_place(server.port, username=USERNAME, **more)


async def _refused(place: FtpsPlace, login: Login, ways: Reach) -> Failure:
    with pytest.raises(Failure) as raised:
        async with open_ftps(place, login, ways) as folder:
            await folder.list("")
    return raised.value


class UpTo(Certificates):
    """Speaks TLS up to a version."""

    def __init__(self, authority: Authority, version: ssl.TLSVersion) -> None:
        super().__init__(authority.path)
        self._version = version

    def context(self, pinned: Sequence[str] = ()) -> ssl.SSLContext:
        context = super().context(pinned)
        context.maximum_version = self._version
        return context


async def _content() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield b"x" * 300_000


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_take_up_the_session_for_data(
    vsftpd: PrivateVsftpd, authority: Authority, version: ssl.TLSVersion
) -> None:
    name = f"{uuid4().hex}.csv"
    ways = Reach(policy=LOOPBACK, certificates=UpTo(authority, version))
    async with open_ftps(_place(vsftpd), LOGIN, ways) as folder:
        for _ in range(2):  # one session is taken up again and again
            assert await folder.write(name, _content()) == 1_200_000
            assert b"".join([chunk async for chunk in folder.read(name)]) == b"x" * 1_200_000
    assert (vsftpd.drop / name).stat().st_size == 1_200_000


async def test_implicit_tls_and_a_pinned_certificate_that_no_authority_issued(
    own_vsftpd: OwnVsftpd, authority: Authority
) -> None:
    issued = authority.issue("ftp.other.example", days=(-9, -2), self_signed=True)
    server = own_vsftpd(issued, implicit_ssl="YES")
    server.put("a.csv", b"1")
    pinned = _place(server, tls="implicit", certificates=[issued.fingerprint.lower().replace(":", "")])
    async with open_ftps(pinned, LOGIN, reach()) as folder:
        assert [file.path for file in (await folder.list("")).files] == ["a.csv"]
    renewed = pinned.model_copy(update={"certificates": ("AA:" * 31 + "AA",)})
    failure = await _refused(renewed, LOGIN, reach())
    assert isinstance(failure, CertificateChanged)
    assert failure.fingerprint == issued.fingerprint
    # A client that expects to ask for TLS hears nothing, and one that gives up says so in time.
    asking = pinned.model_copy(update={"tls": "explicit"})
    assert "0.3 seconds" in str(await _refused(asking, LOGIN, reach(login_seconds=0.3)))
    assert server.said().count("PASS") == 1


@pytest.mark.parametrize(
    ("names", "more", "expected"),
    [
        (["127.0.0.1"], {"days": (-9, -2)}, CertificateExpired),
        (["ftp.other.example"], {}, CertificateMismatch),
        (["127.0.0.1"], {"self_signed": True}, CertificateUntrusted),
    ],
)
async def test_a_certificate_that_proves_nothing_gets_no_login(
    own_vsftpd: OwnVsftpd,
    authority: Authority,
    names: list[str],
    more: dict[str, object],
    expected: type[CertificateFailure],
    tmp_path: Path,
) -> None:
    issued = authority.issue(*names, **more)  # type: ignore[arg-type]  # a row of the table
    server = own_vsftpd(issued)
    places = Places(drop_directory=tmp_path, reach=reach(authority), sessions=FreeSessions())

    def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
        return open_folder(_place(server), LOGIN, places, account_id=uuid4(), on_step=on_step)

    steps = (await verify(_place(server), opening, Uses(), probe="0a1b")).steps
    assert [(step.name, step.outcome) for step in steps] == [
        ("resolve", "ok"),
        ("connect", "ok"),
        ("certificate", "failed"),
        ("login", "not_tried"),
        ("list", "not_tried"),
    ]
    assert (steps[2].code, steps[2].fingerprint) == (expected.code, issued.fingerprint)
    assert "place.certificates" in steps[2].what_to_do
    said = server.said()
    assert "AUTH TLS" in said
    assert not any(f'"{word}' in said for word in ("USER", "PASS"))


async def test_a_wrong_password_is_tried_once_and_told_without_its_words(
    own_vsftpd: OwnVsftpd, authority: Authority
) -> None:
    server = own_vsftpd()
    failure = await _refused(_place(server), Login(password="not it"), reach(authority))
    assert isinstance(failure, LoginRefused)
    assert failure.detail == "Tried a password; the server answered 530."
    assert server.said().count("PASS") == 1


async def test_a_server_without_tls_hears_no_name(own_vsftpd: OwnVsftpd, authority: Authority) -> None:
    server = own_vsftpd(ssl_enable="NO")
    assert isinstance(await _refused(_place(server), LOGIN, reach(authority)), TlsRefused)
    assert '"USER ' not in server.said()


async def test_a_passive_address_elsewhere_is_refused(own_vsftpd: OwnVsftpd, authority: Authority) -> None:
    server = own_vsftpd(cmds_denied="EPSV", pasv_address="192.0.2.1")
    assert isinstance(await _refused(_place(server), LOGIN, reach(authority)), PassiveAddressRefused)


async def test_without_epsv_the_address_of_the_server_itself_will_do(
    own_vsftpd: OwnVsftpd, authority: Authority
) -> None:
    server = own_vsftpd(cmds_denied="EPSV")
    server.put(".hidden.part", b"1")
    async with open_ftps(_place(server), LOGIN, reach(authority)) as folder:
        assert [file.path for file in (await folder.list("")).files] == [".hidden.part"]


async def test_a_home_directory_that_is_missing_is_told(vsftpd: PrivateVsftpd, authority: Authority) -> None:
    place = _place(vsftpd, home_directory="no such place")
    assert isinstance(await _refused(place, LOGIN, reach(authority)), DirectoryMissing)


async def test_a_listing_that_the_server_may_not_make_is_no_empty_directory(
    own_vsftpd: OwnVsftpd, authority: Authority
) -> None:
    server = own_vsftpd(dirlist_enable="NO")
    server.put("a.csv", b"1")
    failure = await _refused(_place(server), LOGIN, reach(authority))
    assert isinstance(failure, AccessDenied)


async def test_what_exports_do_is_tried_step_by_step(
    vsftpd: PrivateVsftpd, authority: Authority, tmp_path: Path
) -> None:
    places = Places(drop_directory=tmp_path, reach=reach(authority), sessions=FreeSessions())
    home = vsftpd.drop / uuid4().hex
    (home / "out").mkdir(parents=True)

    def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
        place = _place(vsftpd, home_directory=home.name)
        return open_folder(place, LOGIN, places, account_id=uuid4(), on_step=on_step)

    tried = await verify(_place(vsftpd), opening, Uses(written=frozenset({"out"})), probe="0a1b")
    assert [(step.name, step.outcome) for step in tried.steps] == [
        (name, "ok")
        for name in ("resolve", "connect", "certificate", "login", "list", "write", "read", "replace", "remove")
    ]
    assert list((home / "out").iterdir()) == []


async def test_many_sessions_at_once_leave_no_thread_behind(vsftpd: PrivateVsftpd, authority: Authority) -> None:
    ways = reach(authority)

    async def look() -> int:
        async with open_ftps(_place(vsftpd), LOGIN, ways) as folder:
            return len((await folder.list("")).files)

    await asyncio.gather(*(look() for _ in range(8)))
