"""The faults that can be injected, and the alerts expected for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from demo.injection import Effect, Injection

MIB: Final = 1 << 20


class UnknownFaultError(Exception):
    """The message names the unknown fault and lists the known ones."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Every alert in `expected` must fire, at that severity.

    Other alerts of the families in `allowed` may fire too, as further symptoms of the fault.
    """

    name: str
    description: str
    effects: tuple[tuple[Effect, float], ...]
    expected: tuple[tuple[str, str], ...]
    allowed: tuple[str, ...]


FAULTS: Final = (
    Fault(
        name="errors",
        description="30% of requests fail",
        effects=((Effect.ERRORS, 0.3),),
        expected=(("AuditorHighErrorRate", "critical"),),
        allowed=("error",),
    ),
    Fault(
        name="outage",
        description="all requests fail",
        effects=((Effect.ERRORS, 1.0),),
        expected=(("AuditorRequestsFailing", "critical"), ("AuditorHighErrorRate", "critical")),
        allowed=("error",),
    ),
    Fault(
        name="latency",
        description="every request takes two more seconds without blocking the others",
        effects=((Effect.DELAY, 2.0),),
        expected=(("AuditorHighMedianLatency", "critical"), ("AuditorHighLatency", "critical")),
        allowed=("latency",),
    ),
    Fault(
        name="blocking",
        description="every request blocks its worker for two seconds",
        effects=((Effect.BLOCK, 2.0),),
        expected=(("AuditorRequestsWaiting", "critical"),),
        allowed=("latency", "saturation", "traffic", "availability"),
    ),
    Fault(
        name="slow-leak",
        description="memory grows by 1.5 MiB/s",
        effects=((Effect.LEAK, 1.5 * MIB),),
        expected=(("AuditorMemoryLeak", "warning"),),
        allowed=("memory",),
    ),
    Fault(
        name="fast-leak",
        description="memory grows by 8 MiB/s",
        effects=((Effect.LEAK, 8.0 * MIB),),
        expected=(("AuditorFastMemoryLeak", "critical"),),
        allowed=("memory",),
    ),
    Fault(
        name="sawtooth",
        description="memory grows by 50 MiB/s and is freed every three seconds; no alert expected",
        effects=((Effect.SAWTOOTH, 50.0 * MIB),),
        expected=(),
        allowed=(),
    ),
    Fault(
        name="fd-leak",
        description="ten file descriptors per second are opened and never closed",
        effects=((Effect.FDS, 10.0),),
        expected=(("AuditorFileDescriptorsNearLimit", "critical"),),
        allowed=("saturation",),
    ),
    Fault(
        name="thread-leak",
        description="eight threads per second are started and never end",
        effects=((Effect.THREADS, 8.0),),
        expected=(("AuditorManyThreads", "critical"),),
        allowed=("saturation",),
    ),
    Fault(
        name="cpu",
        description="two threads keep the CPU busy",
        effects=((Effect.CPU, 2.0),),
        expected=(("AuditorHighCpu", "warning"),),
        allowed=("saturation",),
    ),
    Fault(
        name="connection-leak",
        description="one database connection per second is opened and never closed",
        effects=((Effect.CONNECTIONS, 1.0),),
        expected=(
            ("AuditorDatabasePoolNearLimit", "critical"),
            ("AuditorManyDatabaseConnections", "critical"),
        ),
        allowed=("database",),
    ),
    Fault(
        name="low-confidence",
        description="answers get low confidence scores",
        effects=((Effect.WEAKNESS, 0.5),),
        expected=(("AuditorLowConfidence", "critical"),),
        allowed=("quality",),
    ),
    Fault(
        name="crash",
        description="workers are killed once and replaced; no alert expected",
        effects=((Effect.CRASH, 1.0),),
        expected=(),
        allowed=(),
    ),
    Fault(
        name="crash-loop",
        description="workers are killed two seconds after every start",
        effects=((Effect.CRASH_AFTER, 2.0),),
        expected=(("AuditorWorkerCrashLoop", "critical"),),
        allowed=("workers", "availability", "saturation", "traffic"),
    ),
    Fault(
        name="hang",
        description="the event loop hangs",
        effects=((Effect.HANG, 1.0),),
        expected=(("AuditorUnresponsive", "critical"),),
        allowed=("availability", "saturation", "traffic"),
    ),
    Fault(
        name="host-killed",
        description="the service and its sidecar are killed and stay away",
        effects=((Effect.HOST, 1.0),),
        expected=(("AuditorUnreachable", "critical"),),
        allowed=("availability", "traffic"),
    ),
    Fault(
        name="host-killed-unseen",
        description="the service, its sidecar and blackbox_exporter are killed and stay away",
        effects=((Effect.HOST, 1.0), (Effect.OUTSIDE, 1.0)),
        expected=(("AuditorInstanceLost", "critical"),),
        allowed=("availability", "traffic"),
    ),
    Fault(
        name="flapping",
        description="the sidecar is away every few seconds",
        effects=((Effect.FLAPPING, 4.0),),
        expected=(("AuditorTargetFlapping", "warning"),),
        allowed=("availability",),
    ),
)


def find(name: str) -> Fault:
    """Raises UnknownFaultError."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    names = ", ".join(fault.name for fault in FAULTS)
    raise UnknownFaultError(f"unknown fault {name!r}; known faults: {names}")


def injections(wanted: Sequence[str], since: float) -> list[Injection]:
    """The injections for faults given as FAULT or FAULT:WORKER; raises UnknownFaultError."""
    return [
        Injection(effect=effect, amount=amount, since=since, worker=worker)
        for text in wanted
        for fault, worker in [_parse(text)]
        for effect, amount in fault.effects
    ]


def _parse(text: str) -> tuple[Fault, int | None]:
    name, colon, worker = text.partition(":")
    if colon and not worker.isdecimal():
        raise UnknownFaultError(f"{text!r}: {worker!r} is not a worker number")
    return find(name), int(worker) if colon else None


def names(active: Iterable[Injection]) -> list[str]:
    """The faults of these injections, as FAULT or FAULT:WORKER."""
    found = []
    for each in active:
        suffix = "" if each.worker is None else f":{each.worker}"
        found += [
            f"{fault.name}{suffix}"
            for fault in FAULTS
            if (each.effect, each.amount) in fault.effects
        ]
    return list(dict.fromkeys(found))
