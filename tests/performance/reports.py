"""A verdict as text, Markdown, JSON and JUnit XML."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml  # writes only

from generator.files import write
from generator.markdown import table
from generator.thresholds.units import format_value
from tests.performance.grading import Grade, Level, Verdict

HEAD = ("metric", "measured", "target", "acceptable", "poor", "verdict")


def as_text(verdict: Verdict) -> str:
    """The grades as a table, then the summary."""
    return f"{_table(verdict)}\n{verdict.summary}\n"


def save(folder: Path, name: str, started: datetime, verdict: Verdict) -> list[Path]:
    """Write the verdict for people, for CI and for programs."""
    title = f"{name}, {started:%Y-%m-%d %H:%M}"
    summary = verdict.summary[0].upper() + verdict.summary[1:]
    files = {
        "summary.md": f"### {title}\n\n**{summary}.**\n\n{_table(verdict)}\n",
        "junit.xml": junit(name, started, verdict),
        "verdict.json": json.dumps(document(name, started, verdict), indent=2) + "\n",
    }
    write(folder, files)
    return [folder / each for each in files]


def document(name: str, started: datetime, verdict: Verdict) -> dict[str, Any]:
    """Values in SI base units; null if the run was too short."""
    return {
        "run": name,
        "started": started.isoformat(timespec="seconds"),
        "verdict": verdict.label,
        "exit_code": verdict.exit_code,
        "counted": verdict.basis,
        "said": verdict.summary,
        "regressions": list(verdict.regressions),
        "grades": [
            {
                "metric": each.row,
                "of": each.subject,
                "measured": each.value,
                "interval": each.interval,
                "unit": each.levels.unit.value,
                **dict(each.levels.edges()),
                "verdict": _level(each),
            }
            for each in verdict.grades
        ],
    }


def junit(name: str, started: datetime, verdict: Verdict) -> str:
    """A suite with a test case for each grade and each regression.

    Poor and critical grades fail, grades without a value are skipped, and an inconclusive run has
    one more case, which is an error.
    """
    suite = Xml.Element(
        "testsuite",
        name=name,
        timestamp=started.isoformat(timespec="seconds"),
        tests=str(len(verdict.grades) + len(verdict.regressions) + bool(verdict.inconclusive)),
        failures=str(
            sum((each.level or 0) > Level.ACCEPTABLE for each in verdict.grades)
            + len(verdict.regressions)
        ),
        errors=str(int(bool(verdict.inconclusive))),
        skipped=str(sum(each.level is None for each in verdict.grades)),
    )

    def case(title: str, kind: str = "", message: str = "") -> None:
        element = Xml.SubElement(suite, "testcase", classname=name, name=title)
        if kind:
            Xml.SubElement(element, kind, message=message)

    for each in verdict.grades:
        if each.level is None:
            case(each.name, "skipped", each.measured)
        elif each.level > Level.ACCEPTABLE:
            bounds = ", ".join(
                f"{edge} {format_value(value, each.levels.unit)}"
                for edge, value in each.levels.edges()
            )
            case(each.name, "failure", f"{_level(each)}: {each.measured} ({bounds})")
        else:
            case(each.name)
    for text in verdict.regressions:
        case(text, "failure", "slower than the baseline")
    if verdict.inconclusive:
        case("the run is conclusive", "error", verdict.inconclusive)
    Xml.indent(suite)
    return Xml.tostring(suite, "unicode", xml_declaration=True) + "\n"


def _level(grade: Grade) -> str:
    return "" if grade.level is None else grade.level.name.lower()


def _table(verdict: Verdict) -> str:
    return table(HEAD, map(_cells, verdict.grades))


def _cells(grade: Grade) -> tuple[str, ...]:
    edges = dict(grade.levels.edges())
    bounds = [
        format_value(edges[name], grade.levels.unit) if name in edges else ""
        for name in ("target", "acceptable", "poor")
    ]
    return (grade.name, grade.measured, *bounds, _level(grade))
