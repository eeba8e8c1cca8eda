# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of service, network and TLS at every call: the module succeeds, or fails with one clear sentence."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.campaign.calls import CALLS, Call
from tests.campaign.checks import (
    check_end,
    check_files_kept,
    check_no_leftovers,
    check_nothing_twice,
    check_secrets,
    check_speech,
)
from tests.campaign.conftest import Record, Rehearsals
from tests.campaign.faults import FAULTS, FaultRow
from tests.campaign.stage import Stage

PATIENCE = {"timeout": 8, "retry_timeout": 10}
IMPATIENCE = {"timeout": 8, "retry_timeout": 1, "wait_timeout": 1}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_cell(stage: Stage, rehearsals: Rehearsals, record: Record, call: Call, fault: FaultRow) -> None:
    after = rehearsals.requests_before(call)
    options = call.prepare(stage)
    before = stage.contents()
    sent = len(stage.simulator.log)
    bounds = PATIENCE if fault.times is not None else IMPATIENCE
    bounds = {name: bound for name, bound in bounds.items() if name in options or name != "wait_timeout"}
    met = _inject(stage, call, fault, after)
    way, env = _way(stage, fault)
    result = stage.run(call.module, {**options, **bounds, **fault.options, **way}, more_env=env)
    record(call.name, fault.name, "carried on" if result.ok else "clear failure")
    stage.settle()
    assert met(), "the fault was not met"
    check_speech(stage, result)
    check_nothing_twice(stage, call)
    check_no_leftovers(stage)
    if fault.endured_by(call):
        assert result.ok, result.msg
    else:
        assert not result.ok
        assert re.search(fault.words, result.msg), result.msg
        check_files_kept(before, stage.contents())
    _heal(stage)
    again = {name: value for name, value in options.items() if name not in call.once}
    second = stage.run(call.module, {**again, **PATIENCE})
    check_speech(stage, second)
    check_end(stage, call, second)
    if result.ok:
        assert result.answer["changed"] or call.kind != "CHANGE"
        assert not second.answer["changed"]
    check_no_leftovers(stage)
    check_secrets(stage, [result, second], call.module)
    record.requests += len(stage.simulator.log) - sent


def _inject(stage: Stage, call: Call, fault: FaultRow, after: int) -> t.Callable[[], bool]:
    """Cause the fault at the call, and return a function that says whether it happened."""
    if fault.wire is not None:
        fields = _with_secrets(stage, fault.wire)
        stage.inject(call, times=fault.times, **fields)
        return lambda: any(entry.fault == "cell" for entry in stage.simulator.log)
    assert fault.relay is not None
    kind = fault.certificate
    stage.simulator.set_transport(keep_alive=False)
    stage.relay.fail(
        fault.relay,
        after=after,
        times=fault.times,
        before=lambda: stage.simulator.set_transport(certificate=kind, keep_alive=False),
    )
    return lambda: stage.relay.met > 0 or fault.relay == "refuse"


def _way(stage: Stage, fault: FaultRow) -> tuple[dict[str, str], dict[str, str]]:
    """Return the module's options and environment for its connection to the service."""
    if fault.relay is None:
        return {}, {}
    if fault.proxied:
        return {}, {"HTTPS_PROXY": f"http://127.0.0.1:{stage.relay.port}"}
    return {"api_url": f"https://127.0.0.1:{stage.relay.port}/services/v2"}, {}


def _with_secrets(stage: Stage, wire: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a fault with real secrets instead of their names."""
    keys = stage.simulator.auth_keys()
    auth_key = keys[0].auth_key if keys else "none yet"

    def filled(value: t.Any) -> t.Any:
        if isinstance(value, str):
            return value.replace("API key", stage.secrets["API key"]).replace("AuthKey", auth_key)
        return {name: filled(each) for name, each in value.items()} if isinstance(value, dict) else value

    return {name: filled(value) for name, value in wire.items()}


def _heal(stage: Stage) -> None:
    stage.simulator.clear_faults()
    stage.simulator.set_transport()
    stage.relay.reset()
