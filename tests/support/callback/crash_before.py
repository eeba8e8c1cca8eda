# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends ansible-playbook at once before a task: the n-th with the name in CRASH_BEFORE, written `n:name`."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: crash_before
type: aggregate
short_description: End before a task
description: [Ends ansible-playbook before a task.]
"""


class CallbackModule(CallbackBase):
    """Counts tasks of one name."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "crash_before"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Begin to count."""
        super().__init__(*args, **kwargs)
        number, _colon, self._name = os.environ.get("CRASH_BEFORE", "0:").partition(":")
        self._left = int(number)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        """End the process."""
        if task.get_name().endswith(self._name):
            self._left -= 1
            if self._left == 0:
                os._exit(9)
