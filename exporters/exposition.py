"""The text that Prometheus reads: format 0.0.4 and OpenMetrics 1.0.

prometheus_client's writer takes some 50 microseconds a worker, 96 for OpenMetrics, most of a
scrape's time (measured on Linux 6.18, Python 3.11); hence this one. Tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import isfinite, isnan
from typing import TYPE_CHECKING

from exporters.contract import Family

if TYPE_CHECKING:
    from prometheus_client import Metric

Point = tuple[str, str, float]
"""A sample: suffix of the family's name ("" or "_bucket", ...), label set as text, value."""


@dataclass(frozen=True, slots=True)
class Block:
    """A family with its samples."""

    family: Family
    points: Sequence[Point] = field(default=())


def gauge(family: Family, value: float) -> Block:
    """One sample without labels."""
    return Block(family, (("", "", value),))


def counter(family: Family, value: float) -> Block:
    return Block(family, (("_total", "", value),))


def from_client(family: Family, metric: Metric) -> Block:
    """A metric of prometheus_client; its times of creation are left out."""
    return Block(
        family,
        [
            (sample.name.removeprefix(family.name), label_set(sample.labels), sample.value)
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ],
    )


def label_set(labels: Mapping[str, str]) -> str:
    """`{a="1",b="2"}` with the escapes of the formats; "" without labels."""
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
    """The whole page, block by block as they come; families without samples are left out."""
    page = BytesIO()
    for block in blocks:
        if block.points:
            page.write(_text(block, openmetrics).encode())
    if openmetrics:
        page.write(b"# EOF\n")
    return page.getvalue()


def _text(block: Block, openmetrics: bool) -> str:
    name = block.family.name
    lines = [
        *_head(block.family, openmetrics),
        *[f"{name}{suffix}{labels} {number(value)}" for suffix, labels, value in block.points],
        "",
    ]
    return "\n".join(lines)


def _head(family: Family, openmetrics: bool) -> tuple[str, str]:
    name = family.name if openmetrics else family.sample
    kind = "untyped" if family.kind == "unknown" and not openmetrics else family.kind
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
