"""The alerts' runbooks as Markdown, a page each, and their index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from generator.alerts.model import Alert, Cause
from generator.markdown import bullets, fence, page, section, steps, table
from generator.promql import plain
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration, format_value
from generator.values import Value, values

FOLDER: Final = "docs/runbooks"
_SIDES: Final = {">": "above", "<": "below", "==": "at"}
_ALERT: Final = re.compile(r"\bAuditor[A-Z][A-Za-z]+\b")


def render(thresholds: Thresholds, alerts: Sequence[Alert]) -> dict[str, str]:
    """`docs/runbooks/NAME.md` for every alert and the index, by path."""
    known = values(thresholds)
    pages = {f"{FOLDER}/{alert.name}.md": _page(thresholds, alert, known) for alert in alerts}
    return {**pages, f"{FOLDER}/README.md": _index(alerts)}


def _page(thresholds: Thresholds, alert: Alert, known: Sequence[Value]) -> str:
    context = alert.runbook
    causes = (_cause(each, number, alert) for number, each in enumerate(context.causes, start=1))
    return page(
        alert.name,
        _linked(context.summary, alert),
        _severities(alert),
        section("First steps", steps(_linked(step, alert) for step in context.first)),
        section("Meaning", _linked(context.meaning, alert)),
        section("Impact", _linked(context.impact, alert)),
        section("How to see it", *_sight(thresholds, alert)),
        section("Likely causes and remedies", *causes),
        section("Escalate", _linked(context.escalate, alert)),
        section("Numbers", _numbers(alert, known)),
        section("Tests", *_tests(alert)),
        (
            "[All runbooks](README.md), with the commands for Kubernetes and systemd and how to "
            "apply settings."
        ),
    )


def _linked(text: str, alert: Alert) -> str:
    """`text` with a link at the name of every other alert."""

    def link(found: re.Match[str]) -> str:
        return found[0] if found[0] == alert.name else f"[{found[0]}]({found[0]}.md)"

    return _ALERT.sub(link, text)


def _severities(alert: Alert) -> str:
    quantity = alert.panel.title
    rows: list[tuple[str, ...]] = []
    for trigger in alert.triggers:
        bound = format_value(alert.bound(trigger), alert.unit)
        when = "always" if alert.scope == "bundle" else f"{quantity} {_SIDES[alert.op]} {bound}"
        level = f" ({trigger.bound.row} is {trigger.bound.level})" if trigger.bound else ""
        rows.append(
            (trigger.severity, when + level, _time(trigger.for_), _time(alert.keep_firing_for))
        )
    return table(("severity", "fires when", "for", "stays"), rows)


def _time(seconds: float) -> str:
    return format_duration(seconds) if seconds else "-"


def _sight(thresholds: Thresholds, alert: Alert) -> list[str]:
    """Panel, expressions and further queries."""
    panel = alert.panel
    path = f"/d/auditor-{panel.dashboard}?viewPanel={panel.id}"
    url = f"{thresholds.service.links.grafana}{path}"
    blocks = [
        (
            f"Dashboard **Auditor / {panel.dashboard.capitalize()}**, section {panel.section}, "
            f"panel **{panel.title}**: [`{path}`]({url})"
        )
    ]
    for trigger in alert.triggers:
        blocks += [f"Condition ({trigger.severity}):", fence("promql", [alert.expr(trigger)])]
    families = sorted({alert.family, *(each.family for each in alert.recordings)})
    links = ", ".join(f"[alerts/{family}.yml](../../alerts/{family}.yml)" for family in families)
    blocks += [f"The rule and what it records beforehand: {links}", "Look at next:"]
    for query in alert.runbook.queries:
        blocks += [f"{query.label}:", fence("promql", [plain(query.expr)])]
    return blocks


def _cause(cause: Cause, number: int, alert: Alert) -> str:
    blocks = [_linked(cause.remedy, alert)]
    if cause.settings:
        blocks += ["[Settings](README.md#settings):", fence("sh", cause.settings)]
    if cause.commands:
        blocks.append(fence("sh", cause.commands))
    return section(f"{number}. {cause.title}", *blocks, depth=3)


def _numbers(alert: Alert, known: Sequence[Value]) -> str:
    """Every value that the alert derives from; a reason stands at the first value it belongs to."""
    rows: list[tuple[str, str, str]] = []
    reasons: set[str] = set()
    for path in alert.paths():
        for value in known:
            if value.path == path or value.path.startswith(f"{path}."):
                why = "" if value.why in reasons else value.why
                reasons.add(value.why)
                rows.append((value.text, f"`{value.path}`", why))
    return "\n\n".join(
        (
            table(("value", "path", "why"), rows),
            (
                "Change them in [thresholds.yaml](../../thresholds.yaml), then run `make`; `python "
                f"-m generator explain {alert.name}` says in which line each stands."
            ),
        )
    )


def _tests(alert: Alert) -> tuple[str, ...]:
    path = f"promtool-tests/{alert.name}.yml"
    return (
        f"`promtool test rules {path}` runs [{path}](../../{path}):",
        bullets(dict.fromkeys(case.title for case in alert.cases)),
    )


_READING: Final = """\
Each page says first what to do, then why. Begin with its first steps; the causes stand in order
of likelihood.

- Queries ask for all instances: add `{instance="..."}`, and `{worker="..."}` where there is one,
  from the alert.
- `$pid` in a command is the label `pid` of `auditor_worker_info` for the worker that the alert
  names, as the processes are numbered where the sidecar runs. On the host of a container take it
  from `docker compose top auditor-api`.
- SIGTERM ends a worker after its request, and its supervisor starts another: `kill -TERM "$pid"`,
  in a container `docker compose exec -T auditor-api sh -c "kill -TERM $pid"`. With a single
  worker there is no supervisor: restart the service instead.
- `psql` and `pg_isready` are meant for the Auditor's database: set `PGHOST`, `PGUSER` and
  `PGDATABASE`, or run them in its container.
- `python tests/performance/...` and `./tests/performance/...` are the guide's tools, to be run
  against a test system.\
"""

_COMMANDS: Final = (
    (
        "read the log",
        "`docker compose logs --since 15m auditor-api`",
        "`kubectl logs deployment/auditor-api -c auditor-api --since=15m`",
        "`journalctl -u auditor-api --since=-15min`",
    ),
    (
        "see whether it runs",
        "`docker compose top auditor-api`",
        "`kubectl get pod -l app=auditor-api`",
        "`systemctl status auditor-api`",
    ),
    (
        "restart it",
        "`docker compose restart auditor-api`",
        "`kubectl rollout restart deployment/auditor-api`",
        "`systemctl restart auditor-api`",
    ),
    (
        "apply a setting",
        "edit `environment:`, then `docker compose up -d auditor-api`",
        "`kubectl set env deployment/auditor-api -c auditor-api DB_POOL_SIZE=20`",
        "`systemctl edit auditor-api`, then restart it",
    ),
    (
        "roll a release back",
        "the image's tag before, then `docker compose up -d auditor-api`",
        "`kubectl rollout undo deployment/auditor-api`",
        "the package before, then restart it",
    ),
)

_SETTINGS: Final = """\
Settings are variables of the Auditor's environment, with the values of its performance testing
guide. A restart alone does not apply them under Compose: `docker compose up -d auditor-api` does.
Change one at a time and look whether it helps.

A name that nobody reads is ignored without a word, so look whether it took effect. The app's
public source (federicodeponte/juragpt-unified at 2f7e1d6, folder services/verification) reads
`EMBEDDING_MODEL`, `ENABLE_RATE_LIMITING`, `RATE_LIMIT_PER_MINUTE` and `RATE_LIMIT_BURST`. There
the spaCy model, the processor as device and the pool are fixed in the code, and the number of
workers is what starts it: `uvicorn --workers`. The other names need a release, or a start script,
that reads them.\
"""

_EFFECTS: Final[Mapping[str, str]] = {
    "WORKER_COUNT": "`auditor_workers`",
    "WORKER_CLASS": "`docker compose top auditor-api`",
    "DB_POOL_SIZE": "`auditor_worker_db_connections` can rise above the old sum",
    "DB_MAX_OVERFLOW": "the same",
    "SPACY_MODEL": "resident memory after the first request",
    "EMBEDDING_MODEL": "the log line `Loading model: ...` at the first request",
    "EMBEDDING_BATCH_SIZE": "the benchmark's throughput",
    "CUDA_DEVICE": "`nvidia-smi` names the workers",
    "ENABLE_MODEL_CACHE": "the first request after a restart is faster",
    "MODEL_CACHE_DIR": "files in that folder",
    "REQUEST_TIMEOUT": "requests that last longer than before succeed",
    "KEEP_ALIVE": "idle connections end: `auditor_api_connections`",
    "ENABLE_RATE_LIMITING": "replies carry the header `X-RateLimit-Limit`",
    "RATE_LIMIT_PER_MINUTE": "the value of that header",
    "RATE_LIMIT_BURST": "the log line `Rate limiter initialized`",
    "PROMETHEUS_MULTIPROC_DIR": "files `*.db` in that folder",
}


def _index(alerts: Sequence[Alert]) -> str:
    families = dict.fromkeys(alert.family for alert in alerts)
    sections = (
        section(
            family.capitalize(),
            table(
                ("alert", "severities", "what is wrong"),
                [_entry(a) for a in alerts if a.family == family],
            ),
        )
        for family in families
    )
    return page(
        "Runbooks",
        (
            "One page for each alert; its link `runbook_url` leads here. The targets behind them "
            "are in [targets.md](../targets.md)."
        ),
        *sections,
        section("How to read a page", _READING),
        section(
            "Commands",
            (
                "The pages show the commands for Docker Compose, with the service `auditor-api`. "
                "Put your own names in."
            ),
            table(("to", "Docker Compose", "Kubernetes", "systemd"), _COMMANDS),
        ),
        section("Settings", _SETTINGS, _settings(alerts)),
    )


def _entry(alert: Alert) -> tuple[str, str, str]:
    severities = ", ".join(trigger.severity for trigger in alert.triggers)
    return f"[{alert.name}]({alert.name}.md)", severities, alert.runbook.summary


def _settings(alerts: Sequence[Alert]) -> str:
    """Every setting that a page names, with its values; KeyError for an unknown one."""
    found: dict[str, dict[str, None]] = {name: {} for name in _EFFECTS}
    for alert in alerts:
        for cause in alert.runbook.causes:
            for line in cause.settings:
                name, _, value = line.partition("  #")[0].partition("=")
                found[name][f"`{value}`"] = None
    rows = [
        (f"`{name}`", ", ".join(given), _EFFECTS[name]) for name, given in found.items() if given
    ]
    return table(("setting", "values on the pages", "how to see that it took effect"), rows)
