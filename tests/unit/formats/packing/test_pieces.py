"""Files that are split: between rows, each with its head, each as full as it may be."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.failures import TooManyPieces
from shared.domain.packing import Split
from shared.formats.packing.piece import Piece
from shared.formats.packing.pieces import Pieces
from tests.examples import examples

HEAD = b"\xef\xbb\xbfname\n"


def written(place: Path, blocks: list[list[bytes]], split: Split | None) -> list[tuple[Piece, bytes]]:
    """What comes of blocks of lines, with the bytes of each file."""
    with Pieces(place / "spool", lambda: HEAD, split) as pieces:
        for block in blocks:
            pieces.keep(len(block), lambda at, rows, block=block: b"".join(block[at : at + rows]))  # type: ignore[misc]  # bound at once
        found = pieces.finish()
    return [(piece, piece.path.read_bytes()) for piece in found]


def lines_of(content: bytes) -> list[bytes]:
    assert content.startswith(HEAD)
    return content[len(HEAD) :].splitlines(keepends=True)


LINES = st.binary(max_size=40).map(lambda data: data.hex().encode() + b"\n")


@settings(max_examples=examples(40))
@given(blocks=st.lists(st.lists(LINES, max_size=30), max_size=5), rows=st.integers(1, 12))
def test_rows_are_split_by_their_number(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[bytes]], rows: int
) -> None:
    found = written(tmp_path_factory.mktemp("place"), blocks, Split(rows=rows))
    everything = [line for block in blocks for line in block]
    assert [line for _, content in found for line in lines_of(content)] == everything
    assert [piece.rows for piece, _ in found[:-1]] == [rows] * (len(found) - 1)
    assert len(found) == max(1, -(-len(everything) // rows))
    for piece, content in found:
        assert (piece.size_bytes, piece.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@settings(max_examples=examples(40))
@given(blocks=st.lists(st.lists(LINES, max_size=200), max_size=5), longest=st.integers(0, 3000))
def test_files_are_as_full_as_they_may_be_and_no_row_is_cut(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[bytes]], longest: int
) -> None:
    limit = 1_024
    blocks = [*blocks, [b"x" * longest + b"\n"]]
    found = written(tmp_path_factory.mktemp("place"), blocks, Split(bytes=limit))
    kept = [lines_of(content) for _, content in found]
    assert [line for lines in kept for line in lines] == [line for block in blocks for line in block]
    for (piece, content), lines, following in zip(found, kept, [*kept[1:], []], strict=True):
        assert piece.rows == len(lines)
        assert len(content) <= limit or len(lines) == 1
        if following:
            assert len(content) + len(following[0]) > limit


def test_without_a_split_there_is_one_file_also_of_nothing(tmp_path: Path) -> None:
    assert [(piece.rows, content) for piece, content in written(tmp_path, [], None)] == [(0, HEAD)]


def test_more_files_than_have_a_number_of_three_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManyPieces):
        written(tmp_path, [[b"x\n"] * 1_000], Split(rows=1))
