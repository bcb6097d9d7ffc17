"""Guesses are slowed and shut out, per address and per user, in bounded memory."""

from services.dropserver.guard import Guard, Patience


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _failed(guard: Guard, address: str, user: str, times: int) -> None:
    for _ in range(times):
        guard.failed(address, user)


def test_an_address_that_fails_often_is_shut_out_until_it_is_forgotten() -> None:
    clock = Clock()
    guard = Guard(clock, Patience(address_failures=3, forget_after_seconds=60))
    _failed(guard, "192.0.2.1", "a", 2)
    assert not guard.shuts_out("192.0.2.1")
    _failed(guard, "192.0.2.1", "b", 1)
    assert guard.shuts_out("192.0.2.1")
    assert not guard.shuts_out("192.0.2.2")
    clock.now += 61
    assert not guard.shuts_out("192.0.2.1")


def test_a_user_guessed_at_from_everywhere_is_shut_out_but_not_from_where_it_came_before() -> None:
    guard = Guard(Clock(), Patience(address_failures=100, user_failures=5))
    guard.succeeded("192.0.2.1", "shop")
    for number in range(5):
        guard.failed(f"198.51.100.{number}", "shop")
    assert guard.shuts_out("203.0.113.1", "shop")
    assert not guard.shuts_out("192.0.2.1", "shop")
    assert not guard.shuts_out("203.0.113.1", "other")


def test_answers_get_slower_with_every_failure_up_to_a_limit() -> None:
    guard = Guard(Clock(), Patience(slow_from=2, slowest_seconds=4))
    delays = []
    for _ in range(9):
        delays.append(guard.delay_seconds("192.0.2.1", "a"))
        guard.failed("192.0.2.1", "a")
    assert delays == [0, 0, 0.25, 0.5, 1, 2, 4, 4, 4]


def test_a_success_forgives_the_address_that_made_it() -> None:
    guard = Guard(Clock(), Patience(address_failures=3))
    _failed(guard, "192.0.2.1", "a", 2)
    guard.succeeded("192.0.2.1", "a")
    _failed(guard, "192.0.2.1", "a", 2)
    assert not guard.shuts_out("192.0.2.1")


def test_one_network_of_ipv6_counts_as_one_address() -> None:
    guard = Guard(Clock(), Patience(address_failures=2))
    guard.failed("2001:db8::1", "a")
    guard.failed("2001:db8::ffff:2", "b")
    assert guard.shuts_out("2001:db8::3")
    assert not guard.shuts_out("2001:db8:0:1::3")
    guard.failed("::ffff:192.0.2.1", "a")
    guard.failed("192.0.2.1", "a")
    assert guard.shuts_out("192.0.2.1")


def test_memory_is_bounded_however_many_knock() -> None:
    guard = Guard(Clock(), Patience(address_failures=1, user_failures=1, remembered=10))
    for number in range(1_000):
        guard.failed(f"10.0.{number // 250}.{number % 250}", f"user{number}")
        guard.succeeded(f"10.9.{number // 250}.{number % 250}", f"user{number}")
    assert len(guard._by_address) == len(guard._by_user) == len(guard._known) == 10
    assert guard.shuts_out("10.0.3.249")
    assert not guard.shuts_out("10.0.0.1")
