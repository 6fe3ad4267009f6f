"""Plots the recorded workers with the fitted growth of their memory."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from tests.performance.workers import WorkerSample, by_process, growth_of, time_series

MIB: Final = 1 << 20
PANELS: Final = (
    ("resident", "RSS, MiB", MIB),
    ("threads", "threads", 1),
    ("fds", "file descriptors", 1),
)


def plot(path: Path, samples: Sequence[WorkerSample], warm_up: float = 0) -> None:
    """One panel for each quantity, one line for each worker; growth is a dashed line."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(len(PANELS), sharex=True, height_ratios=(3, 1, 1))
    start = samples[0].at
    for axes, (name, title, scale) in zip(panels, PANELS, strict=True):
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        for (worker, _), process in by_process(samples).items():
            times, values = time_series(process, name)
            minutes = [(at - start) / 60 for at in times]
            heights = [value / scale for value in values]
            (line,) = axes.plot(minutes, heights, label=f"worker {worker}")
            found = growth_of(process, name, warm_up) if name == "resident" else None
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
                    label=f"{rise:+.2f} MiB/min",
                )
    panels[0].legend(fontsize="small", ncols=2)
    panels[-1].set_xlabel("minutes")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(buffer.getvalue())
    new.replace(path)
