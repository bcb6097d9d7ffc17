"""What operators may change: one frozen model, read from the environment once.

What customers may change lives in the database; nothing lives in both. A wrong value stops the start with a
sentence that names the variable.
"""

import base64
import binascii
import ipaddress
import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_WEBDAV_PORT = 8443
_PUBLIC_WEBDAV_URL = r"^(https://[^\s/?#@]+/?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?/?)?\z"
_DIRECTORY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class SettingsError(Exception):
    """A variable of the environment has a value that cannot be used."""


class Settings(BaseSettings):
    """Variables TIDEGATE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="TIDEGATE_", frozen=True, extra="ignore")

    database_url: SecretStr = SecretStr("")
    """libpq URL for the role tidegate_service."""
    watch_database_url: SecretStr = SecretStr("")
    """libpq URL for the role tidegate_watch."""
    owner_database_url: SecretStr = SecretStr("")
    """libpq URL for the role tidegate_owner; only `tidegate migrate` reads it."""
    database_connections: int = Field(default=10, ge=2, le=200)
    """Of each kind, for short transactions and for runs; never fewer than four times `workers`."""

    bus_url: SecretStr = SecretStr("")
    """amqp:// or amqps:// URL."""
    bus_prefix: str = Field(default="", pattern=r"^[a-z0-9.-]{0,40}\z")
    """Put before the names of exchange and queues, so that several deployments can share a broker."""

    smtp_url: SecretStr = SecretStr("")
    """smtp://, smtp+starttls:// or smtps:// with optional user and password."""
    mail_directory: Path | None = None
    """Write mails as .eml files here instead of sending them."""
    mail_from: str = "tidegate@localhost"

    secret_key: SecretStr = SecretStr("")
    """Base64 of 32 bytes; several, comma-separated: the first seals, all open."""

    drop_directory: Path = Path("/data/drop")
    """Hosted drop folders; shared by dropserver, poller, importers and exporters."""
    work_directory: Path = Path("/data/work")
    """Files in the course of a run; not shared, may be lost."""

    api_host: str = "0.0.0.0"  # noqa: S104 a container is reached from outside; the all in one sets 127.0.0.1
    api_port: int = Field(default=8080, ge=0, le=65_535)
    trusted_proxies: str = ""
    """Networks (CIDR, comma-separated) of the proxies before the gateway, whose X-Forwarded-For is believed."""
    requests_per_second: float = Field(default=50.0, gt=0, le=100_000)
    """Of one API key, in the long run. This and the next three hold for each replica of the gateway by itself."""
    request_burst: int = Field(default=200, ge=1, le=1_000_000)
    """Of one API key, at once."""
    wrong_keys_per_minute: int = Field(default=30, ge=1, le=1_000_000)
    """Requests without a valid key from one address (IPv6: one /64), and as many at once."""
    concurrent_requests: int = Field(default=200, ge=1, le=10_000)
    """Under way at a time."""
    max_sample_bytes: int = Field(default=64 * 1024**2, ge=1024, le=4 * 1024**3)
    """Of a sample that is sent to the gateway, or fetched from a drop folder to be looked at."""
    max_upload_bytes: int = Field(default=1024**3, ge=1024, le=50 * 1024**3)
    """Of a file that is sent to the gateway to be imported."""
    max_kept_bytes: int = Field(default=20 * 1024**3, ge=1024)
    """Of samples and uploads that one account keeps at a time; they lie in the database."""
    one_shot_unique_property: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,49})?\z")
    """The property that `unique_id` means to one-shot imports (POST /api/2.0/imports/sftp); an identifier."""
    health_host: str = "0.0.0.0"  # noqa: S104 probes come from outside the container
    health_port: int = Field(default=9090, ge=0, le=65_535)
    sftp_host: str = "0.0.0.0"  # noqa: S104 partners come from outside
    sftp_port: int = Field(default=2222, ge=0, le=65_535)
    sftp_host_key_file: Path | None = None
    """Private host key of the hosted SFTP server; where not given, those count that the database keeps."""
    public_sftp_host: str = "localhost"
    public_sftp_port: int | None = None
    """What partners are told, where it differs from where the server listens."""
    webdav_host: str = "0.0.0.0"  # noqa: S104 partners come from outside
    webdav_port: int | None = Field(default=None, ge=0, le=65_535)
    """Of the hosted WebDAV server; where not given it listens on 8443 if there is a certificate, else not at all."""
    webdav_certificate_file: Path | None = None
    """Its certificate with the chain, in PEM; read again when it changes. Without one it answers to this machine and
    to its trusted proxies alone, which then end TLS."""
    webdav_key_file: Path | None = None
    """The private key, where it is not in the same file."""
    webdav_trusted_proxies: str = ""
    """Networks (CIDR, comma-separated) of the proxies before the hosted WebDAV server, whose X-Forwarded-For, -Proto
    and -Host are believed. Logins and bans go by what they tell, so those of the gateway are not taken for these."""
    public_webdav_url: str = Field(default="", pattern=_PUBLIC_WEBDAV_URL)
    """What partners are told, who send passwords there: https://host[:port]/; http on this machine alone. Nothing
    where it is empty."""

    allowed_networks: str = ""
    """Networks (CIDR, comma-separated) that partners' servers may be in although they are not public."""
    smtp_networks: str = ""
    """The same for the mail server alone: where that lies, partners' servers need not lie as well."""
    local_directories: str = ""
    """Directories that accounts may be allowed to use: name=/path, comma-separated. In each lies a file
    .tidegate-directory, which tells it from an empty mount point; every service that opens places needs them."""
    sessions_per_host: int = Field(default=8, ge=1, le=1000)
    """On one partner's host and port at a time, of all workers together; a place may say fewer."""
    legacy_ssh_keys: bool = False
    """Let SHA-1 signatures (ssh-rsa) and ssh-dss keys be used with partners' servers that have nothing better."""

    workers: int = Field(default=2, ge=1, le=64)
    """Runs at a time in one importer or exporter; besides, many that only wait for their partners, and in an exporter
    as many that have lasted for a while."""
    poll_concurrency: int = Field(default=50, ge=1, le=1000)
    sweep_seconds: float = Field(default=10.0, gt=0, le=60)
    ledger_poll_seconds: float = Field(default=5.0, gt=0, le=60)
    """How often an idle worker looks into the ledger without having been rung."""
    lease_seconds: float = Field(default=30.0, ge=1, le=45)
    """How long a worker that gives no sign of life keeps what it has claimed; the sweeper rings again after half of it.
    With the sweep's own interval it is within 60 s that another takes over. All services should agree about it."""
    shutdown_seconds: float = Field(default=25.0, gt=0, le=3600)
    retry_base_seconds: float = Field(default=5.0, gt=0, le=3600)
    """The first wait after a passing failure; doubles each time, with jitter."""
    retry_attempts: int = Field(default=8, ge=1, le=100)
    max_unpacked_bytes: int = Field(default=50 * 1024**3, ge=1024)

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Of Tidegate's own lines; libraries tell warnings and worse only, since lower levels name hosts and files."""
    failpoints: str = ""
    failpoints_directory: Path | None = None

    @field_validator("secret_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        for part in _parts(value):
            try:
                raw = base64.b64decode(part, validate=True)
            except binascii.Error as error:
                raise ValueError("expected base64") from error
            if len(raw) != 32:
                raise ValueError(f"found a key of {len(raw)} bytes, expected 32 bytes in base64")
        return value

    @field_validator("allowed_networks", "smtp_networks", "trusted_proxies", "webdav_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for part in filter(None, value.split(",")):
            ipaddress.ip_network(part.strip())
        return value

    @field_validator("local_directories")
    @classmethod
    def _are_directories(cls, value: str) -> str:
        _directories(value)
        return value

    @model_validator(mode="after")
    def _are_apart(self) -> Self:
        """Nobody gets at hosted folders and runs in hand by way of a local directory."""
        for name, path in self.directories.items():
            for own in (self.drop_directory, self.work_directory):
                # By their names alone: to ask a mount that hangs would hold up the start.
                ours, theirs = (Path(os.path.normpath(each.absolute())) for each in (own, path))
                if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
                    raise ValueError(f"found TIDEGATE_LOCAL_DIRECTORIES with {name}={path}, which lies over {own}")
        return self

    @model_validator(mode="after")
    def _has_a_certificate_to_its_key(self) -> Self:
        """A variable whose name is mistyped does not turn TLS off."""
        if self.webdav_key_file is not None and self.webdav_certificate_file is None:
            raise ValueError("found TIDEGATE_WEBDAV_KEY_FILE without TIDEGATE_WEBDAV_CERTIFICATE_FILE")
        return self

    @property
    def webdav_listens_on(self) -> int | None:
        """The port of the hosted WebDAV server; None where there is none."""
        if self.webdav_port is None and self.webdav_certificate_file is not None:
            return _WEBDAV_PORT
        return self.webdav_port

    @property
    def directories(self) -> dict[str, Path]:
        """The local directories that accounts may be allowed to use, by their names."""
        return _directories(self.local_directories)

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The keys, 32 bytes each; the first seals."""
        return tuple(base64.b64decode(part) for part in _parts(self.secret_key))


def _parts(keys: SecretStr) -> list[str]:
    """What stands between the commas; a secret that was written to a file has a line end."""
    return [part.strip() for part in keys.get_secret_value().split(",") if part.strip()]


def _directories(value: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, path = part.partition("=")
        if not _DIRECTORY_NAME.fullmatch(name) or not Path(path).is_absolute():
            raise ValueError(f"found {part!r}, expected name=/path; names are lower-case letters, digits, '-' and '_'")
        if name in found:
            raise ValueError(f"found {name!r} twice")
        found[name] = Path(path)
    return found


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment. Raises SettingsError with a sentence that names the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # the model checks each value itself
    except ValidationError as error:
        sentences = []
        for problem in error.errors(include_input=False, include_url=False):
            name = "TIDEGATE_" + str(problem["loc"][0]).upper() if problem["loc"] else "the environment"
            sentences.append(f"{name}: {problem['msg']}.")
        raise SettingsError(" ".join(sentences)) from None


def required(settings: Settings, *names: str) -> None:
    """Raises SettingsError naming the variables of these that are empty."""
    missing = [name for name in names if not getattr(settings, name).get_secret_value()]
    if missing:
        listed = ", ".join("TIDEGATE_" + name.upper() for name in missing)
        raise SettingsError(f"{listed} must be set; see README.md, 'Run it on RabbitMQ'.")
