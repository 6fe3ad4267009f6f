from __future__ import annotations

from fractions import Fraction
from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.app.archive import Archive, decode, encode
from exporters.app.dbfile import CorruptError, Key, Series, keys, used_bytes
from exporters.app.totals import Totals, add, value_of

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(st.lists(FINITE, max_size=30))
def test_a_sum_is_exact(values: list[float]) -> None:
    parts: list[float] = []
    for value in values:
        add(parts, value)
    assert sum(map(Fraction, parts)) == sum(map(Fraction, values))
    assert value_of("", parts or [0.0]) == float(sum(map(Fraction, values)))


@given(st.lists(FINITE.map(abs), max_size=20), FINITE.map(abs))
def test_a_sum_never_decreases_when_a_value_is_added(values: list[float], more: float) -> None:
    parts = [0.0]
    for value in values:
        add(parts, value)
    before = value_of("", parts)
    add(parts, more)
    assert value_of("", parts) >= before


@given(st.lists(st.floats(), max_size=20))
def test_anything_can_be_added(values: list[float]) -> None:
    parts = [0.0]
    for value in values:
        add(parts, value)
    if any(isnan(value) for value in values) or (inf in values and -inf in values):
        assert isnan(value_of("", parts))
    elif inf in values:
        assert value_of("", parts) == inf


SERIES = st.builds(
    Series,
    st.just("requests"),
    st.just("requests_total"),
    st.lists(st.tuples(st.just("status"), st.text()), max_size=1).map(tuple),
)


@given(
    st.lists(st.tuples(SERIES, FINITE), min_size=1, max_size=10),
    st.frozensets(st.text(), max_size=3),
)
def test_an_archive_is_read_back_exactly(
    entries: list[tuple[Series, float]], contains: frozenset[str]
) -> None:
    totals = Totals()
    totals.add("counter", "", [(Key(series, "Help."), value, 0.0) for series, value in entries])
    archive = Archive(7, contains, totals)
    assert decode(encode(archive)) == archive


@given(st.binary())
def test_any_bytes_are_a_file_or_corrupt(data: bytes) -> None:
    try:
        used = used_bytes(data)
        for key, place in keys(data[:used]):
            assert isinstance(key.series.metric, str)
            assert place + 16 <= used
    except CorruptError:
        pass


@given(st.binary())
def test_any_other_bytes_are_a_corrupt_archive(data: bytes) -> None:
    with pytest.raises(CorruptError, match="checksum"):
        decode(data)
