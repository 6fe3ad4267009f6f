"""Rules for the bounds that alerts fire at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from generator.thresholds.document import Document
from generator.thresholds.levels import EDGE_BEFORE, Levels
from generator.thresholds.model import AlertForm, Thresholds
from generator.thresholds.problems import Problem, nearest, quoted
from generator.thresholds.settings import SEVERITIES, Rows
from generator.thresholds.units import Unit, format_value

_BUCKETS: Final = "service.latency_buckets"
_LEVELS: Final = tuple(EDGE_BEFORE)
# Shares of one core: a worker can use more than one.
_UNLIMITED_SHARES: Final = "cpu."


@dataclass(frozen=True)
class _Aim:
    """A `fires_at`, below `severity`, that names a row and level which its alert may fire at."""

    severity: str
    rows: Rows
    row: str
    level: str
    levels: type[Levels]

    @property
    def path(self) -> str:
        return f"{self.severity}.fires_at"

    @property
    def edge(self) -> str:
        """Path of the number where the level begins."""
        return f"targets.{self.row}.{EDGE_BEFORE[self.level]}"

    def is_lower(self, bound: float, other: _Aim, limit: float) -> bool:
        """Whether this one, at `bound`, is reached before the other, at `limit`."""
        if self.row == other.row:
            # Levels of one row have a check of their own.
            return _LEVELS.index(self.level) < _LEVELS.index(other.level)
        return bound < limit if self.levels.worse == "above" else bound > limit


def problems(document: Document, model: type[Thresholds]) -> Iterator[Problem]:
    """What is wrong with the levels that the alerts fire at."""
    first: dict[str, _Aim] = {}  # by the path of its number
    for key, form in model.forms.items():
        own: list[_Aim] = []
        for severity in SEVERITIES if form.rows else ():
            path = f"alerts.{key}.{severity}"
            name = document.text(f"{path}.fires_at")
            if name is not None and name not in form.aims:
                yield _unknown(document, path, name, form)
            elif name is not None and form.rows:
                row, _, level = name.rpartition(".")
                own.append(_Aim(path, form.rows, row, level, model.row_forms[row]))
                first.setdefault(own[-1].edge, own[-1])
                yield from _row_reaches_its_level(document, own[-1])
        yield from _severities_are_in_order(document, own)
    for aim in first.values():
        value = document.number(aim.edge)
        if value is not None:
            yield from _bound_can_be_exceeded(document, aim, value)


def _unknown(document: Document, severity: str, name: str, form: AlertForm) -> Problem:
    """`fires_at` of the severity at that path is none of the alert's."""
    row, _, level = name.rpartition(".")
    path = f"{severity}.fires_at"
    if level in EDGE_BEFORE and f"{row}.poor" in form.aims:
        return document.problem(path, _unreached(row, level))
    near = nearest(name, form.aims)
    hint = f"did you mean {quoted(near)}?" if near else f"one of {', '.join(form.aims)}"
    alert = severity.rpartition(".")[0]
    return document.problem(path, f"a row and level that {alert} knows: {hint}")


def _row_reaches_its_level(document: Document, aim: _Aim) -> Iterator[Problem]:
    """The row has the number where the level begins."""
    optional = not aim.levels.model_fields[EDGE_BEFORE[aim.level]].is_required()
    if optional and document.is_complete(f"targets.{aim.row}") and not document.has(aim.edge):
        yield document.problem(aim.path, _unreached(aim.row, aim.level))


def _unreached(row: str, level: str) -> str:
    edge = EDGE_BEFORE[level]
    return f"another level: targets.{row} has no `{edge}` number, so nothing in it is {level}"


def _severities_are_in_order(document: Document, aims: list[_Aim]) -> Iterator[Problem]:
    """A lower severity fires at a lower bound."""
    # SEVERITIES begins with the worst, and so does each pair.
    for worse, lower in combinations(aims, 2):
        limit, value = document.number(worse.edge), document.number(lower.edge)
        if limit is None or value is None or lower.is_lower(value, worse, limit):
            continue
        unit = lower.levels.unit
        shown = f"{quoted(f'{lower.row}.{lower.level}')} ({format_value(value, unit)})"
        spelled = f"{worse.severity.rpartition('.')[2]} ({format_value(limit, unit)})"
        expected = f"a bound that is reached before that of {spelled}"
        yield document.problem(lower.path, expected, shown)


def _bound_can_be_exceeded(document: Document, aim: _Aim, value: float) -> Iterator[Problem]:
    """No quantile reads more than the highest finite bucket, and no share is more than all."""
    buckets = document.whole_list(_BUCKETS)
    reason = f"{aim.severity} fires above it, and no"
    if aim.rows.histogram and buckets and value >= buckets[-1]:
        top = f"the highest of {_BUCKETS} ({format_value(buckets[-1], Unit.DURATION)})"
        yield document.problem(aim.edge, f"a duration below {top}: {reason} quantile reads more")
    if value == 1 and aim.levels.unit is Unit.RATIO and not aim.row.startswith(_UNLIMITED_SHARES):
        yield document.problem(aim.edge, f"a percentage below 100%: {reason} share is more")
