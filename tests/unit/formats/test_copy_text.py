"""What PostgreSQL's COPY writes is read as it was meant."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.formats.copy_text import NUMBER, frame_of
from tests.copied import copied
from tests.examples import examples

texts = st.text(
    st.one_of(
        st.sampled_from('\\N\t\n\r\b\f\vnt "#,\ufeff'),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=6,
)
Row = tuple[int | None, str | None, str | None]


@settings(max_examples=examples(80))
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 2**63 - 1)), st.one_of(st.none(), texts), st.one_of(st.none(), texts)
        ),
        min_size=1,
        max_size=5,
    )
)
@example([(1, "\ufeff", None), (None, "", "\\N"), (None, None, None)])
@example([(None, "", "")])
def test_what_copy_writes_is_read_back(rows: list[Row]) -> None:
    frame = frame_of(copied(rows), 2)
    assert frame.columns == [NUMBER, "c0", "c1"]
    assert frame.rows() == rows
