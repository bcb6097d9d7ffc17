"""What the gateway can be asked, read from its own description, and what is sent in asking.

A parameter, a field or an operation that stands in no list here is refused by test_tenancy.py, with a sentence.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from services.api.app import bare_app
from tests.integration.api.asking import EXPORT_GOAL, HOST_KEY, IMPORT_GOAL, SFTP_PLACE

DOCUMENT = bare_app().openapi()
METHODS = ("get", "post", "put", "patch", "delete")
PLACES_WITHIN = {"number", "from"}
"""Parameters that count within their parent: the same in every account."""
FILTERS = {
    "active", "code", "field", "fingerprint", "id", "identifier", "kind", "limit", "message_number", "name", "path",
    "path_prefix", "prefix", "record_type", "reference", "since", "state", "stopped", "transport", "type", "unread",
    "until", "username", "verify",
}  # fmt: skip
"""Parameters of queries that choose among an account's own things and name none."""
IDENTIFYING = {"connection_id", "goal_id", "run_id", "arrival_id", "drop_folder_id", "domain_group", "profile_id"}
"""Parameters of queries that name a thing. `cursor` and `identifiers` have tests of their own."""

NAMES_A_THING = {
    "after_goal",
    "account_id", "connection_id", "domain_group", "drop_folder_id", "fingerprint", "from_sample", "property",
    "sample_id", "goal_id", "import_id", "password_id", "from_import", "list", "segment", "group_type",
    "ssh_key_id",
}  # fmt: skip
NAMES_NOTHING = {
    "absent", "acknowledge", "active", "add", "add_to", "after", "after_responses", "afterwards", "algorithm",
    "aliases", "all", "allow_empty_file", "answers", "any", "approve_when_absent_over", "at", "at_least", "at_most",
    "between", "blackouts", "by", "bytes", "certificates", "changed_only", "changes", "characters", "checksum",
    "choices", "code", "collapse", "columns", "commentChar", "commentRows", "compression", "condition", "consent",
    "consent_at", "constant", "contains", "create", "create_properties", "credentials", "cron", "custom_key_position",
    "dateFormat", "days", "days_of_month", "deadline_minutes", "decimalChar", "decimals", "declaration", "decrypt",
    "default_region", "default_rule", "defuse_formulas", "delete", "delimiter", "description", "dialect",
    "direct_write", "directory", "done", "done_file", "doubleQuote", "dry_run", "duplicate_content", "email",
    "emails", "empty", "empty_allowed", "encoding", "encrypt_to", "ends_with", "equals", "escapeChar", "event",
    "events", "expect", "expected", "expires_at", "expression", "fact", "failed", "falseValues", "feedback", "field",
    "fields", "file", "file_name", "files", "find", "fixed", "format", "former_until", "from", "full_file",
    "generate", "grace_minutes", "greater", "group", "groupChar", "guards", "header", "headerJoin", "headerRows",
    "hold_order_for_seconds", "home_directory", "host", "host_keys", "hosted_folders", "hostname", "id", "identifier",
    "identifiers", "ids_as_names", "ignore", "ignore_case", "in", "interactions", "interval_seconds", "into", "items",
    "keep", "key", "kind", "label", "language", "last_days", "latest", "leave", "leavers", "led_by", "less", "limit",
    "listDelimiter", "listIds", "lists", "local_directories", "made_from", "manifest", "map_all", "mapping",
    "mappings", "marker", "matches", "max_depth", "max_members", "max_new", "max_ratio", "max_sessions",
    "max_unpacked_bytes", "maximum_bytes", "maximum_rows", "members", "message", "messages", "minimum_age_seconds",
    "minimum_bytes", "minimum_rows", "minutes", "mode", "move_to", "name", "next_days", "not", "not_equals",
    "nullSequence", "number", "occurred_at", "on_bad_value", "on_failure", "on_longer", "one_shot_imports",
    "only_on_create", "opt_in", "order", "out_of_order", "packing", "partner_servers", "passphrase", "password",
    "path", "pattern", "per", "period", "pivotYear", "place", "pointer", "port", "position", "prefix", "private_key",
    "processors", "progress_email_address", "properties", "public_key", "quota_bytes", "quota_files", "quoteChar",
    "readiness", "reasons", "record_type", "reference", "regular_expression", "rejects", "remove", "rename_suffix",
    "require_signature_by", "required", "resubscribe", "retention_days", "return_to", "rights", "root", "rows",
    "rule", "scopes", "segments", "sent_at", "separator", "settings", "share", "sheetName", "sheetNumber",
    "sign_with", "since", "since_last", "skipInitialSpace", "source", "source_networks", "split", "starts_with",
    "strategy", "subdirectories", "suffix", "suppression", "target", "text", "then", "time", "times", "times_per_day",
    "timezone", "tls", "to", "transport", "trueValues", "trust_on_first_use", "type", "types", "unexpected",
    "unknown_choice", "unpack", "until", "update_duplicates", "update_using", "url", "user_id", "username", "value",
    "values", "weekday", "weekday_of_month", "weekdays", "when", "where", "which", "wildcard", "with",
    "with_unsubscribes", "within_days",
}  # fmt: skip
"""Fields of bodies, wherever they stand. The name of a field that names a thing must mean nothing else."""

HOSTED = {"name": "n", "place": {"transport": "hosted", "drop_folder_id": "{drop_folder_id}"}}
SFTP = {"name": "n", "place": SFTP_PLACE | {"ssh_key_id": "{ssh_key_id}"}}
RULES = {name: value for name, value in IMPORT_GOAL.items() if name != "source"}
ASKING = {"any": [{"property": "{property}", "empty": True}, {"list": "{list}"}, {"segment": "{segment}"}]}
"""A condition that names whatever a condition can."""
_EXPORT = EXPORT_GOAL | {"active": False}
"""Several of them would write the same file."""
GOALS = [
    IMPORT_GOAL | {"domain_group": "default"},
    IMPORT_GOAL | {"made_from": {"sample_id": "{sample_id}"}},
    _EXPORT | {"domain_group": "default", "segment": "{segment}"},
    _EXPORT | {"kind": "export_unsubscribes", "domain_group": "default"},
    _EXPORT | {"kind": "export_subscribers", "list": "{list}"},
    _EXPORT | {"kind": "export_groups", "group_type": "{group_type}", "columns": [{"text": "n"}]},
    _EXPORT | {"kind": "export_responses", "domain_group": "default"},
    _EXPORT | {"kind": "export_sms", "domain_group": "default"},
    _EXPORT | {"packing": {"compression": "zip", "password_id": "{password_id}"}},
    _EXPORT | {"when": [{"after_goal": "{after_goal}"}]},
    IMPORT_GOAL | {"led_by": {"import_id": "{import_id}"}},
    IMPORT_GOAL | {"processors": [{"kind": "keep_rows", "where": ASKING}]},
]
PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
EVENT = {"type": "order", "identifiers": {"email": "ann@shop.example"}, "occurred_at": "2026-03-01T06:00:00Z"}
BODIES: dict[str, list[Any]] = {
    "create_account": [{"name": "n"}],
    "change_account": [{"name": "n"}],
    "create_key": [{"name": "n", "scopes": ["runs:read"], "account_id": "{account_id}"}],
    "change_key": [{"name": "n"}],
    "define_property": [{"name": "fresh_{fresh}", "type": "text"}],
    "change_property": [{"label": "n"}],
    "create_connection": [SFTP, HOSTED],
    "update_connection": [SFTP, HOSTED],
    "change_connection": [{"name": "n"}, {"place": HOSTED["place"]}],
    "accept_host_key": [{"fingerprint": HOST_KEY}],
    "create_goal": [
        *GOALS,
        {"name": "n", "source": IMPORT_GOAL["source"], "from_import": "{from_import}"},
        {name: IMPORT_GOAL[name] for name in ("name", "source", "opt_in")} | {"from_sample": "{from_sample}"},
    ],
    "check_goal": GOALS,
    "update_goal": GOALS,
    "change_goal": [{"name": "n"}, {"mapping": IMPORT_GOAL["mapping"]}, {"domain_group": "default"}],
    "start_import": [
        {"sample_id": "{sample_id}", "settings": RULES | {"domain_group": "default"}},
        {"sample_id": "{sample_id}", "goal_id": "{goal_id}"},
        {"sample_id": "{sample_id}", "settings": RULES | {"processors": [{"kind": "keep_rows", "where": ASKING}]}},
    ],
    "start_one_shot_import": [
        {
            "credentials": {"hostname": "files.partner.example", "username": "n", "password": "n", "file": "a.csv"},
            "mappings": {"email": 0},
            "listIds": [1],
            "settings": {},
        }
    ],
    "retry_run": [{}],
    "change_integrations": [{"partner_servers": "active"}],
    "replay": [{name: f"{{{name}}}", **PERIOD} for name in ("connection_id", "goal_id")],
    "create_drop_folder": [{"name": "fresh {fresh}"}],
    "change_drop_folder": [{"name": "fresh {fresh}"}],
    "create_credential": [{}],
    "change_credential": [{"name": "fresh {fresh}"}],
    "rotate_credential": [{}],
    "create_domain_group": [{"name": "fresh-{fresh}"}],
    "create_list": [{"name": "fresh {fresh}"}],
    "change_list": [{"name": "fresh {fresh}"}],
    "create_segment": [{"name": "fresh {fresh}", "condition": ASKING}],
    "change_segment": [{"condition": ASKING}],
    "count_segment": [{"domain_group": "{domain_group}"}],
    "sample_segment": [{"domain_group": "{domain_group}"}],
    "create_event_type": [{"name": "fresh_{fresh}", "properties": [{"name": "seats", "type": "integer"}]}],
    "change_event_type": [{"label": "fresh {fresh}"}],
    "create_message": [{"kind": "mailing", "reference": "fresh {fresh}"}],
    "change_message": [{"name": "fresh {fresh}"}],
    "tell_events": [
        {"domain_group": "default", "events": [EVENT | {"id": "fresh {fresh}"}]},
    ],
    "create_group_type": [{"name": "type_{fresh}", "identifier": "code"}],
    "change_group_type": [{"label": "n"}],
    "create_group": [{"type": "{name}", "domain_group": "{domain_group}", "properties": {"code": "{fresh}"}}],
    "change_group": [{"properties": {"code": "{fresh}"}}],
    "change_group_members": [{"add": []}],
    "create_openpgp_key": [{"name": "fresh {fresh}", "password": "hush"}],
    "change_openpgp_key": [{"name": "fresh {fresh}"}],
    "create_ssh_key": [{"name": "fresh {fresh}", "generate": {}}],
    "change_ssh_key": [{"name": "fresh {fresh}"}],
    "preview_goal": [{"sample_id": "{sample_id}"}],
    "preview_schedule": [{"when": [{"cron": "0 5 * * *", "timezone": "Europe/Amsterdam"}], "times": 2}],
    "preview_date": [{"at": "2026-11-22T05:00:00Z", "dateFormat": "DD.MM.YY HH:mm", "timezone": "Europe/Amsterdam"}],
    "create_sample": [{"connection_id": "{connection_id}", "path": "in/contacts.csv"}],
    "answer_questions": [{"answers": [{"code": "encoding", "pointer": "/encoding", "value": "utf-8"}]}],
}
"""What is sent, by operation; `{name}` is filled with an identifier. Several where a body has several shapes: every
field that names a thing must stand in one of them."""
OPERATORS_OWN = {
    "create_account", "list_accounts", "get_account", "change_account", "list_address_bans", "lift_address_ban",
}  # fmt: skip
"""Operations that are the operator's: a tenant's key is refused, whatever it names."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route with one method."""

    name: str
    method: str
    path: str
    parameters: dict[str, set[str]]
    """Names by where they stand: path, query, header."""
    body: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _operations() -> Iterator[Operation]:
    for path, item in DOCUMENT["paths"].items():
        for method, facts in item.items():
            assert method in METHODS, f"{path} has a {method}, which nobody here knows"
            parameters: dict[str, set[str]] = {"path": set(), "query": set(), "header": set()}
            for each in facts.get("parameters", []):
                parameters[each["in"]].add(each["name"])
            contents = facts.get("requestBody", {}).get("content", {})
            schema = next((content["schema"] for content in contents.values()), None)
            yield Operation(facts["operationId"], method.upper(), path, parameters, schema)


OPERATIONS = list(_operations())
TENANTS = [each for each in OPERATIONS if each.name not in OPERATORS_OWN]


def fields_of(schema: dict[str, Any], found: set[str], seen: set[str]) -> set[str]:
    """The names of all fields below a schema."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference and reference not in seen:
        fields_of(DOCUMENT["components"]["schemas"][reference], found, seen | {reference})
    for kind in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(kind, []):
            fields_of(each, found, seen)
    for name, each in schema.get("properties", {}).items():
        found.add(name)
        fields_of(each, found, seen)
    if isinstance(schema.get("items"), dict):
        fields_of(schema["items"], found, seen)
    return found


def names_in(value: Any) -> set[str]:
    """The names of all fields in a body."""
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


def with_other(value: Any, name: str, identifier: str) -> Any:
    """The body with another thing in every field of that name."""
    if isinstance(value, dict):
        return {key: identifier if key == name else with_other(each, name, identifier) for key, each in value.items()}
    return [with_other(each, name, identifier) for each in value] if isinstance(value, list) else value


def filled(value: Any, identifiers: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, identifier in {**identifiers, "fresh": uuid4().hex[:8]}.items():
        text = text.replace("{" + name + "}", identifier)
    return json.loads(text)


def path_of(operation: Operation, identifiers: dict[str, str]) -> str:
    return operation.path.format(**identifiers)


def bodies_of(operation: Operation) -> list[Any]:
    return deepcopy(BODIES[operation.name]) if operation.body is not None else [None]
