"""The world is unwell, or we are."""

from shared.domain.failures.base import Permanent, Transient


class ConnectionLost(Transient):
    """The connection to the server was refused, lost or too slow."""

    code = "connection_lost"


class HostBusy(Transient):
    """As many sessions with the server's host as may be are in use, by this or other connections."""

    code = "host_busy"
    what_to_do = (
        "Tidegate tries again by itself. Where that goes on, let connections to the host look less often, or have the "
        "operator raise TIDEGATE_SESSIONS_PER_HOST if the server allows more."
    )


class WorkerBusy(Transient):
    """The worker does as much at a time as it may: so many runs are at their partners', so many rejects are made."""

    code = "worker_busy"
    what_to_do = (
        "Tidegate tries again by itself. Where that goes on, see which servers hang, or have the operator run more "
        "importers, or give them more disk."
    )


class LoginCutOff(Transient):
    """The server closed the connection when it had seen the password, without a word."""

    code = "login_cut_off"
    what_to_do = "Check the credentials: some servers answer a wrong password so."


class ServerFailed(Transient):
    """The server answered that it could not do it."""

    code = "server_failed"


class NameUnresolved(Transient):
    """The server's host name cannot be resolved."""

    code = "name_unresolved"


class StorageUnavailable(Transient):
    """The database is not available or cut the transaction short."""

    code = "storage_unavailable"


class BusUnavailable(Transient):
    """The message broker is not available or did not confirm in time."""

    code = "bus_unavailable"


class MailUnavailable(Transient):
    """The mail server is not available or did not take the mail."""

    code = "mail_unavailable"


class DiskFull(Transient):
    """There is no room left for the file on this worker."""

    code = "disk_full"


class PlaceFull(Transient):
    """There is no room left for the file in the drop folder."""

    code = "place_full"
    what_to_do = "Have room made there. Tidegate tries again by itself and tells you if it gives up."


class FileLocked(Transient):
    """Somebody has locked the file or directory on the server."""

    code = "file_locked"


class DirectoryNotMounted(Transient):
    """The local directory is not there, or an empty one lies in its place."""

    code = "directory_not_mounted"
    what_to_do = (
        "Have the operator mount it where all services look for it, and see to it that a file .tidegate-directory lies "
        "in it: by that the directory is told from an empty mount point."
    )


class DropFolderMissing(Transient):
    """The hosted folder's directory is not there, though files are known to lie in it."""

    code = "drop_folder_missing"
    what_to_do = (
        "Have the operator mount the volume of TIDEGATE_DROP_DIRECTORY again; then Tidegate goes on by itself. If the "
        "files are gone for good, have an empty directory made in its place."
    )


class SecretKeyMissing(Transient):
    """This service does not have the key that a secret is sealed with."""

    code = "secret_key_missing"
    what_to_do = "Have the operator start all services with the same TIDEGATE_SECRET_KEY, and the old keys in it."


class FileMoving(Transient):
    """The file was not where it lay when the run was retried; it may be being put away just now."""

    code = "file_moving"


class FileUnstable(Transient):
    """The file changed while it was read: somebody is still writing it."""

    code = "file_unstable"


class DecryptionTooSlow(Transient):
    """Decrypting or encrypting the file took longer than it may."""

    code = "decryption_too_slow"


class GnupgFailed(Transient):
    """GnuPG could not be started or broke down on this worker."""

    code = "gnupg_failed"


class LeaseLost(Transient):
    """Another worker has taken over the run."""

    code = "lease_lost"


class WorkerLost(Permanent):
    """The workers that carried out the run died, each time."""

    code = "worker_lost"
    what_to_do = "Look at the memory and the logs of the importers at the times of the attempts, then retry the run."


class EmbeddedDatabaseFailed(Permanent):
    """The embedded database could not be started."""

    code = "embedded_database_failed"
    what_to_do = "Do what the detail says, or set TIDEGATE_DATABASE_URL to a PostgreSQL server of your own."


class InternalError(Permanent):
    """Tidegate made a mistake of its own."""

    code = "internal_error"
    what_to_do = "The operator finds the trace in the log under the run's id; retry after an update."
