# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables are complete: they contain every call that the collection can send, and every call of the service."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.campaign.calls import CALLS, Call
from tests.campaign.conftest import Rehearsals
from tests.simulator.api import create_api
from tests.simulator.request_log import BASE_PATH

UTILS = Path(__file__).parents[2] / "plugins" / "module_utils"
# Calls of the service that no module uses.
UNUSED = {
    ("DELETE", "/account/auth-key"),
    ("PUT", "/request/<int:request_id>/status"),
    ("GET", "/certificate/<certificate>"),
    ("GET", "/certificate/<certificate>/chain"),
}


def _senders() -> set[str]:
    """Return the names of the functions that send a request with a client."""
    found = set()
    for file in UTILS.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Attribute) and node.attr == "request" and "client" in ast.unparse(node):
                        found.add(function.name)
    return found


def test_every_function_that_sends_a_request_has_a_row() -> None:
    assert {call.function for call in CALLS} == _senders()


def test_every_call_of_the_service_has_a_row_or_is_not_used() -> None:
    for rule in create_api().url_map.iter_rules():
        [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        path = rule.rule[len(BASE_PATH) :]
        sample = path.replace("<format_>", "pem_all").replace("<product>", "ssl_dv_geotrust_flex")
        sample = re.sub("<[a-z_:]+>", "1", sample)
        rows = [call for call in CALLS if call.method == method and re.search(call.path, sample)]
        assert bool(rows) != ((method, path) in UNUSED), (method, path)


def test_names_are_unique() -> None:
    assert len({call.name for call in CALLS}) == len(CALLS)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_call_happens_where_its_row_says(rehearsals: Rehearsals, call: Call) -> None:
    assert rehearsals.requests_before(call) >= call.skip
