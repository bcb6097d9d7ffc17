"""The family of failures: what can go wrong with a whole file, a goal, a partner or the world.

    Failure
    |-- Permanent            theirs: fail the run, keep the file, tell people; the message is done
    |   |-- FileFailure      the file is unfit
    |   |-- GoalFailure      the settings are unfit
    |   |-- PartnerFailure   the other side is unfit, or not who it was
    |   `-- RequestFailure   what was asked cannot be done
    `-- Transient            the world is unwell: wait with back-off, then try again

A failure's docstring is the sentence people see; `code` is what machines, metrics and tests see and never
changes; `what_to_do` says how to mend it. What was found and expected goes into the detail. No value of a
person's record ever does. Anything that is not a `Failure` is our own mistake.
"""

from typing import ClassVar


class Failure(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "failure"
    what_to_do: ClassVar[str] = ""
    retry_after_seconds: int | None = None
    """When to ask again, where that can be said."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.sentence} {detail}".strip())

    @property
    def sentence(self) -> str:
        """The docstring's first line, which is what people read."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class Permanent(Failure):
    """Trying again without a change would fail again."""

    code = "permanent"


class Transient(Failure):
    """The world is unwell; the same attempt may succeed later."""

    code = "transient"
    what_to_do = "Nothing: Tidegate tries again by itself and tells you if it gives up."


# The file is unfit.


class FileFailure(Permanent):
    """The file cannot be imported as it is."""

    code = "file_failure"


class EmptyFile(FileFailure):
    """The file has no content."""

    code = "empty_file"
    what_to_do = "Have the sending system write the file again, with its header at least."


class UnknownFormat(FileFailure):
    """The file holds no table that can be read."""

    code = "unknown_format"
    what_to_do = "Give a delimited text, a workbook (XLSX) or JSON Lines; packed or encrypted, if need be."


class NoUsableRows(FileFailure):
    """The file has content after its header, but no row of it could be read."""

    code = "no_usable_rows"
    what_to_do = "Compare delimiter, quote character and encoding of the file with the goal's dialect."


class HeaderChanged(FileFailure):
    """The header of the file lacks fields that the goal maps."""

    code = "header_changed"
    what_to_do = "Mend the header of the file, or change the goal's mapping to the new names, then retry the run."


class ColumnsCollide(FileFailure):
    """Two columns of the file would go into one property."""

    code = "columns_collide"
    what_to_do = "Name one of them in the goal's mapping or in its ignore, then retry the run."


class TooManyNewProperties(FileFailure):
    """The file has more columns without a property than one run may make properties for."""

    code = "too_many_new_properties"
    what_to_do = (
        "Check that the file is what it should be. Then raise the goal's map_all.max_new, define the properties, or "
        "name the columns in the goal's ignore, and retry the run."
    )


class AmbiguousDates(FileFailure):
    """The dates of a column can be read in more than one way."""

    code = "ambiguous_dates"
    what_to_do = (
        "Say how they are written, as dateFormat in the goal's dialect or in the column's mapping, then retry the run."
    )


class UnreadableDates(FileFailure):
    """No known date pattern reads the values of a column."""

    code = "unreadable_dates"
    what_to_do = (
        "Give the pattern as dateFormat in the goal's dialect or in the column's mapping, or have the sending system "
        "write all dates of a column alike, then retry the run."
    )


class UndecodableFile(FileFailure):
    """The file cannot be read in the goal's encoding."""

    code = "undecodable_file"
    what_to_do = "Set the goal's dialect.encoding to what the sending system writes, then retry the run."


class AmbiguousEncoding(FileFailure):
    """Several encodings read the file, each differently."""

    code = "ambiguous_encoding"
    what_to_do = "Set the goal's dialect.encoding to what the sending system writes, then retry the run."


class EncodingChanged(FileFailure):
    """The file is written in another encoding than the goal expects."""

    code = "encoding_changed"
    what_to_do = (
        "Set the goal's dialect.encoding to what the sending system writes, or to auto, and expected.encoding with it, "
        "then retry the run."
    )


class DelimiterChanged(FileFailure):
    """The fields of the file are delimited by another sign than the goal expects."""

    code = "delimiter_changed"
    what_to_do = (
        "Have the sending system write the delimiter that was expected, or set the goal's dialect.delimiter to the one "
        "that was found, then retry the run."
    )


class DamagedWorkbook(FileFailure):
    """The workbook is damaged, or is not written as workbooks are."""

    code = "damaged_workbook"
    what_to_do = "Open it in a spreadsheet program, save it again as .xlsx without a password, and upload that."


class SheetMissing(FileFailure):
    """The workbook has no sheet of the name or number that the goal reads."""

    code = "sheet_missing"
    what_to_do = "Rename the sheet, or set the goal's dialect.sheetName or sheetNumber."


class UploadBrokenOff(FileFailure):
    """The upload was broken off before its end."""

    code = "upload_broken_off"
    what_to_do = "Upload the file again."


class DamagedArchive(FileFailure):
    """The compressed file is damaged or cut off."""

    code = "damaged_archive"
    what_to_do = "Have the sending system upload the file again; keep temporary names while it uploads."


class UnpackedTooLarge(FileFailure):
    """The file grows beyond the allowed size when it is unpacked."""

    code = "unpacked_too_large"
    what_to_do = (
        "Split the file; or raise the goal's unpack.max_unpacked_bytes where it is set, "
        "or have the operator raise TIDEGATE_MAX_UNPACKED_BYTES."
    )


class UnpackRatioTooHigh(FileFailure):
    """The file grows more than any honest file does when it is unpacked."""

    code = "unpack_ratio_too_high"
    what_to_do = "Have the sending system upload the file without compression, if its content is meant."


class FileTypeChanged(FileFailure):
    """The file is of another type than the goal expects."""

    code = "file_type_changed"
    what_to_do = "Have the sending system write the type that is named, or change the goal, then retry the run."


class TooManyMembers(FileFailure):
    """The archive has more entries than it may have."""

    code = "too_many_members"
    what_to_do = "Pack fewer files into one archive, or raise the goal's unpack.max_members up to the operator's limit."


class PackedTooDeep(FileFailure):
    """Archives are packed within each other more often than they may be."""

    code = "packed_too_deep"
    what_to_do = "Send the files packed once."


class UnpackingNeedsMemory(FileFailure):
    """The file was packed so that unpacking it takes more memory than it may."""

    code = "unpacking_needs_memory"
    what_to_do = "Pack with a smaller dictionary or window (xz -9, zstd without --long, 7z -md=256m at most)."


class PackingNotSupported(FileFailure):
    """The archive uses a method that Tidegate does not unpack."""

    code = "packing_not_supported"
    what_to_do = "Pack the files with a usual method: deflate in zip, LZMA or LZMA2 in 7z, a single volume."


class NoMemberMatches(FileFailure):
    """No file of the archive fits the goal's unpack.members."""

    code = "no_member_matches"
    what_to_do = "Correct unpack.members, or have the sending system put the expected file into the archive."


class ArchivePasswordMissing(FileFailure):
    """The archive is protected by a password, and the goal has none."""

    code = "archive_password_missing"
    what_to_do = "Give the password of the archive, then retry the run."


class ArchivePasswordWrong(FileFailure):
    """None of the passwords opens the archive."""

    code = "archive_password_wrong"
    what_to_do = "Correct the password, or ask the sender for the one that the archive was packed with."


class UnsafeArchive(FileFailure):
    """The archive holds what no archive of contact files holds."""

    code = "unsafe_archive"
    what_to_do = "Have the sending system pack plain files under plain relative names."


class MemberNameAbsolute(UnsafeArchive):
    """An entry of the archive has an absolute name."""

    code = "member_name_absolute"


class MemberNameOutward(UnsafeArchive):
    """An entry of the archive has a name that leads out of the archive."""

    code = "member_name_outward"


class MemberNameBackslash(UnsafeArchive):
    """An entry of the archive has a backslash in its name."""

    code = "member_name_backslash"


class MemberNameUnreadable(UnsafeArchive):
    """An entry of the archive has a name that is empty, or with control characters or undecodable bytes."""

    code = "member_name_unreadable"


class MemberNameTooLong(UnsafeArchive):
    """An entry of the archive has a name longer than a name may be."""

    code = "member_name_too_long"


class MemberNameTwice(UnsafeArchive):
    """Two entries of the archive have the same name."""

    code = "member_name_twice"


class MemberIsLink(UnsafeArchive):
    """An entry of the archive is a link."""

    code = "member_is_link"


class MemberIsDevice(UnsafeArchive):
    """An entry of the archive is a device, a pipe or a socket."""

    code = "member_is_device"


class MemberIsSparse(UnsafeArchive):
    """An entry of the archive is a sparse file, whose holes could be of any size."""

    code = "member_is_sparse"


class InconsistentArchive(FileFailure):
    """The archive contradicts itself, so that two programs could find different files in it."""

    code = "inconsistent_archive"
    what_to_do = "Have the sending system pack the files anew with a current program."


class ArchiveHeadersDiffer(InconsistentArchive):
    """The archive's directory and the headers of its files contradict each other."""

    code = "archive_headers_differ"


class ArchiveMembersOverlap(InconsistentArchive):
    """Files of the archive share the same bytes, or reach beyond it."""

    code = "archive_members_overlap"


class ArchiveHasExtraBytes(InconsistentArchive):
    """The archive holds bytes that belong to none of its files."""

    code = "archive_extra_bytes"


class ArchiveInSeveralParts(InconsistentArchive):
    """The archive is one part of several."""

    code = "archive_in_several_parts"
    what_to_do = "Have the sending system write one archive instead of several volumes."


class Zip64Inconsistent(InconsistentArchive):
    """The zip's records for large files are missing or contradict the others."""

    code = "zip64_inconsistent"


class RecordTooLong(FileFailure):
    """A record of the file is longer than a record may be."""

    code = "record_too_long"
    what_to_do = "Look for a quotation mark that is never closed, or a wrong line end, near the line that is named."


class TooManyColumns(FileFailure):
    """The header of the file has more columns than a file may have."""

    code = "too_many_columns"
    what_to_do = "Send fewer columns, or check delimiter and line ends."


class DecryptionFailed(FileFailure):
    """The file is encrypted with OpenPGP and could not be decrypted."""

    code = "decryption_failed"
    what_to_do = "Have the sender encrypt the file again with a current OpenPGP program, then retry the run."


class NoDecryptionKey(DecryptionFailed):
    """None of the keys and passwords that may be used opens the file."""

    code = "no_decryption_key"
    what_to_do = (
        "Import the private key that the file is encrypted to with POST /v1/openpgp-keys and retry the run, or hand "
        "the sender the public part of one of your keys (GET /v1/openpgp-keys/{id}/public)."
    )


class WrongPassphrase(DecryptionFailed):
    """The passphrase that is stored with the private key does not open it."""

    code = "wrong_passphrase"
    what_to_do = "Import the key again with its right passphrase, then retry the run."


class WrongPassword(DecryptionFailed):
    """The file is encrypted with a password, and no password that is stored opens it."""

    code = "wrong_password"
    what_to_do = "Store the sender's password with POST /v1/openpgp-keys, then retry the run."


class DamagedMessage(DecryptionFailed):
    """The encrypted file is damaged, cut off or was changed on its way."""

    code = "damaged_message"
    what_to_do = "Have the sending system upload the file again; keep temporary names while it uploads."


class NotIntegrityProtected(DecryptionFailed):
    """The encrypted file has no protection against changes on its way."""

    code = "not_integrity_protected"
    what_to_do = (
        "Have the sender encrypt with integrity protection (MDC or AEAD), which is every current program's default."
    )


class UnsupportedEncryption(DecryptionFailed):
    """The file is encrypted in a way that cannot be read here."""

    code = "unsupported_encryption"
    what_to_do = "Have the sender use AES, or do what the detail says."


class GnupgNeeded(DecryptionFailed):
    """The encrypted file is larger than what can be handled without GnuPG."""

    code = "gnupg_needed"
    what_to_do = (
        "Have the operator install GnuPG (Debian: apt-get install gpg gpg-agent) where importers and exporters run."
    )


class NotEncrypted(FileFailure):
    """The file is not encrypted, and the goal demands it."""

    code = "not_encrypted"
    what_to_do = "Have the sender encrypt the file, or set the goal's unpack.decrypt to auto."


class SignatureMissing(FileFailure):
    """The file is not signed, and the goal demands a signature."""

    code = "signature_missing"
    what_to_do = "Have the sender sign the file with one of the keys that the goal names."


class SignatureRefused(FileFailure):
    """The file's signature is not a valid one by a key that the goal names."""

    code = "signature_refused"
    what_to_do = (
        "Ask the sender which key signs. Import its public part with POST /v1/openpgp-keys and name its fingerprint in "
        "the goal; if the sender does not know the signature, somebody else wrote the file."
    )


class SignatureExpired(SignatureRefused):
    """The file's signature, or the key that made it, has expired or was revoked."""

    code = "signature_expired"
    what_to_do = "Have the sender sign with a current key, or import the public key again if it was prolonged."


class TooManyChoices(FileFailure):
    """The file would give a property more choices than one can have."""

    code = "too_many_choices"
    what_to_do = "Map the column to a text, or let unknown choices be rejected."


class FileChanged(FileFailure):
    """The file changed while it was read, or is no longer the one that was seen."""

    code = "file_changed"
    what_to_do = "Nothing: the new version is imported as an arrival of its own."


class FileTooLarge(FileFailure):
    """The file is larger than what is taken."""

    code = "file_too_large"
    what_to_do = "Send a part of it as a sample, or put it into a drop folder."


class TooHardToRead(FileFailure):
    """Looking at the file took more time, memory or disk than is given for that."""

    code = "too_hard_to_read"
    what_to_do = "Send a smaller part of the file; an import has wider limits."


class FileGone(FileFailure):
    """The file is no longer in the drop folder."""

    code = "file_gone"
    what_to_do = "Upload the file again if it was removed by mistake."


# The settings are unfit.


class GoalFailure(Permanent):
    """The goal cannot be carried out as it is set."""

    code = "goal_failure"


class InvalidGoal(GoalFailure):
    """The goal's settings contradict each other or the account's properties."""

    code = "invalid_goal"
    what_to_do = "Correct the goal and retry the run."


class InvalidCondition(GoalFailure):
    """A condition does not fit what it is asked of."""

    code = "invalid_condition"
    what_to_do = "Compare what there is, by operators and with values of its type."


class RejectsNeedKey(GoalFailure):
    """The file came encrypted or under a password, and its rejects may not be put into the drop folder plain."""

    code = "rejects_need_key"
    what_to_do = "Name the sender's OpenPGP key in the goal's rejects.encrypt_to."


class OpenPgpKeyExpired(GoalFailure):
    """An OpenPGP key that the file is to be encrypted to, or signed with, has expired or was revoked."""

    code = "openpgp_key_expired"
    what_to_do = "Import the recipient's current public key, or make a new one of your own, and name it in the goal."


class OpenPgpKeyUnfit(GoalFailure):
    """An OpenPGP key cannot be used for what the goal wants of it."""

    code = "openpgp_key_unfit"
    what_to_do = "Name a key that can do what the detail says; GET /v1/openpgp-keys shows what each can."


class UnwritableValue(GoalFailure):
    """A value cannot be written in the goal's dialect."""

    code = "unwritable_value"
    what_to_do = "Use the encoding utf-8, and give the dialect a quoteChar with doubleQuote, then run the goal again."


class ListMissing(GoalFailure):
    """A list that the goal puts people on was deleted."""

    code = "list_missing"
    what_to_do = "Name another list in the goal, or none, then retry the run."


class GoalInactive(GoalFailure):
    """The goal or its connection is switched off."""

    code = "goal_inactive"
    what_to_do = "Switch it on, then retry the run."


# The other side is unfit, or not who it was.


class PartnerFailure(Permanent):
    """The partner's server refused us or is not what it was."""

    code = "partner_failure"


class HostKeyFailure(PartnerFailure):
    """The server's host key is not one that was accepted.

    `presented_key` is the key the server showed, in OpenSSH's one-line format; `fingerprint` is its SHA-256
    fingerprint. Both are empty where the server showed none. Public values: they may be stored and shown.
    """

    code = "host_key_failure"

    def __init__(self, detail: str = "", *, presented_key: str = "", fingerprint: str = "") -> None:
        self.presented_key = presented_key
        self.fingerprint = fingerprint
        super().__init__(detail)


class HostKeyUnknown(HostKeyFailure):
    """The server's host key has not been accepted yet."""

    code = "host_key_unknown"
    what_to_do = (
        "Compare the fingerprint with the server's operator and accept it with "
        "POST /v1/connections/{id}/host-keys/accept."
    )


class HostKeyChanged(HostKeyFailure):
    """The server shows another host key than the pinned ones; no credential was sent."""

    code = "host_key_changed"
    what_to_do = (
        "Ask the server's operator whether the key was changed. If so, accept the new fingerprint with "
        "POST /v1/connections/{id}/host-keys/accept; if not, somebody may be in between."
    )


class LoginRefused(PartnerFailure):
    """The server refused user name, password or key."""

    code = "login_refused"
    what_to_do = "Correct the connection's credentials, then verify it."


class DirectoryMissing(PartnerFailure):
    """The directory does not exist on the server."""

    code = "directory_missing"
    what_to_do = "Create the directory, or correct the goal's directory or the connection's home directory."


class AccessDenied(PartnerFailure):
    """The server does not allow this on that directory or file."""

    code = "access_denied"
    what_to_do = "Have the server's operator grant the user the right that is named."


class NameTaken(PartnerFailure):
    """A file of that name already exists on the server."""

    code = "name_taken"
    what_to_do = "Remove the file, or choose another name in the goal."


class TooManyFiles(PartnerFailure):
    """The directory holds more entries than can be watched."""

    code = "too_many_files"
    what_to_do = "Have finished files moved away or deleted (the goal's afterwards), or use another directory."


class ProtocolRefused(PartnerFailure):
    """The server does not speak a version of the protocol that is safe to use."""

    code = "protocol_refused"
    what_to_do = "Have the server's operator offer current SSH algorithms and the SFTP subsystem."


class UnsupportedKey(PartnerFailure):
    """The key cannot be used."""

    code = "unsupported_key"
    what_to_do = "Give an OpenSSH or PEM private key (ed25519, ecdsa, rsa), with its passphrase if it has one."


class MailRefused(PartnerFailure):
    """The mail server refused the mail for good."""

    code = "mail_refused"
    what_to_do = "Correct the address, or ask the recipient's mail operator why it is refused."


# What was asked cannot be done.


class RequestFailure(Permanent):
    """The request cannot be carried out."""

    code = "request_failure"


class NotFound(RequestFailure):
    """There is no such thing."""

    code = "not_found"
    what_to_do = "Check the identifier; it must belong to the account of the key that is used."


class KeptFileGone(NotFound):
    """The file that was sent is no longer kept: its time is over, or it was deleted."""

    code = "kept_file_gone"
    what_to_do = "Send the file again."


class InvalidRequest(RequestFailure):
    """The request is not valid."""

    code = "invalid_request"
    what_to_do = "Correct the fields that are named in errors."


class UnsupportedOpenPgpKey(InvalidRequest):
    """The OpenPGP key cannot be used."""

    code = "unsupported_openpgp_key"
    what_to_do = (
        "Send one OpenPGP key, armored or as base64 of its binary form; with a private key its passphrase, if it has "
        "one. Keys of RSA, ECDSA, ECDH, Ed25519 and Curve25519 can be used."
    )


class QuestionsOpen(InvalidRequest):
    """The file can be read in more than one way, and nobody has said yet which one is meant."""

    code = "questions_open"
    what_to_do = "Answer the questions that were found, each by its code and pointer."


class IdempotencyKeyReused(InvalidRequest):
    """This Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"
    what_to_do = "Use a new key for a new request, and the same path and body for a repeated one."


class Conflict(RequestFailure):
    """The request does not fit the state of the thing."""

    code = "conflict"
    what_to_do = "Read the thing again and decide anew."


class OlderThanCompleted(Conflict):
    """A newer file of this goal has been imported since."""

    code = "older_than_completed"
    what_to_do = 'Repeat the request with {"out_of_order": true} if the older file shall be imported nevertheless.'


class AlreadyExists(Conflict):
    """A thing of that name exists already."""

    code = "already_exists"
    what_to_do = "Choose another name, or change the existing thing."


class PropertyIsBuiltIn(Conflict):
    """Every profile has that property, and nobody defines or changes it."""

    code = "property_is_built_in"
    what_to_do = "Map columns onto it as it is, or choose another name."


class TooManyDomainGroups(Conflict):
    """The account has as many domain groups as one can have."""

    code = "too_many_domain_groups"
    what_to_do = "Use an existing one, or have the operator make another account."


class TooManyProperties(Conflict):
    """The account has as many properties as a record type can have."""

    code = "too_many_properties"
    what_to_do = "Use an existing property; 400 per record type is the limit."


class RunsOpen(Conflict):
    """Runs of it have not ended."""

    code = "runs_open"
    what_to_do = "Cancel the runs that GET /v1/runs shows for it, or wait until they have ended; then delete it."


class OpenPgpKeyInUse(Conflict):
    """A connection or a goal names the OpenPGP key."""

    code = "openpgp_key_in_use"
    what_to_do = "Take the key out of what the detail names, then delete it."


class ListInUse(Conflict):
    """A goal puts people on the list."""

    code = "list_in_use"
    what_to_do = "Take the list out of what the detail names, then delete it."


class ManualConnection(Conflict):
    """The connection of manual imports is built in and has no drop folder."""

    code = "manual_connection"
    what_to_do = "Send files with POST /v1/imports; the settings of an import are mended in its goal."


class ImportNotCompleted(Conflict):
    """Only a manual import that has completed can lead a goal."""

    code = "import_not_completed"
    what_to_do = "Wait until the import has completed, or mend and repeat it, then let it lead."


class FolderWatched(Conflict):
    """A connection watches the drop folder."""

    code = "folder_watched"
    what_to_do = "Delete that connection or give it another place, then delete the folder."


class RequestUnderWay(Conflict):
    """The request that first came with this Idempotency-Key is still being carried out."""

    code = "request_under_way"
    what_to_do = "Wait for as many seconds as Retry-After says, then repeat the request with the same key."
    retry_after_seconds = 1


class AnswerLost(Conflict):
    """The request with this Idempotency-Key was carried out, but its answer cannot be read any more."""

    code = "answer_lost"
    what_to_do = "Look for what it made in the list of such things; use a new key for a new request."


class TooMuchKept(Conflict):
    """The account keeps as many bytes of samples and uploads as it may."""

    code = "too_much_kept"
    what_to_do = "Delete samples that are no longer needed, or wait until what was sent expires."


class VersionStale(Conflict):
    """The thing was changed in the meantime."""

    code = "version_stale"
    what_to_do = "Read the thing again, and send the change with the new ETag in If-Match."


class VersionRequired(RequestFailure):
    """The request does not say which version of the thing it changes."""

    code = "version_required"
    what_to_do = "Read the thing, and send its ETag in If-Match."


class RequestTooLarge(RequestFailure):
    """The request is larger than a request may be."""

    code = "request_too_large"
    what_to_do = "Send less; files go to a drop folder."


class RequestTooSlow(RequestFailure):
    """The request did not arrive completely in time."""

    code = "request_too_slow"
    what_to_do = "Send the request again."


class AddressTooLong(RequestFailure):
    """The address of the request is longer than an address may be, or has too many parameters."""

    code = "address_too_long"
    what_to_do = "Ask for less at once."


class HeadersTooLarge(RequestFailure):
    """The request has more or longer headers than a request may have."""

    code = "headers_too_large"
    what_to_do = "Send fewer headers; cookies are not needed here."


class UnsupportedMediaType(RequestFailure):
    """The body is of a type that is not read here."""

    code = "unsupported_media_type"
    what_to_do = "Send JSON in UTF-8, with 'Content-Type: application/json'."


class RateExceeded(RequestFailure):
    """The key makes more requests than one key may."""

    code = "rate_exceeded"
    what_to_do = "Wait for as many seconds as Retry-After says, and spread requests out."

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class TooManyStreams(RateExceeded):
    """The account follows as many runs at a time as it may."""

    code = "too_many_streams"
    what_to_do = "Close streams that are not needed any more, or ask GET /v1/runs/{id} now and then."


class TooManyWrongKeys(RateExceeded):
    """Too many requests without a valid key came from this address."""

    code = "too_many_wrong_keys"
    what_to_do = "Wait for as many seconds as Retry-After says, then send a valid key."


class TooBusy(RequestFailure):
    """As many requests as this process takes are under way."""

    code = "too_busy"
    what_to_do = "Send the request again after as many seconds as Retry-After says."


class LastKey(Conflict):
    """No other valid key of the account could make keys afterwards."""

    code = "last_key"
    what_to_do = "First make another key with the scope keys:write, then do this with the new one."


class NoSuchMethod(RequestFailure):
    """That cannot be done with this thing."""

    code = "method_not_allowed"
    what_to_do = "Look up the methods of the path in /openapi.json."


class Unauthenticated(RequestFailure):
    """The request carries no valid key."""

    code = "unauthenticated"
    what_to_do = "Send 'Authorization: Bearer tg_...' with a key that is neither expired nor revoked."


class ScopeMissing(RequestFailure):
    """The key does not have the scope that this needs."""

    code = "scope_missing"
    what_to_do = "Use a key with the scope that is named."


class AddressRefused(RequestFailure):
    """That host is not allowed as a partner's server."""

    code = "address_refused"
    what_to_do = "Name a public host, or have the operator allow the network in TIDEGATE_ALLOWED_NETWORKS."


# The world is unwell.


class ConnectionLost(Transient):
    """The connection to the server was refused, lost or too slow."""

    code = "connection_lost"


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


class SecretKeyMissing(Transient):
    """This service does not have the key that a secret is sealed with."""

    code = "secret_key_missing"
    what_to_do = "Have the operator start all services with the same TIDEGATE_SECRET_KEY, and the old keys in it."


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
