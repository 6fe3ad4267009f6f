"""The faults that can be injected, each with the alerts that must and may follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from demo.injection import Effect, Injection

MIB: Final = 1 << 20


class UnknownFaultError(Exception):
    """The text says what was asked for, and what there is."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`fires` are alerts that must fire, with the severity that is told to somebody.

    Alerts of the families in `shows` may fire beside them: other sides of the same fault.
    """

    name: str
    text: str
    effects: tuple[tuple[Effect, float], ...]
    fires: tuple[tuple[str, str], ...]
    shows: tuple[str, ...]


FAULTS: Final = (
    Fault(
        name="errors",
        text="three of ten requests fail",
        effects=((Effect.ERRORS, 0.3),),
        fires=(("AuditorHighErrorRate", "critical"),),
        shows=("error",),
    ),
    Fault(
        name="outage",
        text="every request fails",
        effects=((Effect.ERRORS, 1.0),),
        fires=(("AuditorRequestsFailing", "critical"), ("AuditorHighErrorRate", "critical")),
        shows=("error",),
    ),
    Fault(
        name="latency",
        text="every answer takes two seconds more, while others are served",
        effects=((Effect.DELAY, 2.0),),
        fires=(("AuditorHighMedianLatency", "critical"), ("AuditorHighLatency", "critical")),
        shows=("latency",),
    ),
    Fault(
        name="blocking",
        text="every answer takes two seconds of computing, while all others wait",
        effects=((Effect.BLOCK, 2.0),),
        fires=(("AuditorRequestsWaiting", "critical"),),
        shows=("latency", "saturation", "traffic", "availability"),
    ),
    Fault(
        name="slow-leak",
        text="memory grows by 1.5 MiB a second",
        effects=((Effect.LEAK, 1.5 * MIB),),
        fires=(("AuditorMemoryLeak", "warning"),),
        shows=("memory",),
    ),
    Fault(
        name="fast-leak",
        text="memory grows by 8 MiB a second",
        effects=((Effect.LEAK, 8.0 * MIB),),
        fires=(("AuditorFastMemoryLeak", "critical"),),
        shows=("memory",),
    ),
    Fault(
        name="sawtooth",
        text="memory grows by 50 MiB a second and is freed every three; nobody need be told",
        effects=((Effect.SAWTOOTH, 50.0 * MIB),),
        fires=(),
        shows=(),
    ),
    Fault(
        name="fd-leak",
        text="ten descriptors a second are opened and none is closed",
        effects=((Effect.FDS, 10.0),),
        fires=(("AuditorFileDescriptorsNearLimit", "critical"),),
        shows=("saturation",),
    ),
    Fault(
        name="thread-leak",
        text="eight threads a second are started and none ends",
        effects=((Effect.THREADS, 8.0),),
        fires=(("AuditorManyThreads", "critical"),),
        shows=("saturation",),
    ),
    Fault(
        name="cpu",
        text="two threads compute without end",
        effects=((Effect.CPU, 2.0),),
        fires=(("AuditorHighCpu", "warning"),),
        shows=("saturation",),
    ),
    Fault(
        name="connection-leak",
        text="a connection to the database is opened each second and none is closed",
        effects=((Effect.CONNECTIONS, 1.0),),
        fires=(
            ("AuditorDatabasePoolNearLimit", "critical"),
            ("AuditorManyDatabaseConnections", "critical"),
        ),
        shows=("database",),
    ),
    Fault(
        name="low-confidence",
        text="answers score too low",
        effects=((Effect.WEAKNESS, 0.5),),
        fires=(("AuditorLowConfidence", "critical"),),
        shows=("quality",),
    ),
    Fault(
        name="crash",
        text="workers are killed once; the supervisor replaces them, and nobody need be told",
        effects=((Effect.CRASH, 1.0),),
        fires=(),
        shows=(),
    ),
    Fault(
        name="crash-loop",
        text="workers are killed two seconds after each start",
        effects=((Effect.CRASH_AFTER, 2.0),),
        fires=(("AuditorWorkerCrashLoop", "critical"),),
        shows=("workers", "availability", "saturation", "traffic"),
    ),
    Fault(
        name="hang",
        text="the event loop stands still",
        effects=((Effect.HANG, 1.0),),
        fires=(("AuditorUnresponsive", "critical"),),
        shows=("availability", "saturation", "traffic"),
    ),
)


def find(name: str) -> Fault:
    """Raises UnknownFaultError."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    names = ", ".join(fault.name for fault in FAULTS)
    raise UnknownFaultError(f"fault {name!r} is not known; there are {names}")


def injections(wanted: Sequence[str], since: float) -> list[Injection]:
    """Of faults written as FAULT or FAULT:WORKER; raises UnknownFaultError."""
    return [
        Injection(effect=effect, amount=amount, since=since, worker=worker)
        for text in wanted
        for fault, worker in [_parse(text)]
        for effect, amount in fault.effects
    ]


def _parse(text: str) -> tuple[Fault, int | None]:
    name, colon, worker = text.partition(":")
    if colon and not worker.isdecimal():
        raise UnknownFaultError(f"{text!r}: {worker!r} is no worker; expected a number from 0")
    return find(name), int(worker) if colon else None


def names(active: Iterable[Injection]) -> list[str]:
    """The faults that these injections come from, as they were written."""
    found = []
    for each in active:
        suffix = "" if each.worker is None else f":{each.worker}"
        found += [
            f"{fault.name}{suffix}"
            for fault in FAULTS
            if (each.effect, each.amount) in fault.effects
        ]
    return list(dict.fromkeys(found))
