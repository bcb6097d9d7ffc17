"""One-shot imports: what people are told of one whose run did not complete.

Its password is deleted when its run ends, so no such run can be retried, and what its settings say was said in a
request: the advice of other imports (mend the goal, retry the run) would lead nowhere.
"""

from shared.domain.receipt import Receipt
from shared.domain.run import RunState

AGAIN = "Send the request again: its password was deleted when the run ended, so the run itself cannot be retried."

_FIRST = {
    "login_refused": "Correct username and password.",
    "login_not_tried": "Correct username and password; the same are tried again after a minute at the earliest.",
    "name_unresolved": "Correct hostname.",
    "too_many_refusals": "Correct username and password, and wait for ten minutes.",
    "host_key_unknown": "Take the server's connection away with DELETE /v1/connections/{id}: the next import pins the "
    "host key that it sees.",
    "host_key_changed": "Ask the server's operator whether its key was changed. If so, accept the new fingerprint with "
    "POST /v1/connections/{id}/host-keys/accept; if not, somebody may be in between.",
    "port_not_given": "Give the port; SFTP servers listen on 22.",
    "no_such_file": "Correct file: relative to the user's home directory, or absolute.",
    "access_denied": "Have the server's operator let the user read the file.",
    "address_refused": "Give a public host name; the operator allows others with TIDEGATE_ALLOWED_NETWORKS.",
    "empty_file": "Have the file written again.",
    "header_changed": "Correct mappings: positions count from 0, so the last of three columns has 2.",
    "no_usable_rows": "Compare the file with the delimiter.",
    "ambiguous_dates": "Have the dates written as YYYY-MM-DD.",
    "unreadable_dates": "Have the dates written as YYYY-MM-DD.",
    "ambiguous_encoding": "Have the file written in UTF-8.",
    "undecodable_file": "Have the file written in UTF-8.",
    "list_missing": "Name lists that there are.",
}


def retold(receipt: Receipt) -> Receipt:
    """The receipt with the advice that helps, where the run failed or was cancelled."""
    if receipt.reason is None or receipt.state not in (RunState.FAILED, RunState.CANCELLED):
        return receipt
    advice = " ".join(filter(None, (_FIRST.get(receipt.reason.code, ""), AGAIN)))
    return receipt.model_copy(update={"reason": receipt.reason.model_copy(update={"what_to_do": advice})})
