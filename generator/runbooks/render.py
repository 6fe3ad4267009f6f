"""The runbooks and their index as Markdown, from the sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final

import jinja2
from jinja2.utils import missing

from generator.alerts import all_recordings
from generator.alerts.model import Alert
from generator.markdown import bullets, table
from generator.promql import plain
from generator.runbooks.names import METRICS, Bundle, Names, UnknownNameError, of_alert
from generator.runbooks.sources import HERE, PAGES, RunbookError, check, label, summary, template
from generator.templates import environment
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration, format_value, spoken
from generator.values import Value, reasons, values

FOLDER: Final = "docs/runbooks"
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_SIDES: Final = {">": "above", "<": "below"}


def render(thresholds: Thresholds, alerts: Sequence[Alert], folder: Path = PAGES) -> dict[str, str]:
    """`docs/runbooks/NAME.md` for every alert and the index, by path.

    Raises RunbookError, which names every problem of every source.
    """
    check([alert.key for alert in alerts], folder)
    recordings = all_recordings(thresholds, alerts).values()
    names = [each.name for group in recordings for each in group]
    bundle = Bundle(thresholds, alerts, values(thresholds), names)
    texts: dict[str, str] = {}
    problems: dict[str, None] = {}
    for alert in alerts:
        try:
            texts[f"{FOLDER}/{alert.name}.md"] = _page(bundle, alert, folder)
        except RunbookError as error:
            problems[str(error)] = None
    if problems:
        raise RunbookError("\n".join(problems))
    return {**texts, f"{FOLDER}/README.md": _index(thresholds, alerts, folder)}


def _page(bundle: Bundle, alert: Alert, folder: Path) -> str:
    numbers = list(_numbers(alert, bundle.values))
    parts = {
        "alert": alert,
        "summary": summary(alert.key, folder),
        "text": _rendered(folder, f"{alert.key}.md", of_alert(bundle, alert)),
        "conditions": list(_conditions(alert)),
        "expressions": [(each.severity, alert.expr(each)) for each in alert.triggers],
        "recordings": [(each.name, plain(each.expr)) for each in alert.recordings],
        "families": sorted({alert.family, *(each.family for each in alert.recordings)}),
        "numbers": [(value.text, f"`{value.path}`") for value in numbers],
        "reasons": bullets(reasons(numbers)),
        "cases": list(dict.fromkeys(case.title for case in alert.cases)),
    }
    return _rendered(folder, "layout.md", parts) + "\n"


def _conditions(alert: Alert) -> Iterator[tuple[str, str, str, str]]:
    """Of each severity: when it fires, for how long that must hold, how long it stays."""
    for trigger in alert.triggers:
        bound = format_value(alert.bound(trigger), alert.unit)
        when = f"{alert.panel.title} {_SIDES[alert.op]} {bound}"
        level = f" ({trigger.bound.row} is {trigger.bound.level})" if trigger.bound else ""
        yield trigger.severity, when + level, _time(trigger.for_), _time(alert.keep_firing_for)


def _time(seconds: float) -> str:
    return format_duration(seconds) if seconds else "-"


def _numbers(alert: Alert, known: Sequence[Value]) -> Iterator[Value]:
    """Every value that the alert derives from."""
    for path in alert.paths():
        for value in known:
            if value.path == path or value.path.startswith(f"{path}."):
                yield value


def _index(thresholds: Thresholds, alerts: Sequence[Alert], folder: Path) -> str:
    families = {
        family: [(each, summary(each.key, folder)) for each in alerts if each.family == family]
        for family in dict.fromkeys(alert.family for alert in alerts)
    }
    workers = thresholds.service.expected_workers
    return _rendered(folder, "index.md", {"families": families, "workers": workers}) + "\n"


def _rendered(folder: Path, name: str, own: Mapping[str, object]) -> str:
    """A template's text; raises RunbookError with file and line."""
    templates = _environment(folder)
    try:
        text = templates.get_template(name).render(own)
    except _UndefinedNameError as error:
        known = {*own, *templates.globals}
        raise _located(error, UnknownNameError("value", str(error), known)) from error
    except jinja2.TemplateNotFound as error:
        known = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
        raise _located(error, UnknownNameError("text", str(error.name), known)) from error
    except (jinja2.TemplateError, UnknownNameError, TypeError) as error:
        raise _located(error, error) from error
    return _BLANK_LINES.sub("\n\n", text).strip()


class _UndefinedNameError(Exception):
    """A template uses this name, which nobody gave it."""


class _Undefined(jinja2.StrictUndefined):
    """Fails where it is named, not only where it is printed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self._undefined_obj is missing and self._undefined_hint is None:
            raise _UndefinedNameError(self._undefined_name)
        raise self._undefined_exception(self._undefined_message)


def _located(error: BaseException, problem: BaseException) -> RunbookError:
    """The problem with the innermost line of a template that it comes from."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return RunbookError(f"{error.filename}:{error.lineno}: {error.message}")
    frames = ((frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__))
    *_, (file, line) = (each for each in frames if each[0].endswith(".md"))
    return RunbookError(f"{file}:{line}: {problem}")


@cache
def _environment(folder: Path) -> jinja2.Environment:
    """Templates of a folder of sources, and of the package's own."""

    def load(name: str) -> tuple[str, str, None] | None:
        for path in (folder / name, HERE / name):
            if path.is_file():
                return template(path), label(path), None
        return None

    found = environment(jinja2.FunctionLoader(load), _Undefined)
    found.filters["spoken"] = spoken
    found.globals = {"metric": METRICS, "table": table}
    for what, name in (("command", "shared/commands.md"), ("query", "shared/queries.md")):
        texts = vars(found.get_template(name).module)
        own = {key: text for key, text in texts.items() if not key.startswith("_")}
        found.globals[what] = Names(what, own)
    return found
