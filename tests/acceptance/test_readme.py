"""What the README says to type, typed into one shell: a first import by hand, and out again."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.day import delivered, runs_of
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, open_shop
from tests.acceptance.system import System
from tests.real.openssh import PrivateOpenSSH

README = (Path(__file__).parents[2] / "README.md").read_text()


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that stops at the first thing that fails."""

    process: asyncio.subprocess.Process

    async def type(self, lines: str) -> str:
        """What it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{lines}\necho; echo typed\n".encode())
        await self.process.stdin.drain()
        told = ""
        async with asyncio.timeout(60):
            while not told.endswith("\ntyped\n"):
                line = await self.process.stdout.readline()
                assert line, told
                told += line.decode()
        return told


@asynccontextmanager
async def _shell(shop: Shop, place: Path) -> AsyncIterator[Shell]:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail"),
        cwd=place,
        env={
            "PATH": os.environ["PATH"],
            "API": f"{shop.system.api_url}/v1",
            "KEY": shop.client.headers["Authorization"].removeprefix("Bearer "),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Shell(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_what_the_readme_says_to_type_does_what_it_says(
    system: System,
    operator_key: str,
    importer: ServiceProcess,
    own_openssh: Callable[..., PrivateOpenSSH],
    tmp_path: Path,
) -> None:
    system.ensure("exporter")
    start = README.index("## A first import by hand")
    # Else curl takes a refusal for an answer.
    examples = re.findall(r"```sh\n(.*?)```", README[start:], re.DOTALL)[:4]
    first, by_hand, export, once = (each.replace("curl -s", "curl --fail-with-body -s") for each in examples)
    async with open_shop(system, operator_key, properties=()) as shop, _shell(shop, tmp_path) as shell:
        set_up, _, look = first.partition("# put it there with the SFTP login\n")
        await shell.type(set_up)
        await shop.drop("points_1.csv", (tmp_path / "points_1.csv").read_bytes())
        await shop.await_runs("points_1.csv", "completed")
        assert "ann@example.com" in await shell.type(look.partition("\n")[0])
        await shell.type(by_hand)
        await shop.await_runs("points_2.csv", "completed")
        assert '"E-mail"' in await shell.type(export)
        (goal,) = {run["goal_id"] for run in await runs_of(shop, kind="export")}
        assert await delivered(shop, goal, 1) == ["E-mail;points;opt_in", "ann@example.com;3;", "bob@example.com;4;"]
        partner = own_openssh(username="shop", password="secret")
        partner.put("in/points.csv", b"E-mail,points\ncem@example.com,5\n")
        once = once.replace("sftp.example.com", partner.host).replace('"22"', f'"{partner.port}"')
        if partner.password is not None:
            asked = await shell.type(once)
            await shop.await_runs("points.csv", "completed")
            assert "unknown_list" in asked
            (mail,) = await shop.await_mails("To: crm@example.com")
            assert "Completed: in/points.csv as shop, points.csv" in mail
