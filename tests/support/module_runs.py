# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run modules in their own process without Ansible, optionally as another user."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
import typing as t
import warnings

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as common_warnings

from tests.support.gaps import cannot_run

PREFIX = "ansible_collections.community.digicert.plugins.modules."
NOBODY = 65534


def need_root() -> None:
    """Skip a test with two users unless it runs as root; in CI, which also runs tests as root, it fails."""
    if os.geteuid() != 0:
        cannot_run("This test needs root, to play two users.")


def become(user: int) -> None:
    """Drop all privileges except those of a user; call this in a child process."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def fork(work: t.Callable[[], object]) -> int:
    """Start a child process that does some work, and return its id; its exit code is 1 when that raises an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that the child does not have
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def run_module(
    name: str,
    args: t.Mapping[str, t.Any],
    *,
    user: int | None = None,
    check_mode: bool = False,
    diff: bool = False,
    prepare: t.Callable[[], object] = lambda: None,
) -> dict[str, t.Any]:
    """Run a module of the collection and return its result.

    Args:
        name: of the module, without the collection's.
        args: its options.
        user: id of the user that it runs as, None for the user of the test.
        check_mode: as in Ansible.
        diff: likewise.
        prepare: is called in the process of the module.

    Returns:
        The result, with `rc`, the exit code. A module that is killed leaves nothing else.
    """
    module = importlib.import_module(PREFIX + name)
    importlib.import_module("cryptography.x509")  # may not be readable for the other user
    importlib.import_module("cryptography.hazmat.primitives.serialization.pkcs12")
    words = {**args, "_ansible_check_mode": check_mode, "_ansible_diff": diff}
    words["_ansible_remote_tmp"] = tempfile.gettempdir()
    with tempfile.TemporaryFile("w+") as output:

        def work() -> None:
            if user is not None:
                become(user)
            basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": words}).encode()
            basic._ANSIBLE_PROFILE = "legacy"
            # An earlier test may have made a controller of this process, which prints warnings instead.
            if internal := sys.modules.get("ansible.module_utils._internal"):
                vars(internal).update(is_controller=False)
                vars(common_warnings).update(_global_warnings={})
            prepare()
            text, code = io.StringIO(), 0
            try:
                with contextlib.redirect_stdout(text):
                    module.main()
            except SystemExit as end:
                code = int(end.code or 0)
            output.write(text.getvalue())
            output.flush()
            os._exit(code)

        _pid, status = os.waitpid(fork(work), 0)
        output.seek(0)
        lines = output.read().strip().splitlines()
    result = json.loads(lines[-1]) if lines else {}
    return {"rc": os.waitstatus_to_exitcode(status), **result}
