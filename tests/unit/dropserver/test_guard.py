"""Guesses are slowed and shut out, per address and per user, and a user where it is known is neither's victim."""

from collections import Counter
from uuid import uuid4

import pytest

from services.dropserver.guard import Guard, Knock, neighbourhood
from shared.storage.login_scores import Looked, Patience, Standing
from tests.fakes.drop import KnownLogins

OWNER, CREDENTIAL = uuid4(), uuid4()


def _guard(**patience: float) -> Guard:
    return Guard(KnownLogins(), Patience(**patience))


def _knock(network: str = "192.0.2.1", username: str = "shop", *, is_one: bool = True, **standing: object) -> Knock:
    looked = Looked(OWNER if is_one else None, CREDENTIAL if is_one else None, Standing(**standing))  # type: ignore[arg-type]  # its fields
    return Knock(username, network, looked)


def test_what_replicas_have_counted_and_what_is_not_told_yet_count_together() -> None:
    guard = _guard(failures=3)
    assert not guard.shuts_out(_knock(address_score=1.9))
    guard.failed(_knock(is_one=False))
    assert guard.shuts_out(_knock(address_score=2.0))
    assert not guard.shuts_out(_knock("192.0.2.2", address_score=2.0))
    assert guard.shuts_out(_knock("192.0.2.2", address_is_banned=True))


def test_a_user_guessed_at_from_everywhere_is_shut_out_but_not_from_where_it_came_before() -> None:
    guard = _guard(failures=100, user_failures=5)
    for number in range(5):
        guard.failed(_knock(f"198.51.100.{number}"))
    assert guard.shuts_out(_knock("203.0.113.1"))
    assert guard.shuts_out(_knock("203.0.113.1", user_is_banned=True))
    assert not guard.shuts_out(_knock("203.0.113.1", "other"))
    assert not guard.shuts_out(_knock("203.0.113.1", is_known=True, user_is_banned=True))


def test_where_a_user_is_known_no_stranger_shuts_it_out_from_behind_its_address() -> None:
    guard = _guard(failures=3)
    for _ in range(30):
        guard.failed(_knock(is_one=False))
        guard.failed(_knock(is_known=True))
    known = _knock(is_known=True, address_is_banned=True, pair_score=100)
    assert not guard.shuts_out(known)
    assert guard.delay_seconds(known) == 4
    assert guard.shuts_out(_knock(username="new"))


def test_answers_get_slower_with_every_failure_up_to_a_limit() -> None:
    guard = _guard()
    delays = []
    for _ in range(9):
        delays.append(guard.delay_seconds(_knock()))
        guard.failed(_knock(is_one=False))
    assert delays == [0, 0, 0.25, 0.5, 1, 2, 4, 4, 4]


def test_a_name_that_there_is_is_as_slow_as_one_that_is_none() -> None:
    guard = _guard()
    guard.failed(_knock("198.51.100.1"))
    assert guard.delay_seconds(_knock(user_score=40)) == guard.delay_seconds(_knock(username="none", is_one=False)) == 0


async def test_what_could_not_be_told_is_kept_and_told_later() -> None:
    gate = KnownLogins()
    guard = Guard(gate)
    guard.failed(_knock())
    guard.succeeded(_knock("192.0.2.9"))
    gate.is_down = True
    await guard.tell_rest()
    assert not gate.failures
    gate.is_down = False
    await guard.tell_rest()
    await guard.tell_rest()
    assert gate.failures == Counter({(None, ("", "192.0.2.1")): 1, (OWNER, ("shop", "")): 1})
    assert [each.subject for each in gate.came_in] == [("shop", "192.0.2.9")]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2%eth0", "2001:db8::/64"),
        ("2001:db8:0:1::3", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("somewhere", "somewhere"),
    ],
)
def test_one_network_of_ipv6_counts_as_one_address(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


def test_memory_is_bounded_however_many_knock() -> None:
    guard = _guard()
    for number in range(30_000):
        guard.failed(_knock(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(guard._failures) <= 20_002
