# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate in a folder, and a clock that does not wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.issuance import Case


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """One certificate; sleeping moves every clock."""
    slept = [0.0]
    wall, monotonic = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: wall() + slept[0])
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + slept[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(slept.pop() + seconds))
    return Case(tmp_path)
