from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.thresholds.units import Unit, format_duration, format_value, parse


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("0s", Unit.DURATION, 0.0),
        ("500ms", Unit.DURATION, 0.5),
        ("2.5s", Unit.DURATION, 2.5),
        ("1h30m", Unit.DURATION, 5400.0),
        ("1w2d3h4m5s6ms", Unit.DURATION, 788645.006),
        ("90m", Unit.DURATION, 5400.0),
        ("365d", Unit.DURATION, 31536000.0),
        ("0B", Unit.BYTES, 0.0),
        ("1.5GiB", Unit.BYTES, 1610612736.0),
        ("1023KiB", Unit.BYTES, 1047552.0),
        ("1TiB", Unit.BYTES, 2.0**40),
        ("1KiB/s", Unit.GROWTH, 1024.0),
        ("5MiB/min", Unit.GROWTH, 5 * 2**20 / 60),
        ("10MiB/h", Unit.GROWTH, 10485760 / 3600),
        ("1GiB/d", Unit.GROWTH, 2**30 / 86400),
        ("0.1%", Unit.RATIO, 0.001),
        ("99.95%", Unit.RATIO, 0.9995),
        ("100%", Unit.RATIO, 1.0),
        ("10/s", Unit.RATE, 10.0),
        ("3/min", Unit.RATE, 0.05),
        ("1/h", Unit.RATE, 1 / 3600),
        ("20", Unit.COUNT, 20),
        ("0.6", Unit.SCORE, 0.6),
        ("1", Unit.SCORE, 1.0),
    ],
)
def test_parse(text: str, unit: Unit, value: float) -> None:
    assert parse(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (text, unit)
        for unit, texts in {
            Unit.DURATION: "|5|s|5 m|5M|5mn|1m1h|1h1h|1.5h30m|5m |\u0661s|1e3s|+5m|05m|5.m|.5m|1y",
            Unit.BYTES: "|5|MiB|5MB|5mib|5Mi|5 MiB|1e3B|5PiB|\u0661B|05B",
            Unit.GROWTH: "|5MiB|5MiB/|5MiB/m|5MiB/hour|5/h|5MB/h|5MiB/h/h",
            Unit.RATIO: "|5|0.05|5 %|%|5%%|100.1%|1e1%|.5%|-0%",
            Unit.RATE: "|5|5/|/s|5/m|5/d|5 /s|5/sec|5rps",
            Unit.COUNT: "|5.0|5e0|0x5|05|+5|-1|1_000|\u0661|five|nan|inf",
            Unit.SCORE: "|1.1|50%|.5|5e-1|nan|-0.1|0.6.0",
        }.items()
        for text in texts.split("|")
    ],
)
def test_refused(text: str, unit: Unit) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse(text, unit)


@pytest.mark.parametrize("unit", Unit)
def test_long_texts_are_refused_in_no_time(unit: Unit) -> None:
    for text in ("9" * 100_000, "1h" * 50_000, "0." + "1" * 100_000 + "%"):
        with pytest.raises(ValueError, match="such as"):
            parse(text, unit)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, Unit.DURATION, "0s"),
        (0.005, Unit.DURATION, "5ms"),
        (2.5, Unit.DURATION, "2.5s"),
        (90, Unit.DURATION, "1m30s"),
        (5400, Unit.DURATION, "1h30m"),
        (604800, Unit.DURATION, "1w"),
        (30 * 86400, Unit.DURATION, "30d"),
        (61.5, Unit.DURATION, "1m1s500ms"),
        (0, Unit.BYTES, "0B"),
        (1000, Unit.BYTES, "1000B"),
        (512 * 2**20, Unit.BYTES, "512MiB"),
        (1.5 * 2**30, Unit.BYTES, "1.5GiB"),
        (2147483648, Unit.BYTES, "2GiB"),
        (10 * 2**20 / 3600, Unit.GROWTH, "10MiB/h"),
        (10 * 2**20 / 60, Unit.GROWTH, "10MiB/min"),
        (2.0**20, Unit.GROWTH, "1MiB/s"),
        (0.001, Unit.RATIO, "0.1%"),
        (0.995, Unit.RATIO, "99.5%"),
        (1, Unit.RATIO, "100%"),
        (10, Unit.RATE, "10/s"),
        (2.5, Unit.RATE, "2.5/s"),
        (0.05, Unit.RATE, "3/min"),
        (20, Unit.COUNT, "20"),
        (0.6, Unit.SCORE, "0.6"),
        (1.0, Unit.SCORE, "1"),
    ],
)
def test_format(value: float, unit: Unit, text: str) -> None:
    assert format_value(value, unit) == text
    assert parse(text, unit) == value


@pytest.mark.parametrize("seconds", [2.5, 0.25, 61.5])
def test_promql_knows_no_fractions(seconds: float) -> None:
    text = format_duration(seconds)
    assert "." not in text
    assert parse(text, Unit.DURATION) == seconds


@pytest.mark.parametrize("seconds", [0.0001, -1.0, 1 / 3])
def test_what_prometheus_cannot_say(seconds: float) -> None:
    with pytest.raises(ValueError, match="no whole number of milliseconds"):
        format_duration(seconds)


def decimals(most: int) -> st.SearchStrategy[str]:
    """Numbers up to `most` with up to nine decimals."""
    whole = st.integers(0, most).map(str)
    fraction = st.integers(0, 999_999_999).map(
        lambda digits: f".{digits:09}".rstrip("0").rstrip(".")
    )
    return st.builds("".join, st.tuples(whole, fraction))


@given(st.integers(0, 365 * 86_400_000))
def test_durations_come_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse(format_value(seconds, Unit.DURATION), Unit.DURATION) == seconds
    assert parse(format_duration(seconds), Unit.DURATION) == seconds


@given(st.integers(0, 2**50))
def test_sizes_come_back(size: int) -> None:
    assert parse(format_value(size, Unit.BYTES), Unit.BYTES) == size


@given(
    decimals(99_999),
    st.sampled_from(["B", "KiB", "MiB", "GiB"]),
    st.sampled_from(["s", "min", "h", "d"]),
)
def test_growths_come_back(number: str, size: str, period: str) -> None:
    value = parse(f"{number}{size}/{period}", Unit.GROWTH)
    assert parse(format_value(value, Unit.GROWTH), Unit.GROWTH) == value


@given(decimals(99))
def test_shares_come_back(number: str) -> None:
    value = parse(f"{number}%", Unit.RATIO)
    assert value == float(Fraction(number) / 100)
    assert parse(format_value(value, Unit.RATIO), Unit.RATIO) == value


@given(decimals(999_999), st.sampled_from(["s", "min", "h"]))
def test_rates_come_back(number: str, period: str) -> None:
    value = parse(f"{number}/{period}", Unit.RATE)
    assert parse(format_value(value, Unit.RATE), Unit.RATE) == value


@given(st.integers(0, 10**9))
def test_counts_come_back(count: int) -> None:
    assert parse(format_value(count, Unit.COUNT), Unit.COUNT) == count


@given(decimals(0))
def test_scores_come_back(number: str) -> None:
    value = parse(number, Unit.SCORE)
    assert parse(format_value(value, Unit.SCORE), Unit.SCORE) == value
