# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how the AuthKey module scales: python -m tests.load [task] [PROFILE …].

`task` measures memory and CPU of one task; a profile (see hosts.py) runs many hosts through ansible. Without a name,
all of them run. The runs replace earlier runs of the same kind in load.json, and load.svg is drawn from it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.load import hosts, plot, task

TASK = "task"


def main() -> int:
    """Run the named measurements; return 1 if one missed its limits."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Load test of the AuthKey module.")
    parser.add_argument("--output", type=Path, default=Path("docs/images"), metavar="DIRECTORY", help="%(default)s")
    parser.add_argument("--strategy", choices=hosts.STRATEGIES, help="default: both")
    parser.add_argument("--hosts", type=int, metavar="NUMBER", help="only plays of so many; default: all")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([TASK, *hosts.PROFILES])}")
    options = parser.parse_args()
    names = options.names or [TASK, *hosts.PROFILES]
    if unknown := set(names) - {TASK, *hosts.PROFILES}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    missed = TASK in names and not task.measure()
    profiles = [name for name in hosts.PROFILES if name in names]
    if profiles:
        strategies = [options.strategy] if options.strategy else hosts.STRATEGIES
        runs = hosts.measure(profiles, strategies, options.hosts)
        missed |= not hosts.show(runs)
        plot.save(runs, options.output)
    print("Limits were missed." if missed else "All within their limits.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
