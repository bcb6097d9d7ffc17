"""What was asked cannot be done."""

from shared.domain.failures.base import Permanent


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


class EventTypeIsBuiltIn(Conflict):
    """Every account has that event type, and nobody defines or changes it."""

    code = "event_type_is_built_in"
    what_to_do = "Use it as it is, or choose another name."


class EventTypeInUse(Conflict):
    """There are events of the type, or a goal or a segment names it."""

    code = "event_type_in_use"
    what_to_do = "Take the type out of what the detail names; one that has events stays."


class TooManyEventTypes(Conflict):
    """The account has as many event types as one can have."""

    code = "too_many_event_types"
    what_to_do = "Use an existing type, or delete one that has no events."


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


class SshKeyInUse(Conflict):
    """A connection uses the SSH key."""

    code = "ssh_key_in_use"
    what_to_do = "Give the connections that the detail names another key, then delete it."


class ListInUse(Conflict):
    """A goal or a segment names the list."""

    code = "list_in_use"
    what_to_do = "Take the list out of what the detail names, then delete it."


class SegmentInUse(Conflict):
    """A goal or another segment names the segment."""

    code = "segment_in_use"
    what_to_do = "Take the segment out of what the detail names, then delete it."


class TooManySegments(Conflict):
    """The account has as many segments as one can have."""

    code = "too_many_segments"
    what_to_do = "Delete segments that nothing uses, or change one of them."


class SegmentTooSlow(RequestFailure):
    """Who is in the segment could not be found out in the time that one question may take."""

    code = "segment_too_slow"
    what_to_do = "Ask for less in the condition, or of one domain group; an export may take as long as it needs."


class PreviewTooSlow(RequestFailure):
    """The first rows of an export could not be found in the time that a preview may take."""

    code = "preview_too_slow"
    what_to_do = "Try with fewer columns or another segment; an export may take as long as it needs."


class GroupTypeInUse(Conflict):
    """There are groups of the type, or a goal or a segment names it."""

    code = "group_type_in_use"
    what_to_do = (
        "Delete its groups, and take the type out of the goals and segments that the detail names; then delete it."
    )


class GroupTooWide(InvalidRequest):
    """The group would have more in its properties than one record can hold."""

    code = "group_too_wide"
    what_to_do = "Say less of it; longer texts matter less than many short ones."


class TooManyGroupTypes(Conflict):
    """The account has as many types of groups as one can have."""

    code = "too_many_group_types"
    what_to_do = "Use an existing type."


class ManualConnection(Conflict):
    """The connection of manual imports is built in and has no drop folder."""

    code = "manual_connection"
    what_to_do = "Send files with POST /v1/imports; the settings of an import are mended in its goal."


class OneShotConnection(Conflict):
    """The connection of one-shot imports is built in, and nobody looks at its server."""

    code = "one_shot_connection"
    what_to_do = "Ask for imports with POST /api/2.0/imports/sftp, or make a connection with a drop folder of your own."


class PasswordForgotten(Conflict):
    """The password of a one-shot import was deleted when its run ended, so the run cannot be retried."""

    code = "password_forgotten"
    what_to_do = "Send the request again: POST /api/2.0/imports/sftp."


class ImportNotCompleted(Conflict):
    """Only a manual import that has completed can lead a goal."""

    code = "import_not_completed"
    what_to_do = "Wait until the import has completed, or mend and repeat it, then let it lead."


class IntegrationOff(Conflict):
    """The account's owner has not switched this integration on."""

    code = "integration_off"
    what_to_do = "Switch it on with PATCH /v1/integrations, then repeat the request."


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


class TooManyRefusals(RateExceeded):
    """A server has refused so many logins that more might lock its user out, or us."""

    code = "too_many_refusals"
    what_to_do = "Correct username and password, and wait: as many seconds as Retry-After says, ten minutes at most."


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
