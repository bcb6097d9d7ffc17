"""What stood beside a file is looked for where it went with that."""

import pytest

from services.poller.stood_beside import put_away_as


@pytest.mark.parametrize(
    ("came_as", "settled_path", "called"),
    [
        ("in/a.csv", "in/a.csv.done", ["in/a.csv.ok.done"]),
        ("in/a.csv", "in/a.csv.done.12", ["in/a.csv.ok.done.12", "in/a.csv.ok.done"]),
        ("in/a.csv", "done/a.csv.1", ["done/a.csv.ok"]),
        ("in/a.csv", "in/b.csv", []),
        ("in/a.csv", "in/a.csv", []),
    ],
)
def test_what_stood_beside_a_file_is_called_like_it(came_as: str, settled_path: str, called: list[str]) -> None:
    assert list(put_away_as("in/a.csv.ok", came_as, settled_path)) == called
