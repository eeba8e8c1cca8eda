# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guard in every Python process that a test starts: it denies the network, and records attempts."""

from __future__ import annotations

import json
import os
from pathlib import Path

GUARD = Path(__file__).parent / "guard"


class NetworkGuard:
    """What the processes that run with `env` may reach, and what they tried."""

    def __init__(self, log: Path, *allowed: str) -> None:
        """Allow these addresses, as host:port."""
        self._log = log
        self.env = {
            "PYTHONPATH": os.pathsep.join([str(GUARD), os.environ.get("PYTHONPATH", "")]),
            "NETWORK_GUARD_ALLOWED": " ".join(allowed),
            "NETWORK_GUARD_LOG": str(log),
        }

    def seen(self, kind: str, *, denied: bool = False) -> list[str]:
        """Return the records of one kind: start, address, name, or program."""
        notes = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [note["what"] for note in notes if (note["kind"], note["denied"]) == (kind, denied)]

    def denied(self) -> list[str]:
        """Return everything that was denied."""
        return self.seen("address", denied=True) + self.seen("name", denied=True)
