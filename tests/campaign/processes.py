# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that each run one module, like Ansible's wrapper, forked from one that has loaded the libraries.

Started as a program, this file is that one. It reads a job as a line of JSON and answers with a line of JSON. Each
module gets a process, pipes, an environment and a working directory of its own; only the imports are shared, and the
waits of minutes are seconds.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

PREFIX = "ansible_collections.community.digicert.plugins.modules."
UTILS = "ansible_collections.community.digicert.plugins.module_utils."
MODULES = (
    "digicert_auth_key",
    "digicert_auth_key_info",
    "digicert_certificate",
    "digicert_certificate_revoke",
    "digicert_order_cancel",
    "digicert_order_info",
)
LONGEST_RUN = 60  # seconds; a module that takes longer is killed, and its test fails
QUIET = 3.0  # seconds, longer than the latest request of the campaign takes to be carried out
# The minutes that modules wait for lagging reads, shortened to seconds.
SHORTER = {
    "_certcentral.auth_keys": {"VISIBLE_WITHIN": 2.0},
    "_certcentral.confirmation": {"PATIENCE": 3.0},
    "_issuance.quiet_time": {"QUIET": QUIET, "LEAST_LOOK": 1.0},
}


class Finished(t.NamedTuple):
    """A finished module: exit code, negative for a signal, and its output."""

    rc: int
    stdout: str
    stderr: str


class Processes:
    """Starts modules, one after the other; use it as a context manager."""

    def __enter__(self) -> Processes:
        command = [sys.executable, "-m", "tests.campaign.processes"]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(10)

    def run(
        self, module: str, arguments: dict[str, t.Any], cwd: Path, env: dict[str, str], largest_file: int | None = None
    ) -> Finished:
        """Run a module.

        Args:
            module: its short name.
            arguments: its options, and the ones that Ansible adds.
            cwd: its working directory.
            env: its whole environment.
            largest_file: bytes that a file may have, as by `ulimit -f`.
        """
        job = {"module": module, "arguments": arguments, "cwd": str(cwd), "env": env, "largest_file": largest_file}
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return Finished(*json.loads(self._server.stdout.readline()))


def serve() -> None:
    """Run jobs until the end of the input; returns in a child as well, when its module has ended."""
    for name in MODULES:
        importlib.import_module(PREFIX + name)
        del sys.modules[PREFIX + name]
    for name, constants in SHORTER.items():
        for constant, seconds in constants.items():
            room = importlib.import_module(UTILS + name)
            assert getattr(room, constant) > seconds
            setattr(room, constant, seconds)
    loader = importlib.import_module("ansible.module_utils._internal._ansiballz._loader")
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        pipes = [os.pipe() for _ignored in range(3)]
        child = os.fork()
        if child == 0:
            _become(job, [pipes[0][0], pipes[1][1], pipes[2][1]])
            parameters = sys.stdin.buffer.read()
            name = PREFIX + job["module"]
            loader.run_module(json_params=parameters, profile="legacy", module_fqn=name, modlib_path="", extensions={})
        for end in (pipes[0][0], pipes[1][1], pipes[2][1]):
            os.close(end)
        with open(pipes[0][1], "wb") as stdin:
            stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": job["arguments"]}).encode())
        written = _read_all([pipes[1][0], pipes[2][0]])
        _ignored, status = os.waitpid(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), *written]), flush=True)


def _become(job: dict[str, t.Any], descriptors: list[int]) -> None:
    """Make this child like a fresh process of the module."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (stays open)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.dont_write_bytecode = True  # a limit of file sizes would cut it off, and every later import would fail
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_RUN, LONGEST_RUN))
    signal.alarm(LONGEST_RUN)
    if job["largest_file"] is not None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"], limits[1]))
        atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, limits)  # for what measures coverage at the end


def _read_all(descriptors: list[int]) -> list[str]:
    """Return everything from pipes, as text."""
    contents = {descriptor: bytearray() for descriptor in descriptors}
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ignored in selector.select():
                block = os.read(key.fd, 65536)
                contents[key.fd] += block
                if not block:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [bytes(content).decode("utf-8", "backslashreplace") for content in contents.values()]


if __name__ == "__main__":
    serve()
