"""A run of Locust from its start to its verdict, alone or with a master and workers.

Latencies are kept exactly: Locust's own percentiles are rounded to two digits, too coarse for a
bound. The sidecar, or the processes themselves on this machine, are read all the while.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gevent import get_hub
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner, WorkerRunner

from generator.alerts.leak_recordings import LeakAlert
from tests.performance import options, reports
from tests.performance.grading import Verdict, judge
from tests.performance.marks import Mark, mark
from tests.performance.recording import Recording, moments
from tests.performance.workers import grades, source, unproven

# What a request is counted under: its name begins so, and ends so if the rate limit refused it.
VERIFICATION: Final = "/verify "
LIMITED: Final = " (429)"
# What is asked at the end of a run has this long for its answer, so that all counts agree.
STOP_SECONDS: Final = 30.0
# And workers so long to end after that.
WORKER_SECONDS: Final = 10.0
# The exit code of a run that does not come to its verdict.
NOTHING_PROVEN: Final = 2


@dataclass
class Measured:
    """Seconds of the verifications that succeeded, what the others had, how many were refused."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    problems: Counter[str] = field(default_factory=Counter)
    limited: int = 0


class Session:
    """What a process of Locust knows of the run; workers tell their master every few seconds."""

    def __init__(self, environment: Environment) -> None:
        """Raises options.WRONG for thresholds and folders that cannot be used."""
        self.options = environment.parsed_options or Namespace()
        self.thresholds = options.thresholds(self.options)
        self.folder = Path(self.options.report) if self.options.report else None
        options.outputs(folder=self.folder)
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
            self.measured.problems[str(exception)] += 1
        else:
            self.measured.seconds.append(response_time / 1000)

    def report(self, data: dict[str, Any], **_: object) -> None:
        """A worker's part since its last report."""
        mine, self.measured = self.measured, Measured()
        data["verifications"] = (mine.seconds.tolist(), dict(mine.problems), mine.limited)

    def collect(self, data: dict[str, Any], **_: object) -> None:
        seconds, problems, limited = data["verifications"]
        self.measured.seconds.extend(seconds)
        self.measured.problems.update(problems)
        self.measured.limited += limited

    def start(self, **_: object) -> None:
        chosen = self.options
        host = self.environment.host or ""
        self.measured, self.users, self.judged = Measured(), 0, False
        self.environment.process_exit_code = NOTHING_PROVEN
        self.started = datetime.now(UTC)
        self.recording = Recording(source(host, chosen.sidecar), self.folder)
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
        self._hear_workers()
        if self.environment.web_ui and not self.judged:
            self.judge()

    def quit(self, **_: object) -> None:
        self._hear_workers()
        if not self.judged:
            self.judge()

    def _hear_workers(self) -> None:
        """Their last reports: those that end send one, for which a master waits too short a time.

        With the web UI they go on, and report every few seconds.
        """
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner) or self.judged:
            return
        if self.environment.web_ui:
            time.sleep(WORKER_REPORT_INTERVAL + 1)
            return
        for client in runner.clients.all:
            runner.server.send_to_client(Message("quit", None, client.id))
        end = time.monotonic() + self.environment.stop_timeout + WORKER_SECONDS
        while len(runner.clients) > len(runner.clients.missing) and time.monotonic() < end:
            time.sleep(0.1)

    def judge(self) -> None:
        self._ended.set()
        self.recording.read()
        self.judged = True
        verdict = self.verdict()
        print(reports.text_of(verdict))
        self.mark.end(verdict.said)
        if self.folder:
            reports.save(self.folder, self.name, self.started, verdict)
        self.environment.process_exit_code = verdict.exit_code

    def verdict(self) -> Verdict:
        chosen, measured = self.options, self.measured
        traffic = judge(
            self.thresholds, measured.seconds, measured.problems, self.users, measured.limited
        )
        warm_up = chosen.warm_up
        if warm_up is None:
            warm_up = self.thresholds.alert("fast_memory_leak", LeakAlert).warm_up
        workers = grades(self.thresholds, self.recording.readings, self.users, warm_up)
        verdict = replace(traffic, grades=(*traffic.grades, *workers))
        if verdict.exit_code:
            return verdict
        empty = unproven(workers, self.recording.problem) if chosen.judge_memory else ""
        return replace(verdict, empty=self._lost() or empty)

    def _lost(self) -> str:
        """That workers of Locust are gone, and what they had not yet reported; "" if none are."""
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            return ""
        lost = len(runner.clients.missing if self.environment.web_ui else runner.clients)
        return f"{lost} of Locust's workers lost, with what they measured last" if lost else ""


def add_options(parser: ArgumentParser, **_: object) -> None:
    own = parser.add_argument_group("Verdict")
    options.add_run(own, "that of the alert of fast leaks")
    own.add_argument("--judge-memory", action="store_true", help="void without the workers' growth")
    own.add_argument("--report", default="", metavar="FOLDER", help="for the verdict's files")
    parser.set_defaults(stop_timeout=STOP_SECONDS)


def listen(environment: Environment, **_: object) -> None:
    # Locust has a handler of its own, but for runs with a shape.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = environment.parsed_options
    if chosen and chosen.headless and not (environment.host or chosen.worker):
        print("no host is named: --host http://HOST:PORT", file=sys.stderr)
        sys.exit(2)
    try:
        Session(environment)
    except options.WRONG as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    # Its clock stands still while modules load, by which --run-time would be too short.
    get_hub().loop.update_now()


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(listen)
