# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conclusions from each response to a request that creates something match the table in docs/quality.md.

The work runs in this process, on a clock that it shares with the simulator, so ten minutes take no time.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _certcentral, _issuance
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_creation import ensure_present
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import AuthKeySpec
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import request, workflow
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths

from tests.campaign.checks import check_installed
from tests.campaign.conftest import Record
from tests.campaign.stage import Stage
from tests.simulator import Fault, OrderBehaviour, ServiceBehaviour, Simulator

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"
COLLECTION = "ansible_collections.community.digicert.plugins."
QUIET, LAG = 600, 60  # seconds: no second try before, and how far reads are behind
KINDS = ("order", "reissue", "permanent AuthKey")
STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 499, 500, 502, 503, 504)
BOTH = (True, False)
LIMIT, OTHER = "request_limit_exceeded", "some_code"
REFUSED, LIMITED, LOST = "refused", "not carried out", "lost"


class SharedTime:
    """Replaces the module `time`: sleeping only moves this clock and the simulator's."""

    def __init__(self, simulator: Simulator) -> None:
        """Begin at the machine's time."""
        self._simulator = simulator
        self.slept = 0.0

    def time(self) -> float:
        """Return the time of this clock, in seconds since 1970."""
        return time.time() + self.slept

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept += seconds
        self._simulator.advance(seconds=seconds)


@pytest.fixture
def clock(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> SharedTime:
    """The clock of simulator and collection."""
    shared = SharedTime(stage.simulator)
    for package in (_certcentral, _issuance):  # whose modules are imported when they are needed
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    for name, module in list(sys.modules.items()):
        if name.startswith(COLLECTION) and getattr(module, "time", None) is time:
            monkeypatch.setattr(module, "time", shared)
    return shared


class Seen(t.NamedTuple):
    """What one run did: requests that create something, seconds, and the error."""

    posts: int
    took: float
    failure: DigicertError | None


def conclusions() -> dict[tuple[int, bool], str]:
    """Return the table of the page: status and whether there is a code -> what is concluded."""
    rows = re.findall(r"^\| ([0-9, ]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    table = {}
    for statuses, with_code, without_code in rows:
        for status in statuses.split(", "):
            table[int(status), True], table[int(status), False] = with_code, without_code
    return table


def concluded(status: int, code: str | None) -> str:
    """Return the conclusion on the page: with 429, only the rate limit's own code counts as a code."""
    return conclusions()[status, code is not None and not (status == 429 and code == OTHER)]


def answer(status: int, code: str | None) -> dict[str, t.Any]:
    """Return the fields of a fault that answers with a status."""
    body = {"errors": [{"code": code, "message": "No."}]} if code is not None else "<html>Bad Gateway</html>"
    return {"status": status, "body": None if status == 204 and code is None else body}


def run(stage: Stage, clock: SharedTime, kind: str) -> Seen:
    """Run once for a certificate or a key."""
    client = Client(stage.simulator.http_url, stage.simulator.keys["full"], retry_timeout=60)
    before, began, failure = _posts(stage), clock.monotonic(), None
    try:
        if kind == "permanent AuthKey":
            ensure_present(client, AuthKeySpec())
        else:
            values = {**request.DEFAULTS, "dns_names": [], "wait_timeout": 3600}
            wanted = request.certificate_request(stage.csr, values)
            files: dict[str, t.Any] = {**stage.all_files()}
            paths = InstallPaths(**files)
            workflow.Workflow(client, wanted, request.issuance_options(values), paths).run(workflow.install_files)
    except DigicertError as error:
        failure = error
    return Seen(_posts(stage) - before, clock.monotonic() - began, failure)


def _posts(stage: Stage) -> int:
    return sum(entry.method == "POST" for entry in stage.simulator.log)


def test_the_page_has_every_answer() -> None:
    assert set(conclusions()) == {(status, has_code) for status in STATUSES for has_code in (True, False)}
    assert set(conclusions().values()) == {REFUSED, LIMITED, LOST}


def _codes(status: int) -> tuple[str | None, ...]:
    return (LIMIT, OTHER, None) if status == 429 else (OTHER, None)


def _cells() -> t.Iterator[t.Any]:
    answers = [(status, code) for status in STATUSES for code in _codes(status)]
    for kind, (status, code), commit, behind in itertools.product(KINDS, answers, BOTH, (0, LAG)):
        # The rate limit does not let requests through, so one search is enough after its own code.
        if not (concluded(status, code) == LIMITED and commit and behind):
            words = (code or "no code", "after" if commit else "before", f"list {behind} s behind")
            yield pytest.param(kind, status, code, commit, behind, id="-".join([kind, str(status), *words]))


@pytest.mark.parametrize(("kind", "status", "code", "commit", "behind"), list(_cells()))
def test_cell(
    stage: Stage,
    clock: SharedTime,
    record: Record,
    kind: str,
    status: int,
    code: str | None,
    commit: bool,
    behind: int,
) -> None:
    simulator = stage.simulator
    simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    lags: dict[str, t.Any] = {"list_lag": behind, "info_lag": behind, "alternate_lag": behind}
    if kind != "permanent AuthKey":
        simulator.seed_auth_key()
    if kind == "reissue":
        stage.bought_files()
        simulator.advance(seconds=2 * LAG)
        clock.slept += 2 * LAG
    simulator.set_service_behaviour(ServiceBehaviour(**lags))
    if kind == "permanent AuthKey" and behind:
        simulator.inject(Fault(name="behind", path="/auth-keys$", times=4, edit={"/auth_keys": []}))
    simulator.inject(Fault(name="cell", method="POST", commit=commit, **answer(status, code)))
    first = run(stage, clock, kind)
    conclusion = concluded(status, code)
    record(kind, f"{status} {code or 'without code'}", conclusion)
    _check(kind, conclusion, first, commit)
    # The next run begins at once, before lists show what was carried out despite a refusal.
    while run(stage, clock, kind).failure is not None:
        clock.sleep(LAG)
        assert clock.slept < 10 * QUIET
    record.requests += len(simulator.log)
    simulator.clear_faults()
    assert run(stage, clock, kind).posts == 0
    assert len(simulator.auth_keys()) == 1
    assert [len(order.enrollments) for order in simulator.orders()] == {"order": [1], "reissue": [2]}.get(kind, [])
    if kind != "permanent AuthKey":
        check_installed(stage)


def _check(kind: str, conclusion: str, seen: Seen, commit: bool) -> None:
    """Compare what a run did with the conclusion on the page."""
    if conclusion == REFUSED:
        assert seen.failure is not None
        assert seen.posts == 1
    elif conclusion == LIMITED:
        assert seen.failure is None
        assert seen.posts == (1 if commit and kind != "permanent AuthKey" else 2)
        assert seen.took < QUIET
    else:
        assert seen.failure is None
        if kind == "permanent AuthKey":
            return
        assert seen.posts == (1 if commit else 2)
        assert (seen.took >= QUIET) == (not commit)
