# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulator for all tests, reset before each, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.simulator import DcvTargets, Simulator
from tests.simulator.auth_keys import AuthKey
from tests.support.challenges import Challenges, serve_challenges
from tests.support.service_calls import Call


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def call(sim: Simulator) -> Iterator[Call]:
    """Send a request: ``call("POST", "/account/auth-key", role="view_only", json=…)``, over HTTPS, kept alive."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(sim.ca_file)

        def send(method: str, path: str, role: str = "full", **options: Any) -> requests.Response:
            headers = {"X-DC-DEVKEY": sim.keys[role]} | options.pop("headers", {})
            options = {"timeout": 10, "allow_redirects": False} | options
            return session.request(method, sim.url + path, headers=headers, **options)

        yield send


@pytest.fixture
def control(sim: Simulator) -> Iterator[Call]:
    """Send a request to the control plane: ``control("POST", "/faults", json=…)``."""
    base = sim.http_url.replace("/services/v2", "/_simulator")
    with requests.Session() as session:
        session.trust_env = False
        yield lambda method, path, **options: session.request(method, base + path, timeout=10, **options)


@pytest.fixture(scope="session")
def serving() -> Iterator[Challenges]:
    with serve_challenges() as challenges:
        yield challenges


@pytest.fixture
def challenges(serving: Challenges, sim: Simulator) -> Challenges:
    for published in (serving.files, serving.records, serving.redirects, serving.asked):
        published.clear()
    sim.set_dcv_targets(DcvTargets(http=serving.http, dns=serving.dns))
    return serving


@pytest.fixture
def auth_key(sim: Simulator) -> AuthKey:
    return sim.seed_auth_key()
