from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric as ClientMetric
from prometheus_client.openmetrics import exposition as openmetrics_writer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporters.contract import Family, Metric
from exporters.exposition import block, from_client, number, render, single

GAUGE = Metric("a_gauge", "gauge", 'Says "a\\b"\nand c.', ("name",))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


def parsed(text: bytes, openmetrics: bool) -> list[ClientMetric]:
    parse = parse_openmetrics if openmetrics else parse_text
    return list(parse(text.decode()))


@pytest.mark.parametrize("openmetrics", [False, True])
@given(value=st.floats(), label=TEXTS)
def test_a_page_parses_back_to_its_samples(openmetrics: bool, value: float, label: str) -> None:
    page = render([block(GAUGE, [((label,), value)])], openmetrics)
    (family,) = parsed(page, openmetrics)
    (sample,) = family.samples
    assert (family.name, family.type, family.documentation) == ("a_gauge", "gauge", GAUGE.help)
    assert sample.labels == {"name": label}
    assert sample.value == value or (math.isnan(value) and math.isnan(sample.value))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_page_equals_that_of_the_client_library(openmetrics: bool) -> None:
    registry = CollectorRegistry()
    Gauge("a_gauge", GAUGE.help, ["name"], registry=registry).labels('x"\\\n').set(1.5)
    Counter("a_counter", "Help.", registry=registry).inc(3)
    Histogram("a_histogram", "Help.", buckets=(0.5, 1), registry=registry).observe(0.7)
    families = {
        "a_gauge": GAUGE,
        "a_counter": Metric("a_counter", "counter", "Help."),
        "a_histogram": Family("a_histogram", "histogram", "Help."),
    }
    blocks = [from_client(families[metric.name], metric) for metric in registry.collect()]
    write = openmetrics_writer.generate_latest if openmetrics else generate_latest
    theirs = [line for line in write(registry).splitlines() if b"_created" not in line]
    assert render(blocks, openmetrics).splitlines() == theirs


def test_a_family_without_samples_is_left_out() -> None:
    page = render([block(GAUGE, []), single(Metric("b", "counter", "Help."), 2)], openmetrics=False)
    assert page == b"# HELP b_total Help.\n# TYPE b_total counter\nb_total 2\n"
    assert render([], openmetrics=False) == b""
    assert render([], openmetrics=True) == b"# EOF\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (2**63, "9223372036854775808"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_a_wrong_number_of_label_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument"):
        block(GAUGE, [((), 1)])
    with pytest.raises(ValueError, match="argument"):
        block(GAUGE, [(("a", "b"), 1)])
