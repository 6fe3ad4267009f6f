"""Files that are wrong, or unusual, as a whole."""

import time

import pytest

from generator.config import load
from generator.thresholds import ConfigError, Thresholds
from generator.thresholds.fields import Count, Seconds
from generator.thresholds.settings import BoundAlert
from tests.unit.thresholds.cases import place
from tests.unit.thresholds.good import FILE, GOOD, edited, problems

KEYS = (
    "`version`, `service`, `targets`, `slo`, `dashboards`, `routing`, `deploy`, `alerts`, "
    "`accepted_notes`"
)
NO_CONTROL = "expected text without control characters"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: found an empty file, expected a mapping of keys to values"),
        ("# a comment\n", "1:1: found an empty file, expected a mapping of keys to values"),
        ("---\n...\n", "1:1: found an empty file, expected a mapping of keys to values"),
        ("[1, 2]", f"1:1: found a list, expected a mapping with the keys {KEYS}"),
        ("thresholds", f"1:1: found `thresholds`, expected a mapping with the keys {KEYS}"),
        ("*all", "1:1: alias `*all` is not allowed"),
        ("a: \0", f"1:4: found the character U+0000, {NO_CONTROL}"),
        ("a: b\nb: \x1b[31m", f"2:4: found the character U+001B, {NO_CONTROL}"),
        ("a: \ud800", f"1:4: found the character U+D800, {NO_CONTROL}"),
        ("a: \ufeff", f"1:4: found the character U+FEFF, {NO_CONTROL}"),
        (
            "[" * 100_000,
            f"1:34: {'[0]' * 33}: found more than 32 levels, expected a file of thresholds",
        ),
        (
            "- " * 100_000,
            f"1:67: {'[0]' * 33}: found more than 32 levels, expected a file of thresholds",
        ),
        (
            "x: [" + "1," * 10_000,
            "1:9999: x[4997]: found more than 5000 values, expected a file of thresholds",
        ),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_message(text: str, message: str) -> None:
    assert problems(text) == [f"{FILE}:{message}"]


def test_aliases_cannot_explode() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    started = time.process_time()
    assert f"{FILE}:9:12: i[1]: alias `*h` is not allowed" in problems(bomb)
    assert time.process_time() - started < 1


def test_an_alias_of_itself() -> None:
    assert problems("&a [*a]") == [
        f"{FILE}:1:1: anchor `&a` is not allowed",
        f"{FILE}:1:1: found a list, expected a mapping with the keys {KEYS}",
        f"{FILE}:1:5: [0]: alias `*a` is not allowed",
    ]


def test_many_unknown_keys_take_little_time() -> None:
    text = "".join(f"key_{number}: 1\n" for number in range(2400))
    started = time.process_time()
    assert len(problems(text)) == 2400 + 8
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeff" + GOOD, id="byte order mark"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(f"%YAML 1.1\n---\n{GOOD}...\n", id="document marks"),
        pytest.param(GOOD.replace(": 15s", ': "15s"'), id="quotes"),
        pytest.param(GOOD.replace(": 15s", ": 15s  # each"), id="comments"),
    ],
)
def test_other_ways_to_write_the_same(text: str) -> None:
    assert dict(load(text, FILE)) == dict(load(GOOD, FILE))


def test_columns_count_characters() -> None:
    text = edited("why: SQLAlchemy's defaults}", "why: Größe 5 € \U0001f600, pool: 1}")
    line, column = place(GOOD, "service.database_pool.size")
    column += len("size: 5, overflow: 10, why: Größe 5 € \U0001f600, ") - len("size: ")
    assert problems(text) == [
        (
            f"{FILE}:{line}:{column}: service.database_pool.pool: unknown key; "
            "expected one of `size`, `overflow`, `why`"
        )
    ]


def test_a_message_stays_on_its_line_and_short() -> None:
    (message,) = problems(edited("team: legal", f'"\\e[2J\\n{"x" * 900}": a'))
    line, column = place(GOOD, "service.labels.team")
    assert message == (
        f"{FILE}:{line}:{column + 905}: service.labels.\\x1b[2J\\n{'x' * 50}…: "
        f"found the label name `\\x1b[2J\\n{'x' * 50}…`, "
        "expected a label name of letters, digits and _ that begins with a letter"
    )


def test_problems_are_data() -> None:
    with pytest.raises(ConfigError) as caught:
        load(edited("range: 6h", "range: long"), "staging/thresholds.yaml")
    (problem,) = caught.value.problems
    assert (problem.position.file, problem.position.line) == (
        "staging/thresholds.yaml",
        place(GOOD, "dashboards.range")[0],
    )
    assert (problem.path, problem.found) == ("dashboards.range", "`long`")


def test_values_are_in_si_base_units() -> None:
    thresholds = load(GOOD, FILE)
    assert isinstance(thresholds, Thresholds)
    p95: Seconds = thresholds.targets.latency.p95.target
    assert p95 == 0.5
    assert thresholds.targets.memory.slow_growth.acceptable == 10 * 2**20 / 3600
    assert thresholds.targets.error_rate.normal.target == 0.001
    critical = thresholds.alert("high_latency", BoundAlert).critical
    assert critical is not None
    assert (critical.fires_at, critical.for_) == ("latency.p95.critical", 300)
    workers: Count = thresholds.service.expected_workers
    assert isinstance(workers, int)


def test_every_value_has_its_position() -> None:
    lines = GOOD.splitlines()
    positions = load(GOOD, FILE).positions
    shown = {path: lines[place.line - 1][place.column - 1 :] for path, place in positions.items()}
    assert shown["targets.latency.p95.target"].startswith("500ms, acceptable")
    assert shown["alerts.high_latency.critical"].startswith("{fires_at: latency.p95.critical")
    assert shown["alerts.high_latency.critical.for"].startswith("5m}")
    assert shown["service.latency_buckets"].startswith("[5ms")
    assert shown["service.latency_buckets[3]"].startswith("250ms,")
    assert shown["service.labels.team"] == "legal}"
    assert shown["slo"] == "period: 30d"
