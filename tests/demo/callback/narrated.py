# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screen output of the demo: Ansible's own, with the checks between the steps shown as the text they are about."""

from __future__ import annotations

import textwrap
import typing as t

from ansible.playbook.handler import Handler
from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = r"""
name: narrated
type: stdout
short_description: Ansible's default output, for a playbook that explains itself
description: Shows the messages of assertions and debug tasks as text, and no tasks that set facts or include others.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

TEXT = ("ansible.builtin.assert", "ansible.builtin.debug")
UNSEEN = ("ansible.builtin.set_fact", "ansible.builtin.include_tasks")
UNTOLD = "All assertions passed"
WIDTH = 110


class CallbackModule(Default):
    """Prints what Ansible prints, apart from the tasks that tell about others."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "narrated"

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Print the name of a task, unless it tells about another one."""
        if task.action in (*TEXT, *UNSEEN):
            self._last_task_banner = task._uuid
        else:
            super().v2_playbook_on_task_start(task, is_conditional)  # type: ignore[no-untyped-call]

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        """Print nothing: the tasks that are included say what they do."""

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Print what became of a task, or the text that it is there for."""
        if result._result.get("msg") == UNTOLD:
            return
        if result._task.action in TEXT and not isinstance(result._task, Handler):
            for line in str(result._result["msg"]).splitlines():
                indent = "    " + " " * (len(line) - len(line.lstrip()))
                wrapped = textwrap.fill(
                    line.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
                )
                self._display.display(wrapped)
        elif result._task.action not in UNSEEN:
            super().v2_runner_on_ok(result)
