"""A client that uploads half of a file and then waits to be killed: `python -m tests.acceptance.half_upload PORT KEY`.

Reads the user name and the password from its standard input, a line each.
"""

import asyncio
import sys

import asyncssh

from tests.acceptance.test_uploads import FILE

LIMIT_SECONDS = 60


async def main(port: int, key_file: str) -> None:
    """Upload half of the file, say so, and hold the rest back."""
    username, password = (sys.stdin.readline().strip() for _ in range(2))
    key = asyncssh.read_private_key(key_file).convert_to_public()
    async with (
        asyncssh.connect(
            "127.0.0.1",
            port,
            username=username,
            password=password,
            known_hosts=([key], [], []),
            config=None,
            agent_path=None,
            client_keys=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open("contacts_a.csv", "wb") as file,
    ):
        await file.write(FILE[: len(FILE) // 2])
        sys.stdout.write("half\n")
        sys.stdout.flush()
        await asyncio.sleep(LIMIT_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
