# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run histories: python -m tests.histories --steps 100000, or --mutations to check that they find known bugs."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.histories import mutations, program, runs
from tests.histories.auth_key_machine import AuthKeyMachine
from tests.histories.issuance_machine import IssuanceMachine

MACHINES = {machine.__name__: machine for machine in (IssuanceMachine, AuthKeyMachine)}


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="how many steps to take")
    parser.add_argument("--seed", type=int, help="where to begin; default: anywhere")
    parser.add_argument("--machine", choices=MACHINES, help="play only this one")
    parser.add_argument("--no-shrink", action="store_true", help="do not look for the shortest history that fails")
    parser.add_argument(
        "--mutations", nargs="*", metavar="NAME", help="take out each fix, or those named, and be found"
    )
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    if options.mutations is not None:
        return mutations.report(options.mutations, seed if options.seed is not None else 0)
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    machines = (MACHINES[options.machine],) if options.machine else ()
    try:
        program.play(options.steps, seed, shrink=not options.no_shrink, machines=machines)
    finally:
        seconds = time.monotonic() - begun
        print(f"{runs.TOTALS['steps']} steps from seed {seed} in {seconds:.0f} s")
        for what, count in sorted(runs.TOTALS.items()):
            print(f"{count:9} {what}")
    return 0


sys.exit(main())
