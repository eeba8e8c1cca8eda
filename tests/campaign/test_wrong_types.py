# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses with invalid fields: each field of each call, with values of every type, or omitted."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.campaign.calls import CALLS, Call
from tests.campaign.checks import (
    check_end,
    check_files_kept,
    check_no_leftovers,
    check_nothing_twice,
    check_secrets,
    check_speech,
    check_types,
)
from tests.campaign.conftest import Record
from tests.campaign.stage import Stage

MODULES = Path(__file__).parents[2] / "plugins" / "modules"
REMOVED: t.Final = object()
VALUES: dict[str, t.Any] = {
    "missing": REMOVED,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "number": 7,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "beyond": 10**5000,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "no text": "",
    "text": "x",
    "long text": "x" * 100_000,
    "control characters": "a\x00b\x1b[31m\r\n\u2028c",
    "surrogate": "\ud800",
    "list": [],
    "nested list": [[]],
    "list of null": [None],
    "object": {},
    "nested object": {"a": {"b": []}},
}
# A text in these places is of the right type: it says that the order is for something else.
TELLING = ("/product/name_id", "/certificate/common_name")
BOUNDS = {"timeout": 8, "retry_timeout": 1, "wait_timeout": 1}


def _is_wrong(field: str, value: t.Any) -> bool:
    """Whether this value is not possible in this place."""
    if value is REMOVED and (field == "" or field.rpartition("/")[2].isdigit()):
        return False
    if isinstance(value, str) and field.endswith(TELLING):
        return False
    if value is True and field.endswith(("/auto_reissue", "/is_renewed", "/auto_renew")):
        return False
    if value == [] and field.endswith(("/auth_keys", "/orders")):
        return False
    if value is None and field.endswith("/auth_keys"):
        return False
    return not (value in (None, REMOVED) and field.endswith("/expiration_datetime"))


def _cases() -> t.Iterator[t.Any]:
    for call in CALLS:
        for field, value in itertools.product(call.fields, VALUES):
            if _is_wrong(field, VALUES[value]):
                yield pytest.param(call, field, value, id=f"{call.name}-{field or 'all'}-{value}")


@pytest.mark.parametrize(("call", "field", "value"), list(_cases()))
def test_cell(stage: Stage, record: Record, call: Call, field: str, value: str) -> None:
    options = call.prepare(stage)
    before = stage.contents()
    sent = len(stage.simulator.log)
    wrong = VALUES[value]
    change = {"remove": (field,)} if wrong is REMOVED else {"edit": {field: wrong}}
    # The responses in which a lost create is searched stay wrong, because one right response would show it.
    looking = call.name.startswith(("look", "read a found"))
    stage.inject(call, times=None if looking else 1, **change)
    bounds = {name: bound for name, bound in BOUNDS.items() if name in options or name != "wait_timeout"}
    result = stage.run(call.module, {**options, **bounds})
    record(call.name, f"{value} in {field}", "carried on" if result.ok else "clear failure")
    assert any(entry.fault == "cell" for entry in stage.simulator.log)
    check_speech(stage, result)
    check_nothing_twice(stage, call)
    check_no_leftovers(stage)
    if result.ok:
        check_types(result.answer, _documented(call.module))
    else:
        check_files_kept(before, stage.contents())
    stage.simulator.clear_faults()
    again = {name: value for name, value in options.items() if name not in call.once}
    second = stage.run(call.module, {**again, **BOUNDS} if "wait_timeout" in options else again)
    check_end(stage, call, second)
    check_secrets(stage, [result, second], call.module)
    record.requests += len(stage.simulator.log) - sent


_DOCUMENTED: dict[str, dict[str, t.Any]] = {}


def _documented(module: str) -> dict[str, t.Any]:
    """Return the documentation of a module's return values."""
    if module not in _DOCUMENTED:
        text = (MODULES / f"{module}.py").read_text(encoding="utf-8")
        _DOCUMENTED[module] = yaml.safe_load(text.split('RETURN = r"""')[1].split('"""')[0])
    return _DOCUMENTED[module]
