"""Another account's thing is answered like one that does not exist: on every route, for every kind of identifier.

What is asked is read from the gateway's own description of itself: a new route or field is either tried, or makes this
fail with a sentence that tells what to add (to operations.py or to world.py).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from services.api.limits import Limits
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from tests.integration.api.asking import Client
from tests.integration.api.conftest import make_key
from tests.integration.api.operations import (
    BODIES,
    FILTERS,
    IDENTIFYING,
    NAMES_A_THING,
    NAMES_NOTHING,
    OPERATIONS,
    OPERATORS_OWN,
    PLACES_WITHIN,
    TENANTS,
    Operation,
    bodies_of,
    fields_of,
    filled,
    names_in,
    path_of,
    with_other,
)
from tests.integration.api.world import World, settle, unknown
from tests.real.database_fixtures import make_account

UNBOUNDED = Limits(requests_per_second=1e6, request_burst=10**6)


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
        fields = fields_of(each.body, set(), set())
        unjudged = fields - NAMES_A_THING - NAMES_NOTHING
        assert not unjudged, f"{each}: say in NAMES_A_THING or NAMES_NOTHING what {unjudged} are"
        untried = fields & NAMES_A_THING - set().union(*map(names_in, BODIES[each.name]))
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
                for body in bodies_of(each):

                    async def ask(
                        identifiers: dict[str, str],
                        each: Operation = each,
                        body: Any = body,
                        headers: dict[str, str] = headers,
                    ) -> httpx.Response:
                        sent = {} if body is None else {"json": filled(body, both.ours.identifiers)}
                        return await both.ours.client.request(
                            each.method, path_of(each, identifiers), headers=headers, **sent
                        )

                    await _assert_told_alike(both, f"{each} {headers} {only}", ask, statuses={404}, only=only)


async def test_their_entity_tags_show_nothing(both: Both) -> None:
    """The very tag of their thing, which a client of theirs may have told: the thing is not there all the same."""
    tried = 0
    for each in TENANTS:
        if "If-Match" not in each.parameters["header"] or not each.parameters["path"]:
            continue
        shown = await both.theirs.client.get(path_of(each, both.theirs.identifiers))
        headers = {"If-Match": shown.headers["ETag"]}
        for body in bodies_of(each):
            sent = {} if body is None else {"json": filled(body, both.ours.identifiers)}
            answer = await both.ours.client.request(
                each.method, path_of(each, both.theirs.identifiers), headers=headers, **sent
            )
            assert answer.status_code == 404, f"{each}: {answer.text}"
            tried += 1
    assert tried


async def test_their_things_in_a_query_choose_nothing(both: Both) -> None:
    for each in TENANTS:
        for name in each.parameters["query"] & IDENTIFYING:

            async def ask(identifiers: dict[str, str], each: Operation = each, name: str = name) -> httpx.Response:
                path = path_of(each, both.ours.identifiers)
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
        page = await both.theirs.client.get(path_of(each, both.theirs.identifiers), params={"limit": 1})
        cursor = page.json()["next_cursor"]
        assert cursor, f"{each}: make two of them in world.py"
        told = []
        for sent in (cursor, cursor[:-8] + "AAAAAAAA", "bm90aGluZw"):
            answer = await both.ours.client.get(
                path_of(each, both.ours.identifiers), params={"limit": 1, "cursor": sent}
            )
            assert answer.status_code == 422, f"{each}: {answer.text}"
            told.append(_told(answer, {"cursor": sent}))
        assert len(set(told)) == 1, each
        tried += 1
    assert tried


async def test_their_things_in_a_body_are_like_unknown_ones(both: Both) -> None:
    tried = set()
    for each in TENANTS:
        for body in bodies_of(each):
            for name in names_in(body) & NAMES_A_THING:
                tried.add(name)

                async def ask(
                    identifiers: dict[str, str], each: Operation = each, body: Any = body, name: str = name
                ) -> httpx.Response:
                    sent = with_other(filled(body, both.ours.identifiers), name, identifiers[name])
                    headers = {"If-Match": "*"} if "If-Match" in each.parameters["header"] else {}
                    path = path_of(each, both.ours.identifiers)
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
            body = filled(bodies_of(each)[0], client.identifiers)
            sent = {} if body is None else {"json": body}
            path = path_of(each, client.identifiers)
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
            answer = await both.ours.client.get(path_of(each, both.ours.identifiers))
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
                body = filled(bodies_of(each)[0], identifiers)
                sent = {} if body is None else {"json": body}
                answer = await pretender.request(
                    each.method, path_of(each, identifiers), headers={"If-Match": "*"}, **sent
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
                body = filled(bodies_of(each)[0], identifiers)
                sent = (
                    {} if body is None else {"json": {key: value for key, value in body.items() if key != "account_id"}}
                )
                answer = await operator.request(
                    each.method, path_of(each, identifiers), headers={"If-Match": "*"}, **sent
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
