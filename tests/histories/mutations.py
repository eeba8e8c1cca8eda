# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations: each takes one safeguard out of the collection, and the histories must find that."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from tests.histories import program, runs
from tests.histories.issuance_machine import IssuanceMachine

STEPS = 20_000  # in which a mutation must be found


class Mutation(NamedTuple):
    """A safeguard that is taken out: what for, how, and which histories find it."""

    reason: str
    patch: Callable[[], AbstractContextManager[Any]]
    machine: Any = IssuanceMachine


MUTATIONS: dict[str, Mutation] = {}


def report(names: list[str], seed: int) -> int:
    """Play each mutation, print what was found, and return 1 when one was not."""
    missed = 0
    for name in names or list(MUTATIONS):
        mutation = MUTATIONS[name]
        begun = time.monotonic()
        found = find(mutation, seed)
        missed += found is None
        print(
            f"{'red' if found else 'GREEN'}  {name}: {mutation.reason}\n"
            f"       {runs.TOTALS['steps']} steps, {time.monotonic() - begun:.0f} s: {found or 'nothing found'}",
            flush=True,
        )
    print(f"{missed} of {len(names or MUTATIONS)} mutations were not found")
    return 1 if missed else 0


def find(mutation: Mutation, seed: int) -> str | None:
    """Return what the histories say of a mutation, None when they find nothing."""
    with mutation.patch():
        try:
            program.play(STEPS, seed, shrink=False, machines=(mutation.machine,))
        except AssertionError as exc:
            return str(exc).splitlines()[0]
    return None
