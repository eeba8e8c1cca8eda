# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module in the process of the test."""

from __future__ import annotations

import importlib
import json
import sys
import typing as t

import pytest
from ansible.module_utils import _internal, basic
from ansible.module_utils.common import warnings

PACKAGE = "ansible_collections.community.digicert.plugins.modules"


class Outcome(t.NamedTuple):
    """The outcome of a module: its result, and whether it failed."""

    result: dict[str, t.Any]
    failed: bool

    @property
    def message(self) -> str:
        """The message of a module that must have failed."""
        assert self.failed, self.result
        return str(self.result["msg"])


def run_module(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **args: t.Any
) -> Outcome:
    """Run a module with these options; `_ansible_check_mode` and the like are options too."""
    module = importlib.import_module(f"{PACKAGE}.{name}")
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    # What Ansible keeps for a process: on a controller, which a test before this one may have made of it, warnings are
    # printed in place of returned, and those of modules before this one would be returned too.
    monkeypatch.setattr(_internal, "is_controller", False, raising=False)
    monkeypatch.setattr(warnings, "_global_warnings", {})
    capsys.readouterr()
    with pytest.raises(SystemExit):
        module.main()
    result = json.loads(capsys.readouterr().out)
    return Outcome(result, bool(result.get("failed")))
