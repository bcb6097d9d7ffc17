"""Where each kind of canary may come out, and where it must: the one list of what is shown to whom."""

NOWHERE = (
    "secret key",
    "malformed secret key",
    "database password",
    "wrong database password",
    "wrong bus password",
    "mail password",
    "wrong mail password",
    "api key",
    "wrong api key",
    "partner password",
    "mistyped password",
    "private key",
    "unreadable private key",
    "passphrase",
    "drop password",
    "wrong drop password",
    "wrong drop user",
    "idempotency key",
    "query value",
    "malformed body",
    "entity tag",
    "cursor",
    "unknown path",
    "breaking value",
    "headerless value",
    "damaged content",
    "undecodable content",
    "uploaded directory",
)
"""Kinds that may come out nowhere at all. `headerless value`: a header that is a row of people is not quoted."""

PLACES: dict[str, str] = {
    # Values of people: what the account's own clients read.
    "profile name": r"answer GET /v1/profiles(/\{id\})?",
    "profile e-mail": r"answer GET /v1/profiles(/\{id\})?",
    "profile phone": r"answer GET /v1/profiles(/\{id\})?",
    "rejected value": r"answer GET /v1/runs/\{id\}/rejects(\.csv)?",
    "rejected e-mail": r"answer GET /v1/runs/\{id\}/rejects(\.csv)?",
    # The columns of a file are the head of its rejects, and a part of its receipt.
    "header name": r"answer GET /v1/(runs(/\{id\})?|runs/\{id\}/rejects\.csv)",
    # A file's name is told wherever the file is: the ledger's answers and the receipt.
    "file name": r"answer GET /v1/(arrivals|runs|notifications)(/\{id\})?|(head|body) of a mail",
    "unmatched name": r"answer GET /v1/(arrivals|notifications)(/\{id\})?|(head|body) of a mail",
    # What an account's own people set is shown to them, and named in what they are told.
    "contact address": r"answer (GET|POST|PUT) /v1/(keys(/\{id\})?|connections/\{id\}/goals|goals/\{id\})|"
    r"head of a mail",
    "refused address": r"answer (GET|POST|PUT) /v1/(connections/\{id\}/goals|goals/\{id\})",
    "property": r"answer (GET|POST) /v1/(properties(/.*)?|profiles(/\{id\})?|(connections/\{id\}/goals|goals/\{id\}))",
    "label": r"answer (GET|POST) /v1/properties(/.*)?",
    "connection name": r"answer (GET|POST|PUT) /v1/(connections(/\{id\})?|notifications)(/.*)?|(head|body) of a mail",
    "goal name": r"answer (GET|POST|PUT) /v1/(connections/\{id\}/goals|goals/\{id\})|(head|body) of a mail",
    "host": r"answer (GET|POST|PUT) /v1/(connections(/\{id\})?(/verify)?|inquiries/\{id\}|"
    r"notifications(/\{id\})?)|body of a mail",
    "partner user": r"answer (GET|POST|PUT) /v1/connections(/\{id\})?",
    "directory": r"answer (GET|POST|PUT) /v1/(connections(/\{id\})?(/goals|/verify)?|goals/\{id\}|inquiries/\{id\}|"
    r"notifications(/\{id\})?)|body of a mail",
    "home directory": r"answer (GET|POST|PUT) /v1/connections(/\{id\})?",
    # What is wrong with a request is told to whoever sent it, by the name of the field; its value is not repeated.
    "query name": r"answer GET /v1/(runs|arrivals|keys|profiles) refused",
    "unknown field": r"answer POST /v1/connections refused",
    # What is sent over the bus by others comes and is parked as it is.
    "message body": r"(parked )?message",
    "drop user": r"answer (GET|POST) /v1/drop-folders/\{id\}/credentials",
}
"""Where each of the others belongs; a pattern of sinks. Everywhere else it is a leak."""

FOUND = {
    ("profile name", "answer GET /v1/profiles"),
    ("profile e-mail", "answer GET /v1/profiles"),
    ("profile phone", "answer GET /v1/profiles"),
    ("rejected value", "answer GET /v1/runs/{id}/rejects"),
    ("rejected value", "answer GET /v1/runs/{id}/rejects.csv"),
    ("header name", "answer GET /v1/runs/{id}/rejects.csv"),
    ("file name", "answer GET /v1/arrivals"),
    ("file name", "answer GET /v1/runs"),
    ("file name", "body of a mail"),
    ("unmatched name", "answer GET /v1/arrivals"),
    ("contact address", "head of a mail"),
    ("goal name", "body of a mail"),
    ("connection name", "answer GET /v1/notifications"),
    ("host", "answer GET /v1/connections"),
    ("drop user", "answer GET /v1/drop-folders/{id}/credentials"),
}
"""Where they must be seen: else the road was not driven, or the search is blind."""
