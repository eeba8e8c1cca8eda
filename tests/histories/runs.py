# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the collection's logic, in process, under a plan."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError

from tests.histories.clocks import Computer, World, on
from tests.histories.crashes import Crash, Disk, check_no_disk_is_left
from tests.histories.plans import AT_LOCK, Plan
from tests.histories.service import Service
from tests.histories.wire import URL, Traffic, Wire

T = TypeVar("T")


class Run(Generic[T]):
    """The outcome of one run: a result, an error, or neither if it was killed."""

    def __init__(self, plan: Plan, begun: float) -> None:
        self.plan = plan
        self.begun = begun
        self.result: T | None = None
        self.error: DigicertError | None = None
        self.killed = False
        self.traffic = Traffic()

    @property
    def is_clean(self) -> bool:
        """Whether it succeeded."""
        return self.error is None and not self.killed

    def __str__(self) -> str:
        requests = "\n".join(f"    {method} {path}  {fault or ''}" for method, path, fault in self.traffic.requests)
        done = getattr(self.result, "action", self.result)
        return f"{'killed' if self.killed else self.error or done}\n{requests}"


class Stage:
    """The world, the service, the computers and the wire."""

    def __init__(self) -> None:
        check_no_disk_is_left()
        self.world = World()
        self.service = Service(self.world)
        self.computers = [Computer(self.world) for _number in range(3)]
        self.wire = Wire(self.world, self.service)
        self.counts: collections.Counter[str] = collections.Counter()
        self.story: list[str] = []

    def note(self, text: str) -> None:
        """Record what happened, for the report of a failure."""
        self.story.append(f"{self.world.date:%Y-%m-%d %H:%M:%S} {text}")

    def run(self, plan: Plan, work: Callable[[Client], T], meanwhile: Callable[[Plan], Any], **origin: Any) -> Run[T]:
        """Run some work under a plan.

        Args:
            plan: what it meets.
            work: the work, given a client.
            meanwhile: starts the run that comes in the middle of this one.
            origin: facts about the run for the moment when the service carries out its requests.
        """
        run: Run[T] = Run(plan, self.world.now)
        disk = Disk(plan.crash_at, plan.full_at, lambda: between(AT_LOCK))
        run.__dict__.update(origin)

        def between(number: int) -> None:
            if plan.meanwhile is not None and number == plan.meanwhile[0]:
                meanwhile(plan.meanwhile[1])
            if plan.dies_at is not None and number >= plan.dies_at:
                disk.die()

        run.traffic = Traffic(plan.view, dict(plan.faults), plan.write_faults, between, run)
        with self.wire.carrying(run.traffic), disk.at_work(), on(self.computers[plan.computer]):
            try:
                run.result = work(Client(URL, "the-api-key"))
            except DigicertError as error:
                run.error = error
            except Crash:
                run.killed = True
        self._count(run)
        return run

    def _count(self, run: Run[Any]) -> None:
        self.counts["runs"] += 1
        self.counts["runs killed"] += run.killed
        self.counts["runs failed"] += run.error is not None
        self.counts["exchanges"] += len(run.traffic.requests)
        self.counts["exchanges with a fault"] += sum(fault is not None for *_rest, fault in run.traffic.requests)


LAST_STORY: list[str] = []
TOTALS: collections.Counter[str] = collections.Counter()


def finish(stage: Stage) -> None:
    """Add what a history counted to the totals, and keep its story."""
    LAST_STORY[:] = stage.story
    TOTALS.update(stage.counts)
