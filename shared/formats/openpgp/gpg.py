"""GnuPG's command line, met here alone: gpg in a home directory of its own, which lives as long as it is used.

Secrets reach gpg by a pipe when it asks for them, its environment is empty, and it reaches no network, smart card or
person. It is held to limits of time and memory, and its output is counted by whoever keeps it. What it says is judged
in `status`.
"""

import asyncio
import fcntl
import os
import resource
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from shared.domain.failures import DamagedMessage, DecryptionTooSlow, DiskFull, GnupgFailed
from shared.formats.openpgp.agent import start_agent, stop_agent
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.status import Told

Answer = Callable[[str | None], str]
"""The passphrase for a key id, or with None the password of the message; empty where there is none."""
Keep = Callable[[bytes], None]
"""Takes the output as it comes; what it raises ends gpg."""

_OPTIONS = (
    # Not --quiet: it also keeps back why a key did not open.
    *("--no-options", "--batch", "--no-tty", "--no-autostart", "--pinentry-mode", "loopback"),
    *("--trust-model", "always", "--no-auto-check-trustdb", "--no-symkey-cache", "--no-random-seed-file"),
    *("--no-auto-key-locate", "--no-auto-key-retrieve", "--disable-dirmngr"),
)
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 16
_MOST_LINES = 20_000
_ROOM_BYTES = 1 << 20
"""What keys need at most."""
_LONGEST_HOME = 80
"""The system takes 108 bytes for the path of a socket, and those of the agent stand in its home."""


@dataclass(frozen=True, slots=True)
class Programs:
    """GnuPG's programs on this machine."""

    gpg: Path
    agent: Path


def find_programs(path: str | None = None) -> Programs | None:
    """Where GnuPG is installed; None where it is not. `path` is searched like PATH, which it stands for."""
    gpg, agent = shutil.which("gpg", path=path), shutil.which("gpg-agent", path=path)
    return None if gpg is None or agent is None else Programs(Path(gpg), Path(agent))


@asynccontextmanager
async def home_of(programs: Programs, workspace: Path, limits: Limits) -> AsyncIterator["Home"]:
    """A home directory in a workspace, gone afterwards with its agent. Raises GnupgFailed."""
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="gpg-", dir=workspace, ignore_cleanup_errors=True)
        place = Path(stack.enter_context(made))
        directory = _short(place, stack)
        try:
            # Not to be given up half way: once it is there it must be found, and stopped.
            await _undisturbed(start_agent(programs.agent, directory, _environment(directory)))
            yield Home(programs, directory, limits)
        finally:
            await _undisturbed(asyncio.to_thread(stop_agent, directory))


def _short(place: Path, stack: ExitStack) -> Path:
    """Another name for a directory whose own is too long for sockets."""
    if len(os.fsencode(place)) <= _LONGEST_HOME:
        return place
    link = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gpg-"))) / "home"
    link.symlink_to(place, target_is_directory=True)
    return link


def _environment(home: Path) -> dict[str, str]:
    """Nothing of ours: the service's own holds its secrets."""
    return {"GNUPGHOME": str(home), "HOME": str(home), "LC_ALL": "C", "PATH": "/nonexistent"}


async def _undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Carry something out to its end, also where this task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    finally:
        await asyncio.wait((task,))


@dataclass(frozen=True, slots=True)
class Home:
    """A home directory of gpg, with its agent running."""

    programs: Programs
    directory: Path
    limits: Limits

    async def import_keys(self, materials: Sequence[str]) -> None:
        """Take in armored keys; one that gpg cannot read is as if it were not there."""
        for material in materials:
            with tempfile.TemporaryFile(dir=self.directory) as file:
                file.write(material.encode())
                file.seek(0)
                told = await self._run(("--import",), file, None, lambda _: "")
            if told.exit_code != 0 and shutil.disk_usage(self.directory).free < _ROOM_BYTES:
                raise DiskFull

    async def decrypt(
        self, source: BinaryIO, keep: Keep, answer: Answer, *, verify: bool, show: bool = False, session_key: str = ""
    ) -> Told:
        """Decrypt, or take the signature off; with `verify` signatures are looked at.

        With `show` the session key is told, with which the same message opens again without any other.
        """
        words = [*(() if verify else ("--skip-verify",)), *(("--show-session-key",) if show else ())]
        if not session_key:
            return await self._run((*words, "--decrypt"), source, keep, answer)
        with tempfile.TemporaryFile(dir=self.directory, buffering=0) as file:
            file.write(session_key.encode() + b"\n")
            file.seek(0)
            words += ["--override-session-key-fd", str(file.fileno())]
            return await self._run((*words, "--decrypt"), source, keep, answer, file.fileno())

    async def encrypt(
        self, source: BinaryIO, keep: Keep, answer: Answer, recipients: Sequence[str], signer: str | None
    ) -> Told:
        """Encrypt to the keys of these fingerprints, and sign with that of another."""
        named = [word for each in recipients for word in ("--recipient", each)]
        sign = () if signer is None else ("--local-user", signer, "--sign")
        # What is sent was packed before, or is not to be: gpg's own compression takes fifteen times as long.
        return await self._run((*named, *sign, "--compress-algo", "none", "--encrypt"), source, keep, answer)

    async def _run(self, words: Sequence[str], source: BinaryIO, keep: Keep | None, answer: Answer, *more: int) -> Told:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._talk(words, source, keep, answer, *more)
        except TimeoutError as error:
            raise DecryptionTooSlow(f"It was not over after {self.limits.seconds:.0f} seconds.") from error

    async def _talk(
        self, words: Sequence[str], source: BinaryIO, keep: Keep | None, answer: Answer, *more: int
    ) -> Told:
        loop = asyncio.get_running_loop()
        with ExitStack() as pipes, ThreadPoolExecutor(2, thread_name_prefix="gpg") as threads:
            status, to_status = _pipe(pipes)
            commands, to_commands = _pipe(pipes)
            output, to_output = _pipe(pipes)
            _widen(output)
            process = await self._start(words, source, to_output, to_status, commands, *more)
            for given in (to_status, commands, to_output):
                given.close()
            listening = loop.run_in_executor(threads, _listen, status, to_commands, answer)
            keeping = loop.run_in_executor(threads, _pump, output, keep)
            try:
                # Not gather, which would give up waiting for the threads where it is cancelled.
                await asyncio.wait((listening, keeping), return_when=asyncio.FIRST_EXCEPTION)
                exit_code = await process.wait() if listening.done() and keeping.done() else -1
            finally:
                await _undisturbed(_end(process, listening, keeping))
            keeping.result()
            # First what was heard: gpg was ended for it, and its exit code tells of that alone.
            heard = listening.result()
            # 1 and 2 are what it leaves with where it has refused something; it never leaves with more.
            if exit_code not in (0, 1, 2):
                raise GnupgFailed(f"gpg ended with {exit_code}.")
            return Told(exit_code, heard)

    async def _start(
        self, words: Sequence[str], source: BinaryIO, output: FileIO, status: FileIO, commands: FileIO, *more: int
    ) -> asyncio.subprocess.Process:
        ours = (
            "--homedir",
            self.directory,
            "--status-fd",
            str(status.fileno()),
            "--command-fd",
            str(commands.fileno()),
        )
        try:
            process = await asyncio.create_subprocess_exec(
                self.programs.gpg,
                *_OPTIONS,
                *ours,
                *words,
                stdin=source,
                stdout=output,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(status.fileno(), commands.fileno(), *more),
                env=_environment(self.directory),
                cwd=self.directory,
                start_new_session=True,
            )
        except OSError as error:
            raise GnupgFailed(f"gpg could not be started: {error.strerror}.") from error
        _bound(process.pid, self.limits.memory_bytes)
        return process


def _bound(pid: int, memory_bytes: int) -> None:
    """Hold a process to so much memory, where the system can do that from outside."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))


async def _end(process: asyncio.subprocess.Process, *readers: "asyncio.Future[Any]") -> None:
    """Dead, it lets go of its pipes, and what reads them comes to an end."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await asyncio.wait(readers)
    for each in readers:
        each.exception()


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return stack.enter_context(FileIO(reading, "rb")), stack.enter_context(FileIO(writing, "wb"))


def _widen(pipe: FileIO) -> None:
    """Fewer turns between gpg and us; the system allows so much to everybody, and less where it was told to."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(PermissionError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _CHUNK)


def _pump(output: FileIO, keep: Keep | None) -> None:
    while chunk := output.read(_CHUNK):
        if keep is not None:
            keep(chunk)


def _listen(status: FileIO, commands: FileIO, answer: Answer) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every line that gpg says, its questions answered. Raises DamagedMessage for more than it ever has to say."""
    lines: list[tuple[str, tuple[str, ...]]] = []
    asked: str | None = None
    with os.fdopen(os.dup(status.fileno()), "rb") as file:
        while raw := file.readline(_LONGEST_LINE):
            keyword, *words = raw.decode("utf-8", "replace").removeprefix("[GNUPG:] ").split() or [""]
            if keyword.startswith("GET_"):
                _reply(commands, answer(asked) if keyword == "GET_HIDDEN" else "")
            elif keyword == "NEED_PASSPHRASE" and words:
                asked = words[0]
            elif keyword == "NEED_PASSPHRASE_SYM":
                asked = None
            lines.append((keyword, tuple(words)))
            if len(lines) > _MOST_LINES:
                raise DamagedMessage(f"It consists of more than {_MOST_LINES} parts.")
    return tuple(lines)


def _reply(commands: FileIO, text: str) -> None:
    with suppress(BrokenPipeError):
        commands.write(text.encode() + b"\n")
