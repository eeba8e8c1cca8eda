# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the scripted server, and a clock that does not wait."""

from __future__ import annotations

import random
import time

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client

from tests.support.script import Script


@pytest.fixture
def client(script: Script) -> Client:
    """A client of the scripted server."""
    return Client(script.url, "the-api-key")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each sleep, without sleeping; jitter is always the largest."""
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sum(slept))
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    return slept
