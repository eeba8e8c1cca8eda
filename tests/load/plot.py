# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs as data (load.json) and as the curve of hosts against time and requests (load.svg)."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tests.load.hosts import MOST_REQUESTS, MOST_TIME, PROFILES, Play, Run

# The same data give the same file: text stays text, ids are derived from a fixed word.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "load", "font.size": 8})
MARKERS = {"linear": "o", "free": "x"}


def save(runs: Sequence[Run], directory: Path) -> None:
    """Replace earlier runs of the same kind in load.json, and draw load.svg from all runs."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "load.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["runs"] if file.exists() else []
    new = {(run.profile, *run.play) for run in runs}
    rows = [row for row in rows if (row["profile"], *(row[name] for name in Play._fields)) not in new]
    rows += [_row(run) for run in runs]
    rows.sort(key=lambda row: (list(PROFILES).index(row["profile"]), row["cold"], row["strategy"], row["hosts"]))
    lines = ",\n".join(json.dumps(row) for row in rows)
    file.write_text(f'{{"runs": [\n{lines}\n]}}\n', "utf-8")
    draw(rows, directory / "load.svg")


def draw(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw time and requests over the number of hosts, each with its minimum."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    warm = [row for row in rows if not row["cold"]]
    for panel, what, bound, unit in (
        (panels[0], "seconds", "bound", "seconds, first request to last"),
        (panels[1], "requests", "fewest", "requests"),
    ):
        for number, profile in enumerate(PROFILES):
            _draw_profile(panel, [row for row in warm if row["profile"] == profile], what, bound, f"C{number}")
        panel.set(xlabel="hosts", ylabel=unit, xlim=(0, None), ylim=(0, None))
        panel.grid(alpha=0.3)
    panels[0].set_title(f"Time (dotted: minimum; target: {MOST_TIME}x)")
    panels[1].set_title(f"Requests (dotted: minimum; target: {MOST_REQUESTS}x)")
    panels[0].legend(fontsize=7)
    drawing = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None, "Creator": None})
    file.write_text("".join(line.rstrip() + "\n" for line in drawing.getvalue().splitlines()), "utf-8")


def _draw_profile(panel: Any, rows: Sequence[dict[str, Any]], what: str, bound: str, colour: str) -> None:
    for strategy, marker in MARKERS.items():
        line = [row for row in rows if row["strategy"] == strategy]
        if line:
            hosts = [row["hosts"] for row in line]
            label = f"{line[0]['profile']}, {strategy}"
            panel.plot(hosts, [row[what] for row in line], color=colour, marker=marker, linewidth=1, label=label)
            panel.plot(hosts, [row[bound] for row in line], color=colour, linestyle=":", linewidth=1)


def _row(run: Run) -> dict[str, Any]:
    return {
        "profile": run.profile,
        **run.play._asdict(),
        "seconds": round(run.seconds, 1),
        "requests": run.requests,
        "refused": run.refused,
        "fewest": run.fewest,
        "limit_bound": round(run.limit_bound, 1),
        "bound": round(run.bound, 1),
    }
