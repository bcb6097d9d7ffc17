"""Properties for columns that have none, made by the run that needs them, where its goal says `create_properties`.

Before a row is staged, and in a transaction of its own: the lock on the profiles is short, and what was made stays even
if the run fails. Of two runs that need one property the second finds it. The run's receipt names what it made.
"""

from services.importer.pages import Pages
from shared.domain.property import Property
from shared.processing.file_columns import listed
from shared.processing.map_all import settled
from shared.runtime.desk import Desk
from shared.storage import properties
from shared.storage.errors import TransactionConflict
from shared.storage.run_connection import RunConnection

ATTEMPTS = 3


async def make_properties(pages: Pages, connection: RunConnection, desk: Desk) -> tuple[Property, ...]:
    """The account's properties, with those that the file needs, which the pages know of then.

    Raises TooManyProperties before anything is made, TransactionConflict where the profiles are in use all the time,
    and InvalidGoal where another run has made one meanwhile that does not take its column.
    """
    order = pages.fetched.order
    if not order.goal.create_properties:
        return order.properties
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with connection.transaction() as tx:
                await properties.ensure(tx, pages.settled.missing, made_by=desk.run.id)
                known = tuple(await properties.list_all(tx))
                desk.properties_created = tuple(await properties.made_by(tx, desk.run.id))
            break
        except TransactionConflict:
            if attempt == ATTEMPTS:
                raise
    if desk.properties_created:
        desk.warn(
            "properties_created",
            f"Properties were made for columns that had none: {listed(desk.properties_created)}.",
            "Nothing, if that was meant; their labels can be changed, and columns be named in the goal's ignore.",
        )
    if pages.settled.missing:
        pages.settled = settled(order.goal, known, pages.after)
    return known
