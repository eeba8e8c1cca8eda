# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's steps on a host, derived from what the host reports, true or false."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.filter.dv_certificate_plan import dv_certificate_plan
from ansible_collections.community.digicert.plugins.plugin_utils._dv_certificate import normalize_options

OPTIONS = normalize_options(
    {"common_name": "www.example.com", "directory": "/etc/ssl", "combined_path": None, "pkcs12_path": None}
)
IN_PLACE: dict[str, t.Any] = {
    "due": False,
    "is_complete": True,
    "certificate": "PEM",
    "csr": "PEM",
    "drift": [],
    "serial_number": "0A1B",
    "not_after": "2027-06-10T23:59:59+00:00",
    "journal": {"state": "known", "order_id": 7, "order_valid_till": "2027-11-27T23:59:59+00:00"},
    "staged": {"files": [], "is_ready": False},
}
STAGED = {"files": ["/etc/ssl/www.example.com.key.next"], "is_ready": True}
SENT = {"state": "sent", "order_id": None}


@pytest.mark.parametrize(
    ("look", "options", "true"),
    [
        ({}, {}, set()),
        ({"due": "false"}, {}, set()),
        ({"due": True}, {}, {"has_work", "is_due", "wants_new_csr"}),
        ({}, {"force": True}, {"has_work", "is_due", "wants_new_csr"}),
        ({"due": True}, {"new_private_key": True}, {"has_work", "is_due", "is_staged"}),
        ({"due": True, "staged": STAGED}, {}, {"has_work", "is_due", "is_staged", "can_activate"}),
        ({"journal": SENT}, {"new_private_key": True}, {"has_work", "is_due", "is_under_way"}),
        ({"journal": SENT, "staged": STAGED}, {}, {"has_work", "is_due", "is_under_way", "is_staged"}),
        ({"drift": [{"path": "/etc/ssl/x", "what": "mode", "is_private_key": False}]}, {}, {"has_work", "has_drifted"}),
        (
            {"drift": [{"path": "/etc//ssl/x", "what": "mode", "is_private_key": True}]},
            {},
            {"has_work", "has_drifted", "key_has_drifted"},
        ),
        ({}, {"combined_path": "/etc/ssl/x"}, {"has_work", "has_bundles"}),
    ],
)
def test_what_is_to_be_done(look: dict[str, t.Any], options: dict[str, t.Any], true: set[str]) -> None:
    plan = dv_certificate_plan({**IN_PLACE, **look}, {**OPTIONS, **options})
    plan.pop("result")
    assert set(plan.values()) <= {True, False}
    assert {name for name, value in plan.items() if value} - {"has_certificate", "has_csr", "is_complete"} == true


def test_a_host_with_nothing_gets_a_certificate_with_its_first_private_key() -> None:
    nothing = {"due": True, "certificate": None, "csr": None, "journal": {"state": "none"}, "staged": {"files": []}}
    plan = dv_certificate_plan(nothing, {**OPTIONS, "new_private_key": True})
    assert {name for name, value in plan.items() if value is True} == {"has_work", "is_due"}


def test_what_the_role_returns() -> None:
    in_place = {"serial_number": "0A1B", "not_after": IN_PLACE["not_after"]}
    order = {"order_id": 7, "order_valid_till": IN_PLACE["journal"]["order_valid_till"]}
    nothing = {"changed": False, "action": "none"}
    assert dv_certificate_plan(IN_PLACE, OPTIONS)["result"] == {**nothing, **order, **in_place}
    issued = {"changed": True, "action": "renewed", "order_id": 8, "order_valid_till": None, "serial_number": "0C",
              "not_after": None}  # fmt: skip
    assert dv_certificate_plan(IN_PLACE, OPTIONS, {**issued, "certificate": "PEM"})["result"] == issued
    assert dv_certificate_plan(IN_PLACE, OPTIONS, {"skipped": True})["result"] == {**nothing, **order, **in_place}


@pytest.mark.parametrize(
    "lie", ["{{ lookup('pipe', 'id') }}", "\x1b]0;owned\x07", "0A1B\n", {"a": 1}, [["x"]], 2**70, -1, True, 1.5, None]
)
def test_a_host_cannot_bring_anything_else_in(lie: t.Any) -> None:
    looks = [dict.fromkeys(IN_PLACE, lie), {**IN_PLACE, "journal": dict.fromkeys(IN_PLACE["journal"], lie)}]
    for look in (*looks, {**IN_PLACE, "drift": [lie]}, {**IN_PLACE, "staged": {"files": lie, "is_ready": lie}}):
        for issued in ({}, dict.fromkeys((*IN_PLACE, "action", "changed", "order_id"), lie)):
            plan = dv_certificate_plan(look, OPTIONS, issued)
            text = json.dumps(plan)
            assert not any(part in text for part in ("lookup", "owned", "\\n"))
            result = plan.pop("result")
            assert set(plan.values()) <= {True, False}
            assert result["order_id"] in (None, 7)
            assert result["action"] == "none"


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(AnsibleFilterError):
        dv_certificate_plan("text", OPTIONS)
