# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane and the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulator import Fault, Simulator
from tests.support.service_calls import Call


def test_facts(control: Call, sim: Simulator) -> None:
    assert control("GET", "").json() == sim.facts
    assert set(sim.facts) == {"url", "http_url", "ca_file", "keys"}


def test_control_calls_are_not_logged(control: Call, call: Call) -> None:
    call("GET", "/account/auth-keys")
    (entry,) = control("GET", "/log").json()["entries"]
    assert (entry["path"], entry["status"], entry["headers"]["X-Dc-Devkey"]) == ("/account/auth-keys", 200, "full")


def test_faults(control: Call, call: Call, sim: Simulator) -> None:
    assert control("POST", "/faults", json={"status": 503}).ok
    assert control("POST", "/faults", json=[{"status": 504}, {"path": "never"}]).ok
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(3)] == [503, 504, 200]
    assert control("GET", "/faults").json() == {"faults": [Fault(path="never").to_json()]}
    assert control("DELETE", "/faults").ok
    assert sim.faults == []


@pytest.mark.parametrize(
    "fault", [7, {"unknown": 1}, {"drop": "gently"}, {"path": "("}, {"times": 0}, [{"status": 500}, {"times": 0}]]
)
def test_bad_fault_is_refused(control: Call, sim: Simulator, fault: Any) -> None:
    answer = control("POST", "/faults", json=fault)
    assert (answer.status_code, sim.faults) == (400, [])
    assert answer.json()["error"]


def test_limits(control: Call, call: Call) -> None:
    limits = {"limits": [{"requests": 1, "seconds": 60}], "retry_after": True}
    assert control("PUT", "/limits", json=limits).ok
    assert call("GET", "/account/auth-keys").ok
    assert call("GET", "/account/auth-keys").headers["Retry-After"] == "60"
    assert control("PUT", "/limits", json={"limits": []}).ok
    assert call("GET", "/account/auth-keys").ok


def test_transport(control: Call, call: Call, sim: Simulator) -> None:
    assert control("PUT", "/transport", json={"certificate": "unknown-ca", "keep_alive": False}).ok
    assert call("GET", "/account/auth-keys", verify=False).headers["Connection"] == "close"
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        call("GET", "/account/auth-keys")
    assert control("PUT", "/transport", json={"certificate": "none"}).status_code == 400
    sim.reset()
    assert "Connection" not in call("GET", "/account/auth-keys").headers


def test_fault_that_edits(control: Call, call: Call) -> None:
    assert control("POST", "/faults", json={"edit": {"/auth_keys": 7}, "remove": []}).ok
    assert call("GET", "/account/auth-keys").json() == {"auth_keys": 7}


def test_auth_keys(control: Call, call: Call) -> None:
    expired = {"auth_key_id": "old", "auth_key": "é", "expiration_datetime": "2020-01-01T00:00:00+00:00"}
    assert control("POST", "/accounts/other/auth-keys", json=expired).json() == expired | {
        "enabled": True,
        "active": False,
    }
    assert call("GET", "/account/auth-key/old", role="other_full").json() == expired
    control("POST", "/accounts/other/auth-keys", json={"enabled": False})
    listed = control("GET", "/accounts/other/auth-keys").json()["auth_keys"]
    assert [(key["enabled"], key["active"], key["expiration_datetime"]) for key in listed] == [
        (True, False, "2020-01-01T00:00:00+00:00"),
        (False, False, None),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/accounts/nobody/auth-keys", {}),
        ("/accounts/main/auth-keys", {"expiration_datetime": "soon"}),
        ("/accounts/main/auth-keys", {"expiration_datetime": "2020-01-01T00:00:00"}),
        ("/accounts/main/auth-keys", {"what": 1}),
    ],
)
def test_bad_seed_is_refused(control: Call, sim: Simulator, path: str, value: dict[str, Any]) -> None:
    assert control("POST", path, json=value).status_code == 400
    assert sim.auth_keys() == []


def test_reset(control: Call, call: Call, sim: Simulator) -> None:
    control("PUT", "/limits", json={"limits": [{"requests": 1, "seconds": 60}]})
    call("POST", "/account/auth-key")
    number = sim.log[-1].number
    sim.inject(Fault(status=500))
    assert control("POST", "/reset").ok
    assert (sim.log, sim.faults, sim.auth_keys()) == ([], [], [])
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(2)] == [200, 200]
    assert sim.log[0].number == number + 1


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_command_line(tmp_path: Path, stop: signal.Signals) -> None:
    facts_file, log_file = tmp_path / "facts.json", tmp_path / "log"
    options = [
        "--json",
        str(facts_file),
        "--log",
        str(log_file),
        "--limit",
        "2/60",
        "--limit",
        "9/1.5",
        "--retry-after",
    ]
    command = [sys.executable, "-m", "tests.simulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not facts_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        facts = json.loads(facts_file.read_text())
        headers = {"X-DC-DEVKEY": facts["keys"]["full"]}
        url = facts["url"] + "/account/auth-keys"
        answers = [requests.get(url, headers=headers, verify=facts["ca_file"], timeout=10) for _ignored in range(3)]
        process.send_signal(stop)
        printed, _ignored = process.communicate(timeout=10)
    assert process.returncode == 0
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Retry-After" in answers[2].headers
    assert len(log_file.read_text().splitlines()) == 3
    assert not Path(facts["ca_file"]).exists()
    values = {"DIGICERT_API_URL": facts["url"], "DIGICERT_API_KEY": facts["keys"]["full"]}
    values["REQUESTS_CA_BUNDLE"] = facts["ca_file"]
    assert printed.split("\n\n")[1].splitlines() == [f"export {name}={value}" for name, value in values.items()]


def test_command_line_refuses_a_bad_limit() -> None:
    command = [sys.executable, "-m", "tests.simulator", "--limit", "many"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 2
    assert "--limit" in result.stderr
