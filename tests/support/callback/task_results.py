# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ansible callback that writes every task result to a file, one JSON object a line, for tests to read."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_results
type: notification
short_description: Write task results as JSON lines to the file in TASK_RESULTS
description: Used by the integration tests only.
"""


class CallbackModule(CallbackBase):
    """Writes host, task name, action, outcome and result of every task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_results"

    _started = 0.0

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Note when the task began."""
        self._started = time.monotonic()

    def _write(self, outcome: str, result: t.Any) -> None:
        line = {
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "action": result._task.resolved_action or result._task.action,
            "outcome": outcome,
            "result": result._result,
            "seconds": time.monotonic() - self._started,
        }
        with open(os.environ["TASK_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Record a task that ended well."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        """Record a task that failed."""
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """Record a task that was skipped."""
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Record a host that could not be reached."""
        self._write("unreachable", result)
