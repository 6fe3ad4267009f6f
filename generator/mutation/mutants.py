"""Mutants of a rule: the same with one thing changed that a test should notice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from generator.mutation.changes import Labels, changes
from generator.mutation.parse import PromqlError, parse
from generator.thresholds.units import format_duration

Body = Mapping[str, Any]

# The case that would notice a change of each kind.
HINTS: Final = {
    "comparison": "a case on either side of the comparison",
    "boundary": "a case with just the bound itself",
    "number": "a case just short of the number, one just beyond",
    "alternative": "a case in which only the dropped side has a value",
    "guard": "a case that the guard keeps silent, one that it lets pass",
    "sides": "a case that expects the value itself",
    "aggregation": "a case in which several series differ and are aggregated",
    "grouping": "a case with series that differ in {} alone",
    "matcher": "a case with a series of another {} beside the wanted one",
    "function": "a case that expects the value itself",
    "scale": "a case that expects the value itself",
    "window": "a case in which the quantity changes within the window, and one of its length ago",
    "offset": "a case in which the past differs from now",
    "quantile": "a case whose distribution tells the quantiles apart",
    "for": "a case just before the end of `for`, and one just after",
    "keep_firing_for": "a case just before the end of `keep_firing_for`, and one just after",
    "label": "a case in which it fires and the label {} is expected",
    "annotation": "a case in which it fires and the annotation {} is expected",
}
_ADDED: Final = "5m"
_MILLISECONDS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}


@dataclass(frozen=True)
class Mutant:
    """A changed rule; `kind` and `what` as of a change of an expression."""

    body: Body
    kind: str
    what: str
    about: str = ""

    @property
    def hint(self) -> str:
        """The case that would notice."""
        return HINTS[self.kind].format(self.about)


def mutants(body: Body, labels: Labels) -> Iterator[Mutant]:
    """Every mutant of a rule, each once; of its expression none if that is not understood."""
    yield from _of_expression(body, labels)
    if "alert" in body:
        yield from _of_waits(body)
    yield from _of_texts(body)


def normal(body: Body) -> Body:
    """The rule with its expression written as the mutants' are; as it is if not understood."""
    try:
        return {**body, "expr": str(parse(body["expr"]))}
    except PromqlError:
        return body


def _of_expression(body: Body, labels: Labels) -> Iterator[Mutant]:
    try:
        tree = parse(body["expr"])
    except PromqlError:
        return
    seen = {str(tree)}
    for change in changes(tree, labels):
        text = str(change.node)
        if text not in seen and _is_promql(text):
            seen.add(text)
            yield Mutant({**body, "expr": text}, change.kind, change.what, change.about)


def _is_promql(text: str) -> bool:
    try:
        parse(text)
    except PromqlError:
        return False
    return True


def _of_waits(body: Body) -> Iterator[Mutant]:
    for key in ("for", "keep_firing_for"):
        length = milliseconds(str(body.get(key, "0s")))
        if not length:
            yield Mutant({**body, key: _ADDED}, key, f"{key} of {_ADDED} added")
            continue
        without = {name: value for name, value in body.items() if name != key}
        yield Mutant(without, key, f"{key} dropped")
        for factor, word in ((0.5, "halved"), (2, "doubled")):
            changed = format_duration(max(1, round(length * factor)) / 1000)
            yield Mutant({**body, key: changed}, key, f"{key} {word}")


def _of_texts(body: Body) -> Iterator[Mutant]:
    for kind in ("label", "annotation"):
        texts: Mapping[str, str] = body.get(f"{kind}s") or {}
        for name, value in texts.items():
            others = {key: each for key, each in texts.items() if key != name}
            damaged = {**texts, name: f"{value} damaged"}
            yield Mutant({**body, f"{kind}s": damaged}, kind, f"{kind} {name} damaged", name)
            yield Mutant({**body, f"{kind}s": others}, kind, f"{kind} {name} dropped", name)


def milliseconds(text: str) -> int:
    """Of a duration as Prometheus spells it; raises ValueError."""
    if text == "0":
        return 0
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f"{text!r} is no duration such as 5m or 1h30m")
    return sum(int(count) * _MILLISECONDS[unit] for count, unit in parts)
