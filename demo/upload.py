"""Put a file on an SFTP server and take files from it, in a process of its own: `python -m demo.upload`.

A real client: asyncssh, or OpenSSH's own `sftp` where it is installed. Login and paths come as JSON on standard input.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncssh


async def by_asyncssh(order: dict[str, Any]) -> str:
    """Log in with a password, having compared the host key's fingerprint with the sheet."""
    presented = await asyncssh.get_server_host_key(order["host"], order["port"], server_host_key_algs=["ssh-ed25519"])
    assert presented is not None
    if presented.get_fingerprint() != order["fingerprint"]:
        raise SystemExit(f"found the host key {presented.get_fingerprint()}, expected {order['fingerprint']}")
    options: dict[str, Any] = {"username": order["username"], "password": order["password"], "config": None}
    known: tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]] = ([presented], [], [])
    async with (
        asyncssh.connect(order["host"], order["port"], known_hosts=known, agent_path=None, **options) as connection,
        connection.start_sftp_client() as client,
    ):
        if order["do"] == "put":
            await client.put(order["local"], order["remote"])
        else:
            await client.get(order["remote"], order["local"])
    return "asyncssh"


def by_openssh(order: dict[str, Any]) -> str:
    """Log in with a private key by OpenSSH's sftp."""
    with tempfile.TemporaryDirectory() as place:
        batch = Path(place) / "batch"
        batch.write_text(f'put "{order["local"]}" "{order["remote"]}"\n')
        options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={place}/known_hosts", "IdentitiesOnly=yes"]
        command = ["sftp", "-q", "-F", "none", "-b", str(batch), "-i", order["identity"], "-P", str(order["port"])]
        command += [word for option in options for word in ("-o", option)]
        subprocess.run([*command, f"{order['username']}@{order['host']}"], check=True, capture_output=True, timeout=60)
    return "OpenSSH sftp"


def main() -> None:
    """Carry out the order on standard input; print which client did it."""
    order = json.load(sys.stdin)
    if order.get("identity") and shutil.which("sftp"):
        print(by_openssh(order))
    else:
        print(asyncio.run(by_asyncssh(order)))


if __name__ == "__main__":
    main()
