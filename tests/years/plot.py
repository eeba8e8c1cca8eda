# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw each certificate over the days, and the paid orders compared with those of version 0.2."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tests.years.play import Played, orders_of_version_0_2

# The same data give the same file: text stays text, ids are derived from a fixed word.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "years", "font.size": 11})


def draw(played: Sequence[Played], file: Path) -> None:
    """Draw one panel for each lifetime."""
    figure = Figure(figsize=(6.4, 5), layout="constrained")
    panels = figure.subplots(len(played), 1, sharex=True, squeeze=False)[:, 0]
    for panel, one in zip(panels, played, strict=True):
        _draw_lifetime(panel, one)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=10)
    panels[-1].set(xlabel="day", xlim=(-10, played[0].days + 5))
    drawing = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None, "Creator": None})
    file.write_text("".join(line.rstrip() + "\n" for line in drawing.getvalue().splitlines()), "utf-8")


def _draw_lifetime(panel: Any, one: Played) -> None:
    old = orders_of_version_0_2(one.lifetime, one.days)
    lanes = [number % 2 for number in range(len(one.certificates))]  # of two that overlap, one is above the other
    spans = [(min(last, one.days) - first) for first, last in one.certificates]
    starts = [first for first, _last in one.certificates]
    panel.barh(lanes, spans, left=starts, height=0.7, color="C0", alpha=0.35, label="certificate valid")
    panel.plot(one.reissues, [2] * len(one.reissues), "o", color="C0", markersize=4, label="free reissue")
    panel.plot(one.orders, [2] * len(one.orders), "s", color="C3", markersize=6, label="paid order")
    panel.plot(old, [3] * len(old), "s", color="0.45", markersize=3, label="paid order of version 0.2")
    panel.set_title(f"{one.lifetime} days: {len(one.orders)} paid orders, version 0.2: {len(old)}", loc="left")
    panel.set(ylim=(-0.6, 3.6), yticks=[])
    panel.grid(axis="x", alpha=0.3)
