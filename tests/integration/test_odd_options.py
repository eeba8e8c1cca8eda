# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invalid options: each leads to one sentence, and a private key in an option is neither used nor shown."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.module_runs import run_module
from tests.support.playbooks import Ansible

REQUEST, FILE, CHECK = "digicert_certificate_request", "digicert_dcv_file", "digicert_dcv_check"
NO_CHARACTER = "contains a NUL or another character that cannot be used. Correct it."
NO_CHARACTER_AT_ALL = "The options of this task contain a character that cannot be used. Correct them."
WRONG_TYPE = "has a value of the wrong type. Use the type in the documentation."
INFO, CERTIFICATE, RECORD = "digicert_certificate_info", "digicert_certificate", "digicert_dcv_record"
OFFLINE = {"api_key": "k" * 20, "api_url": "http://127.0.0.1:1", "retry_timeout": 0, "timeout": 1}


def request_options(folder: Path, **more: t.Any) -> dict[str, t.Any]:
    paths = {"private_key_path": f"{folder}/a.key", "csr_path": f"{folder}/a.csr"}
    return {**paths, "common_name": "a.example", "private_key_type": "ECC", **more}


@pytest.mark.parametrize("mode", [10**30, -1, True, 0.5, [], {"a": 1}, "7777777777777777", "-1", "x" * 5000], ids=repr)
@pytest.mark.parametrize("option", ["mode", "private_key_mode"])
def test_a_mode_that_is_none(tmp_path: Path, option: str, mode: t.Any) -> None:
    result = run_module(REQUEST, request_options(tmp_path, **{option: mode}))
    assert result["rc"] == 1
    assert "is not a mode" in result["msg"]
    assert len(result["msg"]) < 700


@pytest.mark.parametrize(
    ("mode", "drifts"),
    [
        ("0640", False),
        ("640", False),
        (0o640, False),
        ("u=rw,g=r,o=", False),
        ("o-rwx", False),
        ("g+w", True),
        (640, True),
    ],
)
def test_a_mode_is_compared_however_it_is_spelled(tmp_path: Path, mode: t.Any, drifts: bool) -> None:
    for name in ("a.key", "a.pem"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o640)
    options = {"private_key_path": f"{tmp_path}//./a.key", "path": f"{tmp_path}/a.pem"}
    found = run_module(INFO, {**options, "private_key_mode": mode, "mode": mode})["drift"]
    assert [one["is_private_key"] for one in found if one["what"] == "mode"] == [False, True] * drifts
    assert "is not a mode" in run_module(INFO, {**options, "mode": "u?rw"})["msg"]


@pytest.mark.parametrize("name", ["\u00b2", "99999999999999999999", str(2**32 - 1), "x" * 5000], ids=repr)
@pytest.mark.parametrize("option", ["owner", "group"])
def test_a_user_or_group_that_there_cannot_be(tmp_path: Path, option: str, name: str) -> None:
    result = run_module(FILE, {"webroot": str(tmp_path), "value": "abc", option: name})
    assert result["rc"] == 1
    assert result["msg"].startswith(("The user ", "The group "))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["private_key_path", "csr_path", "common_name"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_required_option_that_is_null(tmp_path: Path, option: str, value: str | None) -> None:
    result = run_module(REQUEST, request_options(tmp_path, **{option: value}))
    assert result["msg"] == f"{option} is empty. Set it for state=present."


def test_nothing_to_activate() -> None:
    result = run_module(REQUEST, {"state": "activated", "activate_paths": []})
    assert result["msg"] == "activate_paths is empty. Set it for state=activated."


@pytest.mark.parametrize("value", ["a\0b", "/x/\udcff"], ids=repr)
@pytest.mark.parametrize(
    ("module", "option"),
    [(INFO, "path"), (INFO, "dns_names"), (FILE, "owner"), (CERTIFICATE, "comments"), (RECORD, "server")],
)
def test_a_character_that_ansible_cannot_log(module: str, option: str, value: str) -> None:
    # Some versions of Ansible do not even pass it on.
    assert run_module(module, {option: value})["msg"] in (f"{option} {NO_CHARACTER}", NO_CHARACTER_AT_ALL)


@pytest.mark.parametrize(
    ("module", "option", "value"),
    [
        (CERTIFICATE, "order_validity", 1),
        (CERTIFICATE, "order_validity", [None]),
        (CERTIFICATE, "wait_timeout", float("inf")),
        (REQUEST, "private_key_size", float("inf")),
        (INFO, "remaining_days", float("-inf")),
    ],
)
def test_a_value_that_ansible_fails_to_convert(module: str, option: str, value: t.Any) -> None:
    result = run_module(module, {**OFFLINE, "path": "/nowhere/a", option: value})
    assert (result["rc"], result["msg"]) == (1, f"{option} {WRONG_TYPE}")


@pytest.mark.parametrize(
    ("module", "option", "value", "named"),
    [
        ("digicert_auth_key", "ttl_days", True, "ttl_days"),
        ("digicert_auth_key", "timeout", False, "timeout"),
        (CERTIFICATE, "order_validity", {"days": True}, "days"),
        (CERTIFICATE, "custom_fields", [{"metadata_id": True, "value": "a"}], "metadata_id"),
    ],
)
def test_a_truth_value_is_not_a_number(module: str, option: str, value: t.Any, named: str) -> None:
    result = run_module(module, {**OFFLINE, option: value})
    assert (result["rc"], result["msg"]) == (1, f"{named} must be a number, not true or false.")


def test_what_surveys_make_of_a_missing_value_is_not_given(tmp_path: Path) -> None:
    for empty in ("", None):
        given = dict.fromkeys(("owner", "group", "mode", "private_key_mode"), empty)
        assert run_module(REQUEST, request_options(tmp_path, dns_names=[empty, "b.example"], **given))["rc"] == 0
        given = dict.fromkeys(("chain_path", "csr_path", "owner", "dns_names"), empty)
        result = run_module(INFO, {"path": f"{tmp_path}/a.pem", "common_name": "a.example", **given})
        assert (result["rc"], result["due"]) == (0, True), result
    assert run_module(FILE, {"webroot": "", "value": "a"})["msg"] == "webroot is empty. Set it to a path."
    assert (
        run_module(CERTIFICATE, {**OFFLINE, "path": "", "csr_content": "x"})["msg"]
        == "path is empty. Set it to a path."
    )
    record = {"server": "", "record": "a.example", "value": "abc"}
    assert run_module(RECORD, record)["msg"].startswith("server is empty.")
    result = run_module("digicert_order_info", {**OFFLINE, "order_id": 1, "ca_path": ""})
    assert "no connection (Connection refused)" in result["msg"]


@pytest.mark.parametrize("number", [":", "0", " ", "00:00", "f" * 5000])
@pytest.mark.parametrize("module", ["digicert_certificate_revoke", "digicert_order_info"])
def test_a_serial_number_that_names_nothing(module: str, number: str) -> None:
    result = run_module(module, {**OFFLINE, "serial_number": number})
    assert result["msg"] == "serial_number must be a hexadecimal number, such as 0A1B2C3D."


@pytest.mark.parametrize(
    ("module", "options", "option"),
    [
        (REQUEST, {"private_key_path": "/nowhere/a", "csr_path": "/nowhere/b"}, "common_name"),
        (REQUEST, {"csr_path": "/nowhere/b", "common_name": "a.example"}, "private_key_path"),
        (FILE, {"webroot": "/nowhere"}, "value"),
        (FILE, {"value": "abc"}, "webroot"),
        (CHECK, {"names": ["a.example"], "method": "dns", "auth_key": "a" * 20}, "csr"),
        ("digicert_certificate", OFFLINE, "csr"),
        ("digicert_certificate_revoke", OFFLINE, "path"),
    ],
    ids=str,
)
def test_a_private_key_in_any_option_is_not_shown(
    ansible: Ansible, module: str, options: dict[str, t.Any], option: str
) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    text = key.decode()
    run = ansible.adhoc(f"community.digicert.{module}", {**options, option: text}, "-vvv")
    assert run.last.msg.startswith(f"{option} contains a private key"), run.output
    assert not any(line in run.output for line in text.splitlines()[1:-1])
