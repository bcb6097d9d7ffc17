"""What operators may set of local directories."""

from pathlib import Path

import pytest

from shared.runtime.settings import SettingsError, read_settings


def test_local_directories_have_names() -> None:
    found = read_settings(local_directories=" share=/mnt/share, archive-2=/mnt/with = sign ,").directories
    assert found == {"share": Path("/mnt/share"), "archive-2": Path("/mnt/with = sign")}
    assert read_settings().directories == {}


@pytest.mark.parametrize(
    "value",
    [
        "/mnt/share",
        "share",
        "share=mnt/share",
        "Share=/mnt/share",
        "../x=/mnt/share",
        "a=/mnt/a,a=/mnt/b",
        "all=/data/drop/",
        "all=/data",
        "one=/data/drop/some-account",
        "runs=/mnt/../data/work",
    ],
)
def test_a_directory_without_a_name_or_over_hosted_folders_stops_the_start(value: str) -> None:
    with pytest.raises(SettingsError, match="TIDEGATE_LOCAL_DIRECTORIES"):
        read_settings(local_directories=value, drop_directory=Path("/data/drop"), work_directory=Path("/data/work"))
