# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the fault campaign, and its counts at the end."""

from __future__ import annotations

import os
import re
import shutil
import sys
import typing as t
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.campaign.calls import Call
from tests.campaign.processes import Processes
from tests.campaign.relay import Relay
from tests.campaign.stage import Stage
from tests.simulator import Simulator

# The simulator must be able to send numbers that Python would not read.
sys.set_int_max_str_digits(0)


class Record:
    """What one cell contributes to the counts."""

    def __init__(self) -> None:
        """Start with empty counts."""
        self.call = self.fault = self.outcome = ""
        self.requests = 0

    def __call__(self, call: str, fault: str, outcome: str) -> None:
        """Record the cell, and what the module did."""
        self.call, self.fault, self.outcome = call, fault, outcome


@pytest.fixture(scope="session")
def _simulator() -> t.Iterator[Simulator]:
    assert "ANSIBLE_COLLECTIONS_PATH" in os.environ, "ANSIBLE_COLLECTIONS_PATH must name a tree with this collection"
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def _relay(_simulator: Simulator) -> t.Iterator[Relay]:
    relay = Relay(t.cast(int, urlsplit(_simulator.url).port))
    yield relay
    relay.stop()


@pytest.fixture(scope="session")
def _processes() -> t.Iterator[Processes]:
    with Processes() as processes:
        yield processes


@pytest.fixture
def stage(_simulator: Simulator, _relay: Relay, _processes: Processes, tmp_path: Path) -> t.Iterator[Stage]:
    """An account without anything and a host without files."""
    _simulator.reset()
    _relay.reset()
    yield Stage(_simulator, _relay, _processes, tmp_path)
    shutil.rmtree(tmp_path)


class Rehearsals:
    """Each call without fault, once a session, to find the requests before it."""

    def __init__(self, simulator: Simulator, relay: Relay, processes: Processes, directory: Path) -> None:
        """Work in `directory`, an empty one."""
        self._tools = (simulator, relay, processes)
        self._directory = directory
        self._before: dict[str, int] = {}

    def requests_before(self, call: Call) -> int:
        """Return how many requests the module sends before this call; this resets the simulator."""
        if call.name not in self._before:
            simulator = self._tools[0]
            simulator.reset()
            directory = self._directory / call.name
            directory.mkdir()
            stage = Stage(*self._tools, directory)
            options = call.prepare(stage)
            sent = len(simulator.log)
            result = stage.run(call.module, {**options, "retry_timeout": 3})
            assert result.ok, result
            kinds = [entry.method == call.method and re.search(call.path, entry.path) for entry in simulator.log[sent:]]
            self._before[call.name] = [place for place, fits in enumerate(kinds) if fits][call.skip]
            simulator.reset()
        return self._before[call.name]


@pytest.fixture(scope="session")
def rehearsals(
    _simulator: Simulator, _relay: Relay, _processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Rehearsals:
    """Each call without fault."""
    return Rehearsals(_simulator, _relay, _processes, tmp_path_factory.mktemp("rehearsals"))


@pytest.fixture
def record(record_property: t.Callable[[str, object], None]) -> t.Iterator[Record]:
    """What this cell contributes to the counts."""
    record = Record()
    yield record
    record_property("cell", [record.call, record.fault, record.outcome, record.requests])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep each nth cell, n from CAMPAIGN_STRIDE: each call still meets some faults, and each fault some calls."""
    stride = int(os.environ.get("CAMPAIGN_STRIDE", "1"))
    cells = [item for item in items if item.path.name != "test_tables.py"]
    left_out = {item for place, item in enumerate(cells) if place % stride}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Print the number of cells, their outcomes, and the number of requests."""
    cells = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "teardown":
                cells += [value for name, value in report.user_properties if name == "cell"]
    calls, faults = ({cell[place] for cell in cells} for place in (0, 1))
    outcomes = Counter(cell[2] for cell in cells)
    requests = sum(cell[3] for cell in cells)
    terminalreporter.section("fault campaign")
    terminalreporter.line(f"{len(cells)} cells: {len(calls)} calls x {len(faults)} faults, {requests} requests")
    for outcome, count in sorted(outcomes.items()):
        terminalreporter.line(f"  {outcome}: {count}")
