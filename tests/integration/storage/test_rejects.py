"""Rejects as rows: what was read comes back byte for byte, in file order, under its own token."""

from uuid import UUID

from shared.domain.reject import Reject, RejectCode
from shared.storage import rejects
from shared.storage.database import Database
from tests.builders import claimed_run

AWKWARD = ("a\0b", "caf\udce9", "", 'say "hi"', "NULL", "{}")


def _reject(number: int, code: RejectCode = RejectCode.NO_IDENTIFIER) -> Reject:
    return Reject(record_number=number, line_number=number + 1, code=code, field="E-mail", raw=AWKWARD)


async def test_what_was_read_comes_back_as_it_was(database: Database, account: UUID) -> None:
    run = claimed_run(account)
    async with database.account(account) as tx:
        await rejects.add(tx, run, [_reject(1)])
        assert await rejects.page(tx, run.id, run.token, after_record=0, limit=10) == [_reject(1)]


async def test_where_the_first_byte_stands_that_is_no_text_is_kept(database: Database, account: UUID) -> None:
    run = claimed_run(account)
    found = _reject(1, RejectCode.UNDECODABLE).model_copy(update={"byte_offset": 2**40})
    async with database.account(account) as tx:
        await rejects.add(tx, run, [found, _reject(2)])
        assert await rejects.page(tx, run.id, run.token, after_record=0, limit=10) == [found, _reject(2)]


async def test_rejects_come_in_file_order_however_they_were_found(database: Database, account: UUID) -> None:
    run = claimed_run(account)
    async with database.account(account) as tx:
        await rejects.add(tx, run, [_reject(5), _reject(3)])
        await rejects.add(tx, run, [_reject(4, RejectCode.NUL_BYTE), _reject(1)])
        streamed = [reject.record_number async for reject in rejects.stream(tx, run.id, run.token)]
        paged = await rejects.page(tx, run.id, run.token, after_record=1, limit=2)
        counted = await rejects.counts(tx, run.id, run.token)
    assert streamed == [1, 3, 4, 5]
    assert [reject.record_number for reject in paged] == [3, 4]
    assert counted == {"no_identifier": 3, "nul_byte": 1}


async def test_only_the_last_token_counts(database: Database, account: UUID) -> None:
    lost = claimed_run(account, token=1)
    run = lost.model_copy(update={"token": 2})
    async with database.account(account) as tx:
        await rejects.add(tx, lost, [_reject(1), _reject(2)])
        await rejects.add(tx, run, [_reject(1)])
        assert await rejects.drop_other_tokens(tx, run) == 2
        assert await rejects.counts(tx, run.id, lost.token) == {}
        assert await rejects.counts(tx, run.id, run.token) == {"no_identifier": 1}
