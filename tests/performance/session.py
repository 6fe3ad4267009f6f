"""A run of Locust from its start to its verdict, alone or with a master and workers.

Latencies are kept exactly: Locust's own percentiles are rounded to two digits, too coarse for a
bound. The sidecar, or the processes themselves on this machine, are read all the while.
"""

from __future__ import annotations

import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from array import array
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from tests.performance import options, reports
from tests.performance.grading import Verdict, judge
from tests.performance.marks import Mark, mark
from tests.performance.recording import Recording, moments
from tests.performance.workers import grades, hush, source, unproven

# What a request is counted under: its name begins so, and ends so if the rate limit refused it.
VERIFICATION: Final = "/verify "
LIMITED: Final = " (429)"


@dataclass
class Measured:
    """Seconds of the verifications that succeeded, how many failed, how many were refused."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    failed: int = 0
    limited: int = 0


class Session:
    """What a process of Locust knows of the run; workers tell their master every few seconds."""

    def __init__(self, environment: Environment) -> None:
        """Raises ConfigError and UnreadableError for thresholds that cannot be used."""
        self.options = environment.parsed_options or Namespace()
        self.thresholds = options.thresholds(self.options)
        self.environment = environment
        self.measured = Measured()
        self.users = 0
        self.started = datetime.now(UTC)
        self.recording = Recording(None)
        self.mark = Mark("", "", None)
        self.judged = True
        self._ended = threading.Event()
        listen = environment.events
        listen.request.add_listener(self.note)
        if isinstance(environment.runner, WorkerRunner):
            listen.report_to_master.add_listener(self.report)
            return
        listen.worker_report.add_listener(self.collect)
        listen.test_start.add_listener(self.start)
        listen.test_stop.add_listener(self.stop)
        listen.quitting.add_listener(self.quit)

    @property
    def name(self) -> str:
        """The scenario's, or "load" for a run without one."""
        return str(getattr(self.options, "scenario", "load"))

    def note(self, name: str, response_time: float, exception: object, **_: object) -> None:
        if not name.startswith(VERIFICATION):
            return
        if name.endswith(LIMITED):
            self.measured.limited += 1
        elif exception:
            self.measured.failed += 1
        else:
            self.measured.seconds.append(response_time / 1000)

    def report(self, data: dict[str, Any], **_: object) -> None:
        """A worker's part since its last report."""
        mine, self.measured = self.measured, Measured()
        data["verifications"] = (mine.seconds.tolist(), mine.failed, mine.limited)

    def collect(self, data: dict[str, Any], **_: object) -> None:
        seconds, failed, limited = data["verifications"]
        self.measured.seconds.extend(seconds)
        self.measured.failed += failed
        self.measured.limited += limited

    def start(self, **_: object) -> None:
        chosen = self.options
        host = self.environment.host or ""
        self.measured, self.users, self.judged = Measured(), 0, False
        self.started = datetime.now(UTC)
        folder = Path(chosen.report) if chosen.report else None
        self.recording = Recording(source(host, chosen.sidecar), folder)
        self.mark = mark(
            self.thresholds.service.name, f"{self.name} against {host}", chosen.grafana
        )
        self.mark.begin()
        self._ended = threading.Event()
        sample = threading.Thread(target=self._sample, args=(self._ended,), daemon=True)
        sample.start()  # a greenlet, as Locust has it

    def _sample(self, ended: threading.Event) -> None:
        """The users each second, the workers once an interval."""
        times = moments(self.options.sample_interval)
        start = time.monotonic()
        due = start + next(times)
        while True:
            runner = self.environment.runner
            self.users = max(self.users, runner.user_count if runner else 0)
            if time.monotonic() >= due:
                due = start + next(times)
                self.recording.read()
            if ended.wait(max(0.01, min(1.0, due - time.monotonic()))):
                return

    def stop(self, **_: object) -> None:
        """With the web UI there may be many runs, and each has its verdict at its end."""
        if self.environment.web_ui and not self.judged:
            self.judge()

    def quit(self, **_: object) -> None:
        if not self.judged:
            self.judge()

    def judge(self) -> None:
        self._ended.set()
        self.recording.read()
        self.judged = True
        verdict = self.verdict()
        print(reports.text_of(verdict))
        self.mark.end(verdict.said)
        if folder := self.options.report:
            reports.save(Path(folder), self.name, self.started, verdict)
        self.environment.process_exit_code = verdict.exit_code

    def verdict(self) -> Verdict:
        chosen, measured = self.options, self.measured
        traffic = judge(self.thresholds, measured.seconds, measured.failed, self.users)
        warm_up = chosen.warm_up
        if warm_up is None:
            warm_up = self.thresholds.alerts.fast_memory_leak.warm_up
        workers = grades(self.thresholds, self.recording.readings, self.users, warm_up)
        verdict = replace(traffic, grades=(*traffic.grades, *workers))
        if measured.limited:
            counted = f"{traffic.counted}, {measured.limited} more refused by the rate limit (429)"
            verdict = replace(verdict, counted=counted)
        if chosen.judge_memory and not verdict.exit_code:
            verdict = replace(verdict, empty=unproven(workers, self.recording.problem))
        return verdict


def add_options(parser: ArgumentParser, **_: object) -> None:
    own = parser.add_argument_group("Verdict")
    options.add_run(own, "that of the alert of fast leaks")
    own.add_argument("--judge-memory", action="store_true", help="void without the workers' growth")
    own.add_argument("--report", default="", metavar="FOLDER", help="for the verdict's files")


def listen(environment: Environment, **_: object) -> None:
    hush()
    try:
        Session(environment)
    except options.WRONG as error:
        print(error, file=sys.stderr)
        sys.exit(2)


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(listen)
