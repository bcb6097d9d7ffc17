"""Another account's thing is answered like one that does not exist: on every route, for every kind of identifier.

What is asked is read from the gateway's own description of itself: a new route or field is either tried, or makes this
fail with a sentence that tells what to add (to this file or to world.py).
"""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from services.api.app import bare_app
from services.api.limits import Limits
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, HOST_KEY, IMPORT_GOAL, SFTP_PLACE, Client
from tests.integration.api.conftest import make_key
from tests.integration.api.world import World, settle, unknown
from tests.real.database_fixtures import make_account

DOCUMENT = bare_app().openapi()
METHODS = ("get", "post", "put", "patch", "delete")
UNBOUNDED = Limits(requests_per_second=1e6, request_burst=10**6)
PLACES_WITHIN = {"number", "from"}
"""Parameters that count within their parent: the same in every account."""
FILTERS = {
    "active", "code", "field", "identifier", "kind", "limit", "name", "path", "path_prefix", "since", "state",
    "stopped", "transport", "type", "unread", "until", "username",
}  # fmt: skip
"""Parameters of queries that choose among an account's own things and name none."""
IDENTIFYING = {"connection_id", "goal_id", "run_id", "arrival_id", "drop_folder_id", "domain_group"}
"""Parameters of queries that name a thing. `cursor` and `identifiers` have tests of their own."""

NAMES_A_THING = {"account_id", "drop_folder_id", "property", "domain_group", "fingerprint"}
NAMES_NOTHING = {
    "active", "afterwards", "allow_empty_file", "columns", "compression", "dateFormat", "decimalChar", "declaration",
    "delete", "delimiter", "dialect", "directory", "done", "doubleQuote", "duplicate_content", "email", "emails",
    "encoding", "escapeChar", "expires_at", "failed", "feedback", "field", "file_name", "groupChar", "header",
    "hold_order_for_seconds", "home_directory", "host", "host_keys", "identifier", "identifiers", "interval_seconds",
    "kind", "label", "leave", "listDelimiter", "mapping", "minimum_age_seconds", "mode", "move_to", "name",
    "nullSequence", "opt_in", "out_of_order", "passphrase", "password", "pattern", "place", "port", "position",
    "private_key", "public_key", "quota_bytes", "quoteChar", "readiness", "rename_suffix", "rule", "scopes", "source",
    "strategy", "target", "timezone", "transport", "trust_on_first_use", "type", "unpack", "username", "when",
    "wildcard",
}  # fmt: skip
"""Fields of bodies, wherever they stand. The name of a field that names a thing must mean nothing else."""

HOSTED = {"name": "n", "place": {"transport": "hosted", "drop_folder_id": "{drop_folder_id}"}}
SFTP = {"name": "n", "place": SFTP_PLACE}
GOALS = [
    IMPORT_GOAL | {"domain_group": "default"},
    EXPORT_GOAL | {"domain_group": "default"},
]
BODIES: dict[str, list[Any]] = {
    "create_account": [{"name": "n"}],
    "change_account": [{"name": "n"}],
    "create_key": [{"name": "n", "scopes": ["runs:read"], "account_id": "{account_id}"}],
    "define_property": [{"name": "fresh_{fresh}", "type": "text"}],
    "change_property": [{"label": "n"}],
    "create_connection": [SFTP, HOSTED],
    "update_connection": [SFTP, HOSTED],
    "change_connection": [{"name": "n"}, {"place": HOSTED["place"]}],
    "accept_host_key": [{"fingerprint": HOST_KEY}],
    "create_goal": GOALS,
    "update_goal": GOALS,
    "change_goal": [{"name": "n"}, {"mapping": IMPORT_GOAL["mapping"]}, {"domain_group": "default"}],
    "retry_run": [{}],
    "create_drop_folder": [{"name": "fresh {fresh}"}],
    "change_drop_folder": [{"name": "fresh {fresh}"}],
    "create_credential": [{}],
}
"""What is sent, by operation; `{name}` is filled with an identifier. Several where a body has several shapes: every
field that names a thing must stand in one of them."""
OPERATORS_OWN = {"create_account", "list_accounts", "get_account", "change_account"}
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


def _fields(schema: dict[str, Any], found: set[str], seen: set[str]) -> set[str]:
    """The names of all fields below a schema."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference and reference not in seen:
        _fields(DOCUMENT["components"]["schemas"][reference], found, seen | {reference})
    for kind in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(kind, []):
            _fields(each, found, seen)
    for name, each in schema.get("properties", {}).items():
        found.add(name)
        _fields(each, found, seen)
    if isinstance(schema.get("items"), dict):
        _fields(schema["items"], found, seen)
    return found


def _named(value: Any) -> set[str]:
    """The names of all fields in a body."""
    if isinstance(value, dict):
        return set(value).union(*map(_named, value.values()))
    return set().union(*map(_named, value)) if isinstance(value, list) else set()


def _with(value: Any, name: str, identifier: str) -> Any:
    """The body with another thing in every field of that name."""
    if isinstance(value, dict):
        return {key: identifier if key == name else _with(each, name, identifier) for key, each in value.items()}
    return [_with(each, name, identifier) for each in value] if isinstance(value, list) else value


def _filled(value: Any, identifiers: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, identifier in {**identifiers, "fresh": uuid4().hex[:8]}.items():
        text = text.replace("{" + name + "}", identifier)
    return json.loads(text)


def _path(operation: Operation, identifiers: dict[str, str]) -> str:
    return operation.path.format(**identifiers)


def _bodies(operation: Operation) -> list[Any]:
    return deepcopy(BODIES[operation.name]) if operation.body is not None else [None]


# Whether everything is tried.


def test_every_parameter_is_known() -> None:
    for each in OPERATIONS:
        missing = each.parameters["path"] - set(unknown())
        assert not missing, f"{each}: make a thing for {missing} in world.py"
        unjudged = each.parameters["query"] - FILTERS - IDENTIFYING - PLACES_WITHIN - {"cursor", "identifiers"}
        assert not unjudged, f"{each}: say in IDENTIFYING or FILTERS whether {unjudged} names a thing"
        headers = {name.lower() for name in each.parameters["header"]} - {
            "if-match",
            "idempotency-key",
            "last-event-id",
        }
        assert not headers, f"{each}: write a test for the header {headers}"


def test_every_field_of_a_body_is_known() -> None:
    for each in OPERATIONS:
        if each.body is None:
            continue
        assert each.name in BODIES, f"{each}: give a body to send in BODIES[{each.name!r}]"
        fields = _fields(each.body, set(), set())
        unjudged = fields - NAMES_A_THING - NAMES_NOTHING
        assert not unjudged, f"{each}: say in NAMES_A_THING or NAMES_NOTHING what {unjudged} are"
        untried = fields & NAMES_A_THING - set().union(*map(_named, BODIES[each.name]))
        assert not untried, f"{each}: BODIES[{each.name!r}] names no {untried}"


# Two accounts, each with two of everything.


@dataclass(frozen=True, slots=True)
class Both:
    """Ours asks; theirs is never to be seen."""

    ours: World
    theirs: World


@pytest_asyncio.fixture
async def both(database: Database, connect: Callable[..., Client]) -> Both:
    """Two furnished accounts."""
    worlds = []
    for mark in ("tideshopmark", "ebbshopmark"):
        account_id = await make_account(database, mark)
        client = connect(await make_key(database, account_id, OWNER_SCOPES), limits=UNBOUNDED)
        worlds.append(await settle(client, database, account_id, mark))
    return Both(*worlds)


def _told(answer: httpx.Response, identifiers: dict[str, str]) -> str:
    """An answer, byte for byte, but for the identifiers that were sent and the time."""
    headers = sorted(
        f"{name}: {value}" for name, value in answer.headers.items() if name not in ("date", "content-length")
    )
    told = f"{answer.status_code}\n{headers}\n{answer.text}"
    for name, identifier in sorted(identifiers.items(), key=lambda each: -len(each[1])):
        if name not in PLACES_WITHIN:
            told = told.replace(identifier, "{sent}")
    return told


async def _assert_told_alike(
    both: Both, what: str, ask: Callable[[dict[str, str]], Any], *, statuses: set[int], only: set[str] | None = None
) -> None:
    """A request with their identifiers, and one with those of nothing, are answered alike by ours."""
    told = []
    nothing = unknown()
    for strange in (both.theirs.identifiers, nothing):
        identifiers = (
            {**strange} if only is None else {**both.ours.identifiers, **{name: strange[name] for name in only}}
        )
        answer: httpx.Response = await ask(identifiers)
        assert answer.status_code in statuses, f"{what}: {answer.status_code} {answer.text}"
        told.append(_told(answer, {name: identifiers[name] for name in only or strange}))
    assert told[0] == told[1], what


IF_MATCH: tuple[dict[str, str], ...] = ({}, {"If-Match": "*"}, {"If-Match": '"1"'}, {"If-Match": '"none"'})


async def test_their_things_in_the_path_are_not_there(both: Both) -> None:
    for each in TENANTS:
        names = each.parameters["path"]
        if not names:
            continue
        # All of them strange; and each of them strange below things of ours.
        choices: list[set[str] | None] = [None]
        if len(names) > 1:
            choices += [{name} for name in names - PLACES_WITHIN]
        for only in choices:
            for headers in IF_MATCH if "If-Match" in each.parameters["header"] else IF_MATCH[:1]:
                for body in _bodies(each):

                    async def ask(
                        identifiers: dict[str, str],
                        each: Operation = each,
                        body: Any = body,
                        headers: dict[str, str] = headers,
                    ) -> httpx.Response:
                        sent = {} if body is None else {"json": _filled(body, both.ours.identifiers)}
                        return await both.ours.client.request(
                            each.method, _path(each, identifiers), headers=headers, **sent
                        )

                    await _assert_told_alike(both, f"{each} {headers} {only}", ask, statuses={404}, only=only)


async def test_their_entity_tags_show_nothing(both: Both) -> None:
    """The very tag of their thing, which a client of theirs may have told: the thing is not there all the same."""
    tried = 0
    for each in TENANTS:
        if "If-Match" not in each.parameters["header"]:
            continue
        shown = await both.theirs.client.get(_path(each, both.theirs.identifiers))
        headers = {"If-Match": shown.headers["ETag"]}
        for body in _bodies(each):
            sent = {} if body is None else {"json": _filled(body, both.ours.identifiers)}
            answer = await both.ours.client.request(
                each.method, _path(each, both.theirs.identifiers), headers=headers, **sent
            )
            assert answer.status_code == 404, f"{each}: {answer.text}"
            tried += 1
    assert tried


async def test_their_things_in_a_query_choose_nothing(both: Both) -> None:
    for each in TENANTS:
        for name in each.parameters["query"] & IDENTIFYING:

            async def ask(identifiers: dict[str, str], each: Operation = each, name: str = name) -> httpx.Response:
                path = _path(each, both.ours.identifiers)
                return await both.ours.client.request(each.method, path, params={name: identifiers[name]})

            await _assert_told_alike(both, f"{each}?{name}=", ask, statuses={200, 404, 422}, only={name})


async def test_identifiers_of_their_profiles_find_nothing(both: Both) -> None:
    """The same value may be looked up in every account; a property that only they have is unknown."""
    for query in ({"email": "ann@shop.example"}, {both.theirs.identifiers["property"]: "x"}):
        (name, value), *_ = query.items()
        answers = []
        for asked in (name, name if name == "email" else unknown()["property"]):
            answer = await both.ours.client.get("/v1/profiles", params={asked: value})
            answers.append(_told(answer, {"property": asked}))
        assert answers[0] == answers[1]


async def test_their_cursors_lead_nowhere(both: Both) -> None:
    tried = 0
    for each in TENANTS:
        if "cursor" not in each.parameters["query"]:
            continue
        page = await both.theirs.client.get(_path(each, both.theirs.identifiers), params={"limit": 1})
        cursor = page.json()["next_cursor"]
        assert cursor, f"{each}: make two of them in world.py"
        told = []
        for sent in (cursor, cursor[:-8] + "AAAAAAAA", "bm90aGluZw"):
            answer = await both.ours.client.get(_path(each, both.ours.identifiers), params={"limit": 1, "cursor": sent})
            assert answer.status_code == 422, f"{each}: {answer.text}"
            told.append(_told(answer, {"cursor": sent}))
        assert len(set(told)) == 1, each
        tried += 1
    assert tried


async def test_their_things_in_a_body_are_like_unknown_ones(both: Both) -> None:
    tried = set()
    for each in TENANTS:
        for body in _bodies(each):
            for name in _named(body) & NAMES_A_THING:
                tried.add(name)

                async def ask(
                    identifiers: dict[str, str], each: Operation = each, body: Any = body, name: str = name
                ) -> httpx.Response:
                    sent = _with(_filled(body, both.ours.identifiers), name, identifiers[name])
                    headers = {"If-Match": "*"} if "If-Match" in each.parameters["header"] else {}
                    path = _path(each, both.ours.identifiers)
                    return await both.ours.client.request(each.method, path, json=sent, headers=headers)

                await _assert_told_alike(both, f"{each} {name}", ask, statuses={400, 403, 404, 409, 422}, only={name})
    assert tried == NAMES_A_THING


async def test_their_idempotency_keys_are_as_good_as_new(both: Both) -> None:
    """What they did under a key is not answered to us, nor held against us."""
    for each in TENANTS:
        if "Idempotency-Key" not in {name.title() for name in each.parameters["header"]}:
            continue
        told = []
        theirs, fresh = uuid4().hex, uuid4().hex
        for client, key in ((both.theirs, theirs), (both.ours, theirs), (both.ours, fresh)):
            body = _filled(_bodies(each)[0], client.identifiers)
            sent = {} if body is None else {"json": body}
            path = _path(each, client.identifiers)
            answer = await client.client.request(each.method, path, headers={"Idempotency-Key": key}, **sent)
            if client is both.ours:
                told.append((answer.status_code, answer.headers.get("Idempotency-Replayed")))
                _assert_nothing_of_theirs(both, answer, f"{each} under their key")
        first, second = told
        # The first may have done what the second then finds done.
        assert first[1] is None, each
        assert first == second or second[0] == 409, each


async def test_lists_show_nothing_of_theirs(both: Both) -> None:
    for each in TENANTS:
        if each.method == "GET":
            answer = await both.ours.client.get(_path(each, both.ours.identifiers))
            assert answer.status_code == 200, f"{each}: {answer.text}"
            _assert_nothing_of_theirs(both, answer, str(each))
            if "cursor" in each.parameters["query"]:
                assert answer.json()["items"], f"{each}: make one of them in world.py, else this shows nothing"


async def test_tenants_are_refused_what_is_the_operators(
    both: Both, connect: Callable[..., Client], database: Database
) -> None:
    pretender = connect(await make_key(database, both.ours.account_id, frozenset(Scope)), limits=UNBOUNDED)
    for each in OPERATIONS:
        if each.name in OPERATORS_OWN:
            told = set()
            for identifiers in (both.theirs.identifiers, unknown()):
                body = _filled(_bodies(each)[0], identifiers)
                sent = {} if body is None else {"json": body}
                answer = await pretender.request(
                    each.method, _path(each, identifiers), headers={"If-Match": "*"}, **sent
                )
                assert answer.status_code == 403, f"{each}: {answer.text}"
                told.add(_told(answer, identifiers))
            assert len(told) == 1, each


async def test_the_operator_sees_nothing_of_tenants(
    both: Both, connect: Callable[..., Client], database: Database
) -> None:
    """Whatever scopes the operator's key claims to have: their things are refused, or like unknown ones."""
    for scopes in (OPERATOR_SCOPES, frozenset(Scope)):
        operator = connect(await make_key(database, OPERATOR, scopes), limits=UNBOUNDED)
        for each in TENANTS:
            told = []
            for identifiers in (both.theirs.identifiers, unknown()):
                body = _filled(_bodies(each)[0], identifiers)
                sent = (
                    {} if body is None else {"json": {key: value for key, value in body.items() if key != "account_id"}}
                )
                answer = await operator.request(
                    each.method, _path(each, identifiers), headers={"If-Match": "*"}, **sent
                )
                told.append(_told(answer, identifiers))
                if each.parameters["path"]:
                    assert answer.status_code in (403, 404), f"{each}: {answer.status_code} {answer.text}"
                _assert_nothing_of_theirs(both, answer, f"{each} by the operator")
            if each.parameters["path"]:
                assert told[0] == told[1], each


def _assert_nothing_of_theirs(both: Both, answer: httpx.Response, what: str) -> None:
    told = f"{answer.headers}\n{answer.text}"
    assert not [each for each in both.theirs.everything if each in told], what


def test_a_route_that_nobody_knows_is_noticed() -> None:
    """The sentences above are reached: a field and a parameter of no list are among none."""
    assert not {"brand_new_id"} & (NAMES_A_THING | NAMES_NOTHING | FILTERS | IDENTIFYING | set(unknown()))
    assert re.fullmatch(r"[a-z_]+", OPERATIONS[0].name)
    assert UUID(unknown()["run_id"]) != UUID(unknown()["run_id"])
