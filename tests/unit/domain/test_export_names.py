"""What exported files are called."""

import pytest
from pydantic import ValidationError

from shared.domain.export_names import ExportName
from shared.domain.packing import DoneFile, Packing, Split


@pytest.mark.parametrize(
    ("name", "kind", "is_sealed", "whole", "second", "announced", "inner"),
    [
        ("a.csv", "none", False, "a.csv", "a_002.csv", "a.csv", "a.csv"),
        ("a.csv", "gzip", False, "a.csv.gz", "a_002.csv.gz", "a.csv.gz", "a.csv"),
        ("a.csv", "gzip", True, "a.csv.gz.pgp", "a_002.csv.gz.pgp", "a.csv.gz.pgp", "a.csv"),
        ("a.csv", "none", True, "a.csv.pgp", "a_002.csv.pgp", "a.csv.pgp", "a.csv"),
        ("a.csv.gz.gpg", "gzip", True, "a.csv.gz.gpg", "a_002.csv.gz.gpg", "a.csv.gz.gpg", "a.csv"),
        ("a.csv.gz", "gzip", False, "a.csv.gz", "a_002.csv.gz", "a.csv.gz", "a.csv"),
        ("a.zip", "zip", False, "a.zip", "a_002.zip", "a.zip", "a.csv"),
        ("a.csv", "zip", False, "a.csv.zip", "a_002.csv.zip", "a.csv.zip", "a.csv"),
        ("a.b.tsv", "zstd", False, "a.b.tsv.zst", "a.b_002.tsv.zst", "a.b.tsv.zst", "a.b.tsv"),
        ("a", "none", False, "a", "a_002", "a", "a"),
        (".csv", "none", False, ".csv", ".csv_002", ".csv", ".csv"),
        ("a_{number}_b.csv", "gzip", False, "a_{number}_b.csv.gz", "a_002_b.csv.gz", "a_b.csv.gz", "a_{number}_b.csv"),
        ("a.{number}", "none", False, "a.{number}", "a.002", "a", "a.{number}"),
        ("{number}.csv", "none", False, "{number}.csv", "002.csv", "files.csv", "{number}.csv"),
    ],
)
def test_names_say_what_was_done_once(
    name: str, kind: str, is_sealed: bool, whole: str, second: str, announced: str, inner: str
) -> None:
    packing = Packing.model_validate({"compression": kind})
    found = ExportName.of(name, packing, is_sealed=is_sealed)
    assert (found.whole, found.piece(2).whole, found.announced, found.inner) == (whole, second, announced, inner)
    assert ExportName.of(found.whole, packing, is_sealed=is_sealed) == found, "a name that was given is the same again"


def test_further_files_and_pieces_lie_beside_the_main_one() -> None:
    name = ExportName.of("all.csv", Packing(compression="gzip"), is_sealed=False)
    assert name.beside("").whole == "all.csv.gz"
    assert name.beside("order").piece(12).whole == "all_order_012.csv.gz"
    behind = list(name.pieces_behind(997))
    assert behind == ["all_998.csv.gz", "all_999.csv.gz"]


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (Split, {}),
        (Split, {"rows": 1, "bytes": 2_000}),
        (Split, {"rows": 0}),
        (Packing, {"compression": "gzip", "password_id": "12345678-1234-1234-1234-123456789abc"}),
        (DoneFile, {"suffix": ".sha256"}),
        (DoneFile, {"suffix": "done"}),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    model: type[Split | Packing | DoneFile], sent: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(sent)
