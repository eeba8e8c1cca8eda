# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a number of steps of the histories, from a seed."""

from __future__ import annotations

import collections
import os
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories import runs
from tests.histories.auth_key_machine import AuthKeyMachine
from tests.histories.issuance_machine import IssuanceMachine

STEPS_A_HISTORY = 50
HISTORIES_A_BATCH = 20
ISSUANCE_SHARE = 4  # one batch of this number is about AuthKeys


def play(steps: int, seed: int, *, shrink: bool = True, machines: tuple[Any, ...] = ()) -> collections.Counter[str]:
    """Run histories until this number of steps is reached.

    Args:
        steps: how many, at least.
        seed: of the first batch; each further batch has the next one.
        shrink: search for the shortest history that fails, which takes minutes.
        machines: what to play in turn; default: mostly certificates.

    Returns:
        How often each event happened.

    Raises:
        AssertionError: a property did not hold.
    """
    machines = machines or (*(IssuanceMachine,) * (ISSUANCE_SHARE - 1), AuthKeyMachine)
    runs.TOTALS.clear()
    batch = 0
    while runs.TOTALS["steps"] < steps:
        left = -(-(steps - runs.TOTALS["steps"]) // STEPS_A_HISTORY)
        _play_batch(machines[batch % len(machines)], seed + batch, min(HISTORIES_A_BATCH, left), shrink)
        batch += 1
    return runs.TOTALS


def _play_batch(machine: Any, seed: int, histories: int, shrink: bool) -> None:
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    batch = settings(
        max_examples=histories,
        stateful_step_count=STEPS_A_HISTORY,
        deadline=None,
        database=None,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal if shrink else Verbosity.quiet,
    )
    seeded = hypothesis.seed(seed)(type(machine.__name__, (machine,), {}))
    try:
        run_state_machine_as_test(seeded, settings=batch)
    except BaseException as exc:
        exc.add_note("\n".join(runs.LAST_STORY))
        exc.add_note(f"Again: python -m tests.histories --steps 1 --seed {seed} --machine {machine.__name__}")
        raise


def seed_from_environment() -> int:
    """Return the seed in the environment, or 0: CI runs the same histories each time."""
    return int(os.environ.get("HISTORIES_SEED", "0"))
