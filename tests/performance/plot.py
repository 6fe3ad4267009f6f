"""Draws a recording of workers: what they hold, and the slope that is judged."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from tests.performance.workers import Reading, growth_of, lives, series

MIB: Final = 1 << 20
PANELS: Final = (
    ("resident", "RSS, MiB", MIB),
    ("threads", "threads", 1),
    ("fds", "descriptors", 1),
)


def plot(path: Path, readings: Sequence[Reading], warm_up: float = 0) -> None:
    """One panel a quantity, one line a worker; the slope of the memory is dashed."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(len(PANELS), sharex=True, height_ratios=(3, 1, 1))
    start = readings[0].at
    for axes, (name, title, scale) in zip(panels, PANELS, strict=True):
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        for (worker, _), life in lives(readings).items():
            times, values = series(life, name)
            minutes = [(at - start) / 60 for at in times]
            heights = [value / scale for value in values]
            (line,) = axes.plot(minutes, heights, label=f"worker {worker}")
            found = growth_of(life, name, warm_up) if name == "resident" else None
            if found:
                begin = next(i for i, at in enumerate(times) if at >= times[0] + found.warm_up)
                low = min(heights[begin:])
                rise = found.slope / scale * 60
                ends = minutes[begin], minutes[-1]
                axes.plot(
                    ends,
                    (low, low + rise * (ends[1] - ends[0])),
                    "--",
                    color=line.get_color(),
                    label=f"{rise:+.2f} MiB a minute",
                )
    panels[0].legend(fontsize="small", ncols=2)
    panels[-1].set_xlabel("minutes")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(buffer.getvalue())
    new.replace(path)
