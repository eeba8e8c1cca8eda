# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the integration tests: a simulator over HTTPS, and ansible processes that know its address."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from tests.integration.support import Ansible
from tests.simulator import Simulator


@pytest.fixture(scope="session")
def _simulator() -> t.Iterator[Simulator]:
    assert "ANSIBLE_COLLECTIONS_PATH" in os.environ, "ANSIBLE_COLLECTIONS_PATH must name a tree with this collection"
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """A CertCentral stand-in with empty accounts and an empty log."""
    _simulator.reset()
    return _simulator


@pytest.fixture
def ansible(simulator: Simulator, tmp_path: Path) -> Ansible:
    """Ansible processes whose environment names the simulator, its CA and the API key with all permissions."""
    return Ansible(
        tmp_path,
        {
            "DIGICERT_API_URL": simulator.url,
            "DIGICERT_API_KEY": simulator.keys["full"],
            "REQUESTS_CA_BUNDLE": str(simulator.ca_file),
        },
    )
