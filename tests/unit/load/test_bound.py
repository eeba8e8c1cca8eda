# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bounds that the load test measures against: what the limits impose, and what the machine does."""

from __future__ import annotations

import math

import pytest

from tests.load.bound import fewest_requests, time_bound
from tests.simulator import Limit
from tests.simulator.rate_limit import DEFAULT_LIMITS


@pytest.mark.parametrize(("requests", "seconds"), [(1, 0), (100, 0), (101, 5), (1000, 45), (1001, 180), (2101, 365)])
def test_documented_limits_alone(requests: int, seconds: float) -> None:
    assert time_bound(DEFAULT_LIMITS, requests, math.inf) == seconds


def test_machine_alone() -> None:
    assert time_bound((), 101, rate=4) == pytest.approx(25)


def test_machine_and_limit_together() -> None:
    # Eight go at once, or one each 0.1 s; room for the next comes 6 s after each of them.
    assert time_bound([Limit(8, 6)], 16, math.inf) == 6
    assert time_bound([Limit(8, 6)], 16, rate=10) == pytest.approx(6.7)
    assert time_bound([Limit(8, 6), Limit(1, 0.5)], 3, rate=0.1) == pytest.approx(20)


def test_fewest_requests() -> None:
    assert (fewest_requests(50, 0, 0), fewest_requests(50, 1, 4)) == (50, 59)
