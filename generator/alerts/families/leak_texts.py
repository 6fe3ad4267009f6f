"""What the alerts on leaks say, and the parts of it that are queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from generator.alerts.leak_recordings import LeakingGauge
from generator.alerts.model import Recording
from generator.promql import number
from generator.texts import humanize, humanize1024
from generator.thresholds.units import Unit, format_value

Per = Literal["hour", "minute"]


@dataclass(frozen=True)
class Kind:
    """What leaks, in words: ``RATE`` is how much, ``TOP`` the limit that it must not reach."""

    title: str
    section: str
    noun: str
    amount: str
    reaches: str
    compare: str


MEMORY: Final = Kind(
    title="Memory growth",
    section="Memory",
    noun="memory",
    amount="RATE of memory",
    reaches="reaches TOP",
    compare="threads, file descriptors, database connections or just the request rate",
)
FILE_DESCRIPTORS: Final = Kind(
    title="File descriptor growth",
    section="File descriptors and threads",
    noun="file descriptors",
    amount="RATE file descriptors",
    reaches="reaches its limit",
    compare="clients, database connections, threads or just the request rate",
)
THREAD_KIND: Final = Kind(
    title="Thread growth",
    section="File descriptors and threads",
    noun="threads",
    amount="RATE threads",
    reaches="reaches TOP",
    compare="memory, file descriptors or just the request rate",
)


_SECONDS: Final = {"hour": 3600, "minute": 60}


@dataclass(frozen=True)
class QueryTexts:
    """The parts of an alert's texts that are queries: the rate, and when limits are reached."""

    kind: Kind
    per: Per
    leaking: LeakingGauge
    left: Recording
    limit: Recording

    @property
    def of_bytes(self) -> bool:
        return self.kind is MEMORY

    @property
    def rate(self) -> str:
        shown = "humanize1024 }}B" if self.of_bytes else "humanize }}"
        return (
            f'{{{{ with printf "{_SECONDS[self.per]} * %.9f" $value | query }}}}'
            f"{{{{ . | first | value | {shown}{{{{ end }}}}"
        )

    @property
    def reached(self) -> str:
        return (
            f'{{{{ with printf "round({self.left.name}{{instance=%q,worker=%q}}, 60)" '
            f"$labels.instance $labels.worker | query }}}}{self._reaches}"
            "{{ . | first | value | humanizeDuration }}{{ end }}"
        )

    @property
    def cgroup(self) -> str:
        return (
            f'{{{{ with printf "round({self.limit.name}{{instance=%q}}, 60)" $labels.instance | '
            f"query }}}}{CGROUP}{{{{ . | first | value | humanizeDuration }}}}{{{{ end }}}}"
        )

    @property
    def _reaches(self) -> str:
        top = self.leaking.top
        spoken = format_value(top, Unit.BYTES) if self.of_bytes else number(top)
        return f"; at this rate it {self.kind.reaches.replace('TOP', spoken)} in "

    def rate_results(self, value: float) -> Mapping[str, str]:
        """What the queries find at a value, without a limit of the cgroup."""
        total = _SECONDS[self.per] * float(f"{value:.9f}")
        return {
            self.rate: f"{humanize1024(total)}B" if self.of_bytes else humanize(total),
            self.cgroup: "",
        }

    def after(self, time: str) -> Mapping[str, str]:
        return {self.reached: f"{self._reaches}{time}" if time else ""}


CGROUP: Final = "; the workers reach their cgroup's memory limit in "
