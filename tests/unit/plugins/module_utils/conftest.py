# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of module_utils share, on the oldest Python too."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _issuance
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from hypothesis import settings

from tests.support.issuance import Case
from tests.support.orders import FakeBackoff
from tests.support.script import Script, serve_script

# That an example takes long on a busy machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def script() -> t.Iterator[Script]:
    """A server on loopback that follows a script."""
    with serve_script() as script:
        yield script


@pytest.fixture
def client(script: Script) -> Client:
    """A client of that server."""
    return Client(script.url, "the-api-key")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept, without sleeping: time passes at once and jitter is always the largest."""
    slept: list[float] = []
    module = "ansible_collections.community.digicert.plugins.module_utils._client"
    monkeypatch.setattr(f"{module}.time.monotonic", lambda: 1000.0 + sum(slept))
    monkeypatch.setattr(f"{module}.time.sleep", slept.append)
    monkeypatch.setattr(f"{module}.random.uniform", lambda _low, high: high)
    return slept


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case whose waiting for issuance allows three looks and takes no time."""
    monkeypatch.setattr(_issuance, "Backoff", lambda _seconds: FakeBackoff(3))
    return Case(tmp_path)
