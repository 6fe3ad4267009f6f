"""The text formats that Prometheus reads: 0.0.4 and OpenMetrics 1.0.

prometheus_client's writer takes some 50 microseconds a worker, 96 for OpenMetrics, most of a
scrape's time (measured on Linux 6.18, Python 3.11); hence this one. Tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
    name, labels = metric.sample, metric.labels
    return Block(metric, [(name, _label_set(labels, each), value) for each, value in values])


def single(metric: Metric, value: float) -> Block:
    """One sample of a metric without labels."""
    return block(metric, [((), value)])


@lru_cache(maxsize=8192)
def _label_set(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return label_set(dict(zip(names, values, strict=True)))


def from_client(family: Family, metric: ClientMetric) -> Block:
    """A metric of prometheus_client without its creation times."""
    return Block(
        family,
        [
            (sample.name, label_set(sample.labels), sample.value)
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ],
    )


def label_set(labels: Mapping[str, str]) -> str:
    """`{a="1",b="2"}` with values escaped; "" without labels."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
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
