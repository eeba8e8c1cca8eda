# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests to a simulator, in a form that tests compare."""

from __future__ import annotations

import re

from tests.simulator import Simulator

# Calls as `calls` shows them.
AUTH_KEY = "GET /account/auth-keys"
ORDER = "POST /order/certificate/ssl_dv_geotrust_flex"
INFO = "GET /order/certificate/N"
CHECK = "PUT /order/certificate/N/check-dcv"
LIST = "GET /order/certificate"
REISSUE = "POST /order/certificate/N/reissue"
RANDOM = "PUT /order/certificate/N/dcv-random-value"
DOWNLOAD = "GET /certificate/N/download/format/pem_all"


def calls(simulator: Simulator) -> list[str]:
    """Return the requests so far, as "METHOD /path", in order."""
    return [f"{entry.method} {entry.path}" for entry in simulator.log]


class CallCounter:
    """Separates the requests of one simulator by time."""

    def __init__(self, simulator: Simulator) -> None:
        """Begin to count."""
        self._simulator = simulator
        self._seen = 0

    def new(self) -> list[str]:
        """Return the requests since the last call of this method, as "METHOD /path" without ids."""
        requests = calls(self._simulator)
        new, self._seen = requests[self._seen :], len(requests)
        return [re.sub(r"/[0-9]+(?=/|$)", "/N", call) for call in new]
