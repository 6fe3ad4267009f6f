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


def text_of(verdict: Verdict) -> str:
    """The table, in Markdown, and what it comes to."""
    return f"{table(HEAD, map(_cells, verdict.grades))}\n{verdict.said}\n"


def save(folder: Path, name: str, started: datetime, verdict: Verdict) -> list[Path]:
    """Write the verdict of a run into its folder: for people, for CI, for programs."""
    files = {
        "summary.md": f"### {name}, {started:%Y-%m-%d %H:%M}\n\n{_summary(verdict)}",
        "junit.xml": junit(name, started, verdict),
        "verdict.json": json.dumps(document(name, started, verdict), indent=2) + "\n",
    }
    write(folder, files)
    return [folder / each for each in files]


def _summary(verdict: Verdict) -> str:
    """As a comment of a pull request: what it comes to stands first."""
    said = verdict.said
    return f"**{said[0].upper()}{said[1:]}.**\n\n{table(HEAD, map(_cells, verdict.grades))}\n"


def document(name: str, started: datetime, verdict: Verdict) -> dict[str, Any]:
    """Values in SI base units; null for what the run is too short to tell."""
    return {
        "run": name,
        "started": started.isoformat(timespec="seconds"),
        "verdict": verdict.word,
        "exit_code": verdict.exit_code,
        "counted": verdict.counted,
        "said": verdict.said,
        "regressions": list(verdict.regressions),
        "grades": [
            {
                "metric": each.row,
                "of": each.of,
                "measured": each.value,
                "interval": each.interval,
                "unit": each.levels.unit.value,
                **dict(each.levels.edges()),
                "verdict": _word(each),
            }
            for each in verdict.grades
        ],
    }


def junit(name: str, started: datetime, verdict: Verdict) -> str:
    """A suite with a case for each grade and each regression.

    Poor and critical fail; what is too short to tell is skipped; a run that proves nothing has a
    case more, which is an error.
    """
    suite = Xml.Element(
        "testsuite",
        name=name,
        timestamp=started.isoformat(timespec="seconds"),
        tests=str(len(verdict.grades) + len(verdict.regressions) + bool(verdict.empty)),
        failures=str(
            sum((each.level or 0) > Level.ACCEPTABLE for each in verdict.grades)
            + len(verdict.regressions)
        ),
        errors=str(int(bool(verdict.empty))),
        skipped=str(sum(each.level is None for each in verdict.grades)),
    )
    for each in verdict.grades:
        case = Xml.SubElement(suite, "testcase", classname=name, name=each.name)
        if each.level is None:
            Xml.SubElement(case, "skipped", message=each.measured)
        elif each.level > Level.ACCEPTABLE:
            bounds = ", ".join(
                f"{edge} {format_value(value, each.levels.unit)}"
                for edge, value in each.levels.edges()
            )
            Xml.SubElement(case, "failure", message=f"{_word(each)}: {each.measured} ({bounds})")
    for text in verdict.regressions:
        case = Xml.SubElement(suite, "testcase", classname=name, name=text)
        Xml.SubElement(case, "failure", message="slower than before")
    if verdict.empty:
        case = Xml.SubElement(suite, "testcase", classname=name, name="the run proves something")
        Xml.SubElement(case, "error", message=verdict.empty)
    Xml.indent(suite)
    return Xml.tostring(suite, "unicode", xml_declaration=True) + "\n"


def _word(grade: Grade) -> str:
    return "" if grade.level is None else grade.level.name.lower()


def _cells(grade: Grade) -> tuple[str, ...]:
    edges = dict(grade.levels.edges())
    bounds = [
        format_value(edges[name], grade.levels.unit) if name in edges else ""
        for name in ("target", "acceptable", "poor")
    ]
    return (grade.name, grade.measured, *bounds, _word(grade))
