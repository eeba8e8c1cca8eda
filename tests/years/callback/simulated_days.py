# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ansible callback that sets all clocks to the day in a play's name, and records the state after the day."""

from __future__ import annotations

import json
import os
import time
import typing as t
from datetime import datetime, timedelta
from pathlib import Path

import requests
from ansible.plugins.callback import CallbackBase
from cryptography import x509

DOCUMENTATION = r"""
name: simulated_days
type: notification
short_description: Move the clocks of simulators and modules from play to play
description: Used by tests/years only.
"""


class CallbackModule(CallbackBase):
    """Moves the clocks before each play, and writes a line about the day after it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "simulated_days"

    _day: dict[str, t.Any] | None = None

    def __init__(self) -> None:
        """Read the plan, see tests/years/play.py."""
        super().__init__()
        self._plan = json.loads(Path(os.environ["SIMULATED_DAYS"]).read_text(encoding="utf-8"))

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """End the day before, and begin the day in the name of the play."""
        self._finish()
        day = int(play.get_name().removeprefix("Day "))
        moment = datetime.fromisoformat(self._plan["start"]) + timedelta(days=day)
        began = time.clock_gettime(time.CLOCK_REALTIME)
        for url in self._plan["clocks"]:
            requests.put(url, json={"now": moment.isoformat()}, timeout=30).raise_for_status()
        ahead = Path(os.environ["AHEAD"])
        unfinished = ahead.with_suffix(".new")
        unfinished.write_text(str(moment.timestamp() - began), encoding="ascii")
        unfinished.replace(ahead)
        self._day = {"day": day, "began": began}

    def v2_playbook_on_stats(self, stats: t.Any) -> None:  # noqa: ARG002
        """End the last day."""
        self._finish()

    def _finish(self) -> None:
        if self._day is not None:
            installed = {host: _validity(Path(path)) for host, path in self._plan["certificates"].items()}
            with Path(self._plan["days"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps({**self._day, "installed": installed}) + "\n")


def _validity(path: Path) -> tuple[float, float] | None:
    """Return when a certificate becomes valid and when it ends (Unix times), or None when there is none."""
    if not path.exists():
        return None
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
