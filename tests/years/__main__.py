# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the role daily for two simulated years, and draw the paid orders: python -m tests.years.

It prints the table of docs/docsite/rst/dv_certificate_guide.rst and draws years.svg into the folder of its images.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.years import plot
from tests.years.play import Played, orders_of_version_0_2, play

LIFETIMES = (199, 99, 46)
DAYS = 730
MOST_ORDERS = 3
LEAST_DISTANCE = 300  # days
REISSUES = {199: 1, 99: 4, 46: 11}  # of the first paid year


def main() -> int:
    """Run, print, and draw; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.years", description="Two years of daily runs of the role.")
    parser.add_argument("--output", type=Path, default=Path("docs/docsite/rst/images"), metavar="DIRECTORY")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        played = play(LIFETIMES, DAYS, Path(directory))
    for one in played:
        _show(one)
    options.output.mkdir(parents=True, exist_ok=True)
    plot.draw(played, options.output / "years.svg")
    faults = [f"{one.lifetime} days: {fault}" for one in played for fault in faults_of(one)]
    print("\n".join(faults) or "All as it should be.")
    return 1 if faults else 0


def _show(one: Played) -> None:
    print(
        f"{one.lifetime} days: {len(one.orders)} orders on days {', '.join(map(str, one.orders))}, "
        f"closest {one.closest}; "
        f"{len(one.reissues)} reissues, {one.first_year_reissues} in the first order; {one.calls} calls, "
        f"{one.idle_calls} of them with nothing due; {one.uncovered_days} days without a valid certificate; "
        f"whole role on {one.played_days} of {one.days} days; "
        f"version 0.2: {len(orders_of_version_0_2(one.lifetime, one.days))} orders",
        flush=True,
    )


def faults_of(one: Played) -> list[str]:
    """Return the problems."""
    wrong = {
        f"{len(one.orders)} orders": len(one.orders) != MOST_ORDERS,
        f"orders {one.closest} days apart": (one.closest or 0) < LEAST_DISTANCE,
        f"{one.first_year_reissues} reissues in the first order": one.first_year_reissues != REISSUES[one.lifetime],
        f"{one.idle_calls} calls with nothing due": one.idle_calls > 0,
        f"{one.uncovered_days} days without a valid certificate": one.uncovered_days > 0,
    }
    return [what for what, is_wrong in wrong.items() if is_wrong]


if __name__ == "__main__":
    sys.exit(main())
