# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that a simulator got, as tests compare them."""

from __future__ import annotations

import re

from tests.simulator import Simulator


def calls(simulator: Simulator) -> list[str]:
    """Return the requests so far, as "METHOD /path", in order."""
    return [f"{entry.method} {entry.path}" for entry in simulator.log]


class CallCounter:
    """Tells the requests of one simulator apart by when they came."""

    def __init__(self, simulator: Simulator) -> None:
        """Begin to count."""
        self._simulator = simulator
        self._seen = 0

    def new(self) -> list[str]:
        """Return the requests since the last time this was asked, as "METHOD /path" with ids left out."""
        requests = calls(self._simulator)
        new, self._seen = requests[self._seen :], len(requests)
        return [re.sub(r"/[0-9]+(?=/|$)", "/N", call) for call in new]
