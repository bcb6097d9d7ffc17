"""The command `tidegate`. Every word is explained by --help; nothing here does work of its own."""

import asyncio
import errno
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.console import Console

from services.api.wiring import running as api_running
from services.dropserver.wiring import running as dropserver_running
from services.entry import all_in_one, host_keys, replay, rotate, watch_runs
from services.entry.access import Access
from services.entry.data_directory import DirectoryInUse
from services.entry.inspect import inspect, read_answers
from services.exporter.wiring import running as exporter_running
from services.importer.wiring import running as importer_running
from services.notifier.wiring import running as notifier_running
from services.poller.wiring import running as poller_running
from shared.domain.failures import Failure, InvalidRequest
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES
from shared.runtime.service import Running, observe, serve, stopping_on_signals
from shared.runtime.settings import SettingsError, read_settings, required
from shared.runtime.start import StartStopped, open_database, until
from shared.storage import accounts, keys, migrate
from shared.storage.secrets import UnusableKey

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Keeps contact databases in step with dropped files."
)
account_app = typer.Typer(no_args_is_help=True, help="Accounts, the tenants of a deployment.")
key_app = typer.Typer(no_args_is_help=True, help="API keys.")
secrets_app = typer.Typer(no_args_is_help=True, help="The secrets that are kept sealed in the database.")
host_keys_app = typer.Typer(no_args_is_help=True, help="The host keys of the hosted SFTP server.")
runs_app = typer.Typer(help="Runs, as the gateway shows them (TIDEGATE_API_URL, TIDEGATE_API_KEY, or --data-dir).")
app.add_typer(account_app, name="account")
app.add_typer(key_app, name="key")
app.add_typer(secrets_app, name="secrets")
app.add_typer(host_keys_app, name="host-keys")
app.add_typer(runs_app, name="runs")

DataDirectory = Annotated[Path, typer.Option("--data-dir", help="Where the all in one keeps everything.")]
DEFAULT_DIRECTORY = Path(".tidegate")


class ServiceName(StrEnum):
    """The services."""

    POLLER = "poller"
    IMPORTER = "importer"
    EXPORTER = "exporter"
    NOTIFIER = "notifier"
    API = "api"
    DROPSERVER = "dropserver"


_RUNNING: dict[ServiceName, Running] = {
    ServiceName.POLLER: poller_running,
    ServiceName.IMPORTER: importer_running,
    ServiceName.EXPORTER: exporter_running,
    ServiceName.NOTIFIER: notifier_running,
    ServiceName.API: api_running,
    ServiceName.DROPSERVER: dropserver_running,
}


@app.command()
def up(
    data_directory: DataDirectory = DEFAULT_DIRECTORY,
    api_port: Annotated[int, typer.Option(help="Of the gateway; 0 lets the system choose.")] = 8080,
    sftp_port: Annotated[int, typer.Option(help="Of the hosted SFTP server; 0 lets the system choose.")] = 2222,
    webdav_port: Annotated[int, typer.Option(help="Of the hosted WebDAV server; 0 lets the system choose.")] = 8088,
) -> None:
    """Run everything in one process, on this machine alone."""
    _run(all_in_one.up(data_directory, all_in_one.Ports(api_port, sftp_port, webdav_port), _tell_access))


@app.command()
def service(name: ServiceName) -> None:
    """Run one service as this process, on the database and the broker that the environment names."""
    has_own_web = name is ServiceName.API
    _run_with(lambda: serve(name.value, read_settings(), _RUNNING[name], has_own_web=has_own_web))


@app.command("inspect")
def inspect_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A JSON list of answers to questions: code, pointer, value."),
    ] = None,
) -> None:
    """Tell what a file is and how it would be imported; needs no running system.

    Ends with status 0 where nothing is open, 3 where questions are, 1 where the file cannot be read.
    """
    try:
        told = () if answers is None else read_answers(answers)
        status = inspect(file, told, as_json=as_json, console=Console())
    except InvalidRequest as failure:
        raise typer.BadParameter(failure.detail, param_hint="--answers") from failure
    raise typer.Exit(status)


@app.command("migrate")
def migrate_() -> None:
    """Bring the database to this version; may be run again at any time."""
    _run_with(_migrate)


@account_app.command("create")
def create_account(name: str) -> None:
    """Make an account and print its identity."""

    async def create() -> None:
        settings = read_settings()
        required(settings, "database_url", "watch_database_url")
        account_id = uuid4()
        async with open_database(settings) as database, database.account(account_id) as tx:
            await accounts.create(tx, name)
        typer.echo(str(account_id))

    _run_with(create)


@key_app.command("create")
def create_key(
    name: str,
    account: Annotated[UUID | None, typer.Option(help="The account that the key belongs to.")] = None,
    operator: Annotated[bool, typer.Option("--operator", help="A key that makes accounts.")] = False,
    email: Annotated[str | None, typer.Option(help="Where receipts go if a goal names nobody.")] = None,
) -> None:
    """Make an API key and print it; it is shown this once."""
    if (account is None) == (not operator):
        raise typer.BadParameter("expected exactly one of --account and --operator")
    scopes = OPERATOR_SCOPES if operator else OWNER_SCOPES

    async def create() -> None:
        settings = read_settings()
        required(settings, "database_url", "watch_database_url")
        async with open_database(settings) as database, database.account(account or accounts.OPERATOR) as tx:
            if account is not None and await accounts.get(tx) is None:
                raise typer.BadParameter(f"found no account {account}")
            _, token = await keys.create(tx, keys.NewKey(name, scopes, email=email))
        typer.echo(token)

    _run_with(create)


@host_keys_app.command("list")
def list_host_keys() -> None:
    """Show the host keys; of one kind clients are shown the first, and told of the others."""
    _run_with(host_keys.show)


@host_keys_app.command("add")
def add_host_key(
    kind: Annotated[host_keys.Kind, typer.Option(help="What kind of key.")] = host_keys.Kind.ED25519,
) -> None:
    """Make another host key: it stands in sheets, and clients that are in are told of it."""
    _run_with(lambda: host_keys.add(kind))


@host_keys_app.command("retire")
def retire_host_key(fingerprint: str) -> None:
    """Present a host key no more, once partners have learnt of the next."""
    _run_with(lambda: host_keys.retire(fingerprint))


@secrets_app.command("rotate")
def rotate_secrets() -> None:
    """Seal all secrets with the first key of TIDEGATE_SECRET_KEY, while services run; tell which keys may go.

    First give every service the new key behind the old one, then in front of it, and then run this.
    """
    _run_with(rotate.rotate_secrets)


@runs_app.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    data_directory: DataDirectory = DEFAULT_DIRECTORY,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
) -> None:
    """Show the latest runs."""
    if context.invoked_subcommand is None:
        _run_with(lambda: watch_runs.show(watch_runs.gateway(data_directory), limit))


@runs_app.command("watch")
def watch(run: UUID, data_directory: DataDirectory = DEFAULT_DIRECTORY) -> None:
    """Follow one run with a progress bar until it has ended or waits for a person."""
    _run_with(lambda: watch_runs.watch(watch_runs.gateway(data_directory), run))


@app.command("replay")
def replay_files(
    since: Annotated[
        datetime, typer.Option(help="From when on files were first seen; local time.", callback=replay.in_utc)
    ],
    until: Annotated[
        datetime | None, typer.Option(help="Until when; now where it is not given.", callback=replay.in_utc)
    ] = None,
    connection: Annotated[UUID | None, typer.Option(help="Of this connection alone.")] = None,
    goal: Annotated[UUID | None, typer.Option(help="Of this goal alone.")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_directory: DataDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Run files of a period again, as new runs; lists them first, and asks."""
    if connection is not None and goal is not None:
        raise typer.BadParameter("expected one of --connection, --goal")
    chosen = {"connection_id": connection} if connection else {"goal_id": goal} if goal else {}
    agrees = (lambda _: True) if yes else replay.confirmed
    place = watch_runs.gateway
    _run_with(lambda: replay.replay(place(data_directory), chosen, since, until or datetime.now(UTC), agrees=agrees))


def main() -> None:
    """The entry point."""
    app()


async def _migrate() -> None:
    settings = read_settings()
    required(settings, "owner_database_url", "database_url", "watch_database_url")
    observe(settings, "migrate")
    stopping = stopping_on_signals()
    owner, service_url, watch_url = (
        getattr(settings, name).get_secret_value()
        for name in ("owner_database_url", "database_url", "watch_database_url")
    )
    applied: list[int] = []

    async def is_applied() -> bool:
        applied.extend(await migrate.migrate_shared(owner, service_url=service_url, watch_url=watch_url))
        return True

    await until("migration", is_applied, stopping)
    async with open_database(settings, stopping) as database:
        schemas = await migrate.migrate_accounts(database)
    typer.echo(f"shared migrations applied: {len(applied)}; accounts brought up: {schemas}")


def _tell_access(access: Access) -> None:
    console = Console()
    console.print("[bold]Tidegate is up.[/bold] Ctrl-C stops it; nothing is lost.", highlight=False)
    lines = {
        "API": f"{access.api_url}/v1   (documentation: {access.api_url}/docs)",
        "API key": access.account_key,
        "operator key": access.operator_key,
        "SFTP": f"sftp -P {access.sftp_port} {access.sftp_username}@{access.sftp_host}",
        "SFTP password": access.sftp_password,
        "WebDAV": f"{access.webdav_url} (with the same user name and password)",
        "host key": access.sftp_fingerprint,
        "mails": f"{access.directory}/mail",
        "metrics": f"{access.api_url}/metrics",
    }
    for name, value in lines.items():
        console.print(f"  {name:<14} {value}", highlight=False, soft_wrap=True)


def _run_with(make: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Settings are read inside, so that a wrong one ends like any other mistake: with a sentence and status 2."""

    async def run() -> None:
        await make()

    _run(run())


def _run(work: Coroutine[Any, Any, object]) -> None:
    console = Console(stderr=True)
    try:
        asyncio.run(_as_itself(work))
    except (SettingsError, UnusableKey, DirectoryInUse, watch_runs.NoAnswer) as error:
        console.print(str(error), style="red", highlight=False, markup=False)
        raise typer.Exit(2) from None
    except StartStopped:
        raise typer.Exit(1) from None
    except Failure as failure:
        console.print(f"{failure} {failure.what_to_do}", style="red", highlight=False, markup=False)
        raise typer.Exit(1) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        console.print(
            f"{error.strerror}. Stop what listens there, or choose another port.", style="red", highlight=False
        )
        raise typer.Exit(1) from None


async def _as_itself(work: Coroutine[Any, Any, object]) -> None:
    """Groups of services wrap the one error that stopped them; people want to read that."""
    try:
        await work
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None
