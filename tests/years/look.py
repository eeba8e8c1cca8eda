# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the role's check for one day after another, and print the first day on which anything is due.

A program of its own, `python -m tests.years.look START END MOMENT FOLDER …`, since it turns the clock of its process.
It prints END when nothing is due on any day from START on. MOMENT is the Unix time of day 0.
"""

from __future__ import annotations

import sys
import time
import types
import typing as t
from pathlib import Path

from ansible_collections.community.digicert.plugins.modules.digicert_certificate_info import look

DAY = 86400.0
PATHS = {"path": "pem", "chain_path": "chain.pem", "full_chain_path": "fullchain.pem"}
PATHS |= {"private_key_path": "key", "csr_path": "csr"}
OTHERS: tuple[str, ...] = ("private_key_passphrase", "remaining_days", "mode", "owner", "group")
OTHERS += ("private_key_mode", "private_key_owner", "private_key_group")
NAME = "www.example.com"


def is_due(folder: Path) -> bool:
    """Return whether the role would have something to do with the certificate in a folder."""
    options: dict[str, object] = {**dict.fromkeys(OTHERS), "include_root": False, "common_name": NAME, "dns_names": []}
    options |= {option: str(folder / f"{NAME}.{ending}") for option, ending in PATHS.items()}
    module: t.Any = types.SimpleNamespace(params=options, warn=lambda _sentence: None)
    found = look(module)
    return bool(found["due"] or found["drift"] or found["journal"]["state"] in ("sent", "accepted"))


def main() -> None:
    """Look."""
    start, end, moment, *folders = sys.argv[1:]
    for day in range(int(start), int(end)):
        now = float(moment) + day * DAY
        time.time = lambda now=now: now  # type: ignore[misc]
        if any(is_due(Path(folder)) for folder in folders):
            print(day)
            return
    print(end)


if __name__ == "__main__":
    main()
