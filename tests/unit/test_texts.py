import math

import pytest

from generator import texts

# Expected texts: the tests of Prometheus's package template, and its template reference.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (1234567.0, "1.235M"),
        (0.12, "120m"),
        (999.0, "999"),
        (-4200.0, "-4.2k"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_humanize(value: float, expected: str) -> None:
    assert texts.humanize(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (1048576.0, "1Mi"),
        (0.12, "0.12"),
        (2.5 * 2**30, "2.5Gi"),
        (1500.0, "1.465ki"),
        (-math.inf, "-Inf"),
    ],
)
def test_humanize1024(value: float, expected: str) -> None:
    assert texts.humanize1024(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0s"),
        (1.0, "1s"),
        (60.0, "1m 0s"),
        (3600.0, "1h 0m 0s"),
        (86400.0, "1d 0h 0m 0s"),
        (86400.0 + 3661.0, "1d 1h 1m 1s"),
        (-60.0, "-1m 0s"),
        (0.1, "100ms"),
        (0.0001, "100us"),
        (0.12345, "123.5ms"),
        (1.2345, "1.234s"),
        (899.99, "14m 59s"),
        (math.inf, "+Inf"),
    ],
)
def test_humanize_duration(value: float, expected: str) -> None:
    assert texts.humanize_duration(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.05005, "5.005%"), (1.0, "100%"), (0.001, "0.1%"), (0.0, "0%")]
)
def test_humanize_percentage(value: float, expected: str) -> None:
    assert texts.humanize_percentage(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, "3"),
        (2.5, "2.5"),
        (1e20, "100000000000000000000"),
        (0.00001, "1e-05"),
        (math.nan, "NaN"),
    ],
)
def test_a_bare_value_is_written_as_go_writes_it(value: float, expected: str) -> None:
    assert texts.go_float(value) == expected


def test_expand_knows_labels_values_and_given_passages() -> None:
    text = (
        "{{ $labels.instance }} at {{ $value | humanizePercentage }}, "
        "{{ $labels.instance | urlquery }}{{ end }}"
    )
    result = texts.expand(text, 0.5, {"instance": "a:1"}, {"{{ end }}": "!"})
    assert result == "a:1 at 50%, a%3A1!"


def test_a_label_that_is_not_there_is_empty_as_in_prometheus() -> None:
    assert texts.expand("<{{ $labels.worker }}>", 1, {}) == "<>"


@pytest.mark.parametrize(
    "action", ["{{ $value | humanise }}", "{{ .Labels }}", "{{ $labels.a | html }}"]
)
def test_an_unknown_action_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match="unknown template action"):
        texts.expand(action, 1, {})
