"""What a mail says about a notification: pure, from the notification centre to the lines that people read."""

from dataclasses import dataclass

from services.notifier.receipt import REASON_CHARACTERS, CountLine
from services.notifier.shown import shown
from shared.storage.notifications import Notification

TITLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class NoticeText:
    """All that a mail about a notification says."""

    subject: str
    title: str
    detail: str
    what_to_do: str
    facts: tuple[CountLine, ...]


def describe(notification: Notification) -> NoticeText:
    """What the mail about a notification says."""
    news = notification.news
    title = shown(news.title, TITLE_CHARACTERS)
    about = {
        "Code": shown(news.code, TITLE_CHARACTERS),
        "Connection": news.connection_id,
        "Goal": news.goal_id,
        "Run": news.run_id,
        "Notification": notification.id,
        "Raised": f"{notification.created_at:%Y-%m-%d %H:%M:%S %Z}",
    }
    return NoticeText(
        subject=f"Notice: {title}",
        title=title,
        detail=shown(news.detail, REASON_CHARACTERS),
        what_to_do=shown(news.what_to_do, REASON_CHARACTERS),
        facts=tuple(CountLine(label, str(value)) for label, value in about.items() if value is not None),
    )
