"""A Locust run from its start to its verdict, alone or as a master with workers.

Keeps exact latencies, because Locust rounds its percentiles to two digits. Meanwhile it samples the
Auditor's workers through the sidecar, or directly on this machine.
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
from locust.runners import WORKER_REPORT_INTERVAL, LocalRunner, MasterRunner, WorkerRunner

from generator.alerts.leak_recordings import LeakAlert
from tests.performance import options, reports
from tests.performance.annotations import Annotation, annotate_run
from tests.performance.grading import Verdict, evaluate
from tests.performance.recording import Recording, sample_times
from tests.performance.workers import grades, unclear_growth, worker_source

# How the names of requests begin, and how they end if the rate limit rejected them.
VERIFICATION: Final = "/verify "
LIMITED: Final = " (429)"
# How long the last requests may take, so that all counts agree.
STOP_SECONDS: Final = 30.0
# How long Locust's workers may take to exit after that.
WORKER_SECONDS: Final = 10.0
# The exit code of a run without a verdict.
INCONCLUSIVE: Final = 2


@dataclass
class Measurements:
    """Latencies of successful verifications, problems of the others, and how many were limited."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    problems: Counter[str] = field(default_factory=Counter)
    limited: int = 0


class Session:
    """The state of a run in one Locust process. Workers report to their master."""

    def __init__(self, environment: Environment) -> None:
        """Raises options.INPUT_ERRORS."""
        self.options = environment.parsed_options or Namespace()
        self.thresholds = options.thresholds(self.options)
        self.folder = Path(self.options.report) if self.options.report else None
        options.check_outputs(folder=self.folder)
        self.environment = environment
        self.measured = Measurements()
        self.users = 0
        self.started = datetime.now(UTC)
        self.recording = Recording(None)
        self.annotation = Annotation("", "", None)
        self.finished = True
        self._ended = threading.Event()
        listen = environment.events
        listen.request.add_listener(self.record)
        if isinstance(environment.runner, WorkerRunner):
            listen.report_to_master.add_listener(self.report)
            return
        listen.worker_report.add_listener(self.collect)
        listen.test_start.add_listener(self.start)
        listen.test_stop.add_listener(self.stop)
        listen.quitting.add_listener(self.quit)

    @property
    def name(self) -> str:
        """The name of the scenario; "load" without one."""
        return str(getattr(self.options, "scenario", "load"))

    def record(self, name: str, response_time: float, exception: object, **_: object) -> None:
        if not name.startswith(VERIFICATION):
            return
        if name.endswith(LIMITED):
            self.measured.limited += 1
        elif exception:
            self.measured.problems[str(exception)] += 1
        else:
            self.measured.seconds.append(response_time / 1000)

    def report(self, data: dict[str, Any], **_: object) -> None:
        """Send what this worker has measured since its last report."""
        own, self.measured = self.measured, Measurements()
        data["verifications"] = (own.seconds.tolist(), dict(own.problems), own.limited)

    def collect(self, data: dict[str, Any], **_: object) -> None:
        seconds, problems, limited = data["verifications"]
        self.measured.seconds.extend(seconds)
        self.measured.problems.update(problems)
        self.measured.limited += limited

    def start(self, **_: object) -> None:
        chosen = self.options
        host = self.environment.host or ""
        self.measured, self.users, self.finished = Measurements(), 0, False
        self.environment.process_exit_code = INCONCLUSIVE
        self.started = datetime.now(UTC)
        self.recording = Recording(worker_source(host, chosen.sidecar), self.folder)
        self.annotation = annotate_run(
            self.thresholds.service.name, f"{self.name} against {host}", chosen.grafana
        )
        self.annotation.start()
        self._ended = threading.Event()
        sampler = threading.Thread(target=self._sample, args=(self._ended,), daemon=True)
        sampler.start()  # a greenlet, because Locust patches threads

    def _sample(self, ended: threading.Event) -> None:
        """Count the users every second, and sample the workers once per interval."""
        times = sample_times(self.options.sample_interval)
        start = time.monotonic()
        due = start + next(times)
        while True:
            runner = self.environment.runner
            self.users = max(self.users, runner.user_count if runner else 0)
            if time.monotonic() >= due:
                due = start + next(times)
                self.recording.sample()
            if ended.wait(max(0.01, min(1.0, due - time.monotonic()))):
                return

    def stop(self, **_: object) -> None:
        """With the web UI there may be many runs. Each has its own verdict."""
        self._wait_for_reports()
        if self.environment.web_ui and not self.finished:
            self.finish()

    def quit(self, **_: object) -> None:
        """In an interrupted run, too, count the last responses, and the requests without one."""
        if isinstance(self.environment.runner, LocalRunner):
            self.environment.runner.stop()
        self._wait_for_reports()
        if not self.finished:
            self.finish()

    def _wait_for_reports(self) -> None:
        """Wait for the last reports of the workers, which a master does not wait for long enough.

        A worker sends the last one when it exits. With the web UI it goes on and reports regularly.
        """
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner) or self.finished:
            return
        if self.environment.web_ui:
            time.sleep(WORKER_REPORT_INTERVAL + 1)
            return
        for client in runner.clients.all:
            runner.server.send_to_client(Message("quit", None, client.id))
        end = time.monotonic() + self.environment.stop_timeout + WORKER_SECONDS
        while len(runner.clients) > len(runner.clients.missing) and time.monotonic() < end:
            time.sleep(0.1)

    def finish(self) -> None:
        self._ended.set()
        self.recording.sample()
        self.finished = True
        verdict = self.verdict()
        print(reports.as_text(verdict))
        self.annotation.finish(verdict.summary)
        if self.folder:
            reports.save(self.folder, self.name, self.started, verdict)
        self.environment.process_exit_code = verdict.exit_code

    def verdict(self) -> Verdict:
        chosen, measured = self.options, self.measured
        traffic = evaluate(
            self.thresholds, measured.seconds, measured.problems, self.users, measured.limited
        )
        warm_up = chosen.warm_up
        if warm_up is None:
            warm_up = self.thresholds.alert("fast_memory_leak", LeakAlert).warm_up
        workers = grades(self.thresholds, self.recording.samples, self.users, warm_up)
        verdict = replace(traffic, grades=(*traffic.grades, *workers))
        if verdict.exit_code:
            return verdict
        unclear = unclear_growth(workers, self.recording.problem) if chosen.judge_memory else ""
        return replace(verdict, inconclusive=self._lost_workers() or unclear)

    def _lost_workers(self) -> str:
        """Says that workers of Locust, and what they measured last, are lost; "" if none are."""
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            return ""
        lost = len(runner.clients.missing if self.environment.web_ui else runner.clients)
        return f"lost {lost} of Locust's workers and their last measurements" if lost else ""


def add_options(parser: ArgumentParser, **_: object) -> None:
    own = parser.add_argument_group("Verdict")
    options.add_run(own, "the warm-up of AuditorFastMemoryLeak")
    own.add_argument(
        "--judge-memory", action="store_true", help="inconclusive if memory growth is unknown"
    )
    own.add_argument("--report", default="", metavar="FOLDER", help="save the verdict here")
    parser.set_defaults(stop_timeout=STOP_SECONDS)


def listen(environment: Environment, **_: object) -> None:
    # Locust has a handler of its own, but for runs with a shape.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = environment.parsed_options
    if chosen and chosen.headless and not (environment.host or chosen.worker):
        print("no host given: use --host http://HOST:PORT", file=sys.stderr)
        sys.exit(2)
    try:
        Session(environment)
    except options.INPUT_ERRORS as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    # gevent's clock stood still while modules loaded, which would shorten --run-time.
    get_hub().loop.update_now()


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(listen)
