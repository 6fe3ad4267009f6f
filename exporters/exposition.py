"""The text formats that Prometheus reads: 0.0.4 and OpenMetrics 1.0.

prometheus_client's writer takes some 50 microseconds a worker, 96 for OpenMetrics, most of a
scrape's time (measured on Linux 6.18, Python 3.11); hence this one. Tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import isfinite, isnan
from typing import TYPE_CHECKING

from exporters.contract import Family, Metric

if TYPE_CHECKING:
    from prometheus_client import Metric as ClientMetric

Sample = tuple[str, str, float]
"""Name with its suffix, label set as text, value."""


@dataclass(frozen=True, slots=True)
class Block:
    """A family with its samples."""

    family: Family
    samples: Sequence[Sample] = field(default=())


def block(metric: Metric, values: Iterable[tuple[tuple[str, ...], float]]) -> Block:
    """Samples of a gauge or counter from label values, in the order of its labels, and values."""
    name, names = metric.sample, metric.labels
    return Block(
        metric,
        [(name, label_set(zip(names, each, strict=True)), value) for each, value in values],
    )


def single(metric: Metric, value: float) -> Block:
    """One sample of a metric without labels."""
    return block(metric, [((), value)])


def from_client(family: Family, metric: ClientMetric) -> Block:
    """A metric of prometheus_client without its creation times."""
    return Block(
        family,
        [
            (sample.name, label_set(sample.labels.items()), sample.value)
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ],
    )


def label_set(labels: Iterable[tuple[str, str]]) -> str:
    """`{a="1",b="2"}` with values escaped; "" without labels."""
    text = ",".join([f'{name}="{_escaped(value)}"' for name, value in labels])
    return f"{{{text}}}" if text else ""


def _escaped(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """A value as both formats spell it; whole numbers keep every digit."""
    if isfinite(value):
        return repr(value)
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"


def render(blocks: Iterable[Block], openmetrics: bool) -> bytes:
    """The whole page. Blocks are taken one by one; those without samples are left out."""
    page = BytesIO()
    for each in blocks:
        if each.samples:
            page.write(_text(each, openmetrics).encode())
    if openmetrics:
        page.write(b"# EOF\n")
    return page.getvalue()


def _text(part: Block, openmetrics: bool) -> str:
    lines = [
        *_header(part.family, openmetrics),
        *[f"{name}{labels} {number(value)}" for name, labels, value in part.samples],
        "",
    ]
    return "\n".join(lines)


def _header(family: Family, openmetrics: bool) -> tuple[str, str]:
    name = family.name if openmetrics else family.sample
    kind = "untyped" if family.kind == "unknown" and not openmetrics else family.kind
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
