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
    """What leaks, in words: ``PACE`` is how much, ``TOP`` what it must not reach."""

    title: str
    section: str
    amount: str
    reaches: str
    along: str


MEMORY: Final = Kind(
    title="Memory growth",
    section="Memory",
    amount="PACE of memory",
    reaches="holds TOP",
    along="threads, descriptors, database connections or only requests",
)
DESCRIPTORS: Final = Kind(
    title="Growth of descriptors",
    section="File descriptors and threads",
    amount="PACE descriptors",
    reaches="has used up what it may open",
    along="clients, database connections, threads or only requests",
)
THREAD_KIND: Final = Kind(
    title="Growth of threads",
    section="File descriptors and threads",
    amount="PACE threads",
    reaches="runs TOP",
    along="memory, descriptors or only requests",
)


_SECONDS: Final = {"hour": 3600, "minute": 60}


@dataclass(frozen=True)
class QueryTexts:
    """The parts of an alert's texts that are queries: the pace, and when limits are reached."""

    kind: Kind
    per: Per
    leaking: LeakingGauge
    left: Recording
    limit: Recording

    @property
    def of_bytes(self) -> bool:
        return self.kind is MEMORY

    @property
    def pace(self) -> str:
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
        return f"; at this pace it {self.kind.reaches.replace('TOP', spoken)} in "

    def rate_results(self, value: float) -> Mapping[str, str]:
        """What the queries find at a value, without a limit of the cgroup."""
        total = _SECONDS[self.per] * float(f"{value:.9f}")
        return {
            self.pace: f"{humanize1024(total)}B" if self.of_bytes else humanize(total),
            self.cgroup: "",
        }

    def after(self, time: str) -> Mapping[str, str]:
        return {self.reached: f"{self._reaches}{time}" if time else ""}


CGROUP: Final = "; the workers reach the limit of their cgroup in "
