# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python for managed hosts that starts modules at once: each is forked from a process that has done the imports.

A module imports for longer than it works, most of it compiled from the archive that Ansible sends. Ansible's part and
the libraries are already imported; the collection's own files still come from the archive, and what one module compiled
is stored for the next one with the same text. A module has a process, an environment, descriptors, a working folder and
an exit code of its own, as with any Python. It finds more packages in the folder that MORE_PACKAGES names. What comes
as a file, or in an environment that Python itself reads at its start, runs with the real one.

Started as a program, with the address of a socket, this file is the process to fork from.
"""

from __future__ import annotations

import _imp
import contextlib
import gc
import hashlib
import importlib
import json
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import types
import typing as t
import zipimport
from pathlib import Path

LIBRARIES = (
    *("ansible.module_utils.basic", "ansible.module_utils._internal._ansiballz._loader", "coverage", "requests"),
    *("cryptography.x509", "cryptography.hazmat.primitives.serialization.pkcs12", "dns.query", "dns.update"),
)
# Sends its descriptors and environment to the server, and ends like the module. {0}: Python, {1}: the socket.
CLIENT = """#!{0} -IS
import os, sys
own = {{name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "LC_", "LANG"))}}
if len(sys.argv) > 1 or own != {2!r} or os.geteuid() != {3}:
    os.execv({0!r}, [{0!r}, *sys.argv[1:]])
import json, socket
umask = os.umask(0)
connection = socket.socket(socket.AF_UNIX)
connection.connect({1!r})
socket.send_fds(connection, [b"\\0"], [0, 1, 2])
connection.sendall(json.dumps([dict(os.environ), os.getcwd(), umask]).encode() + b"\\n")
code = int(connection.makefile().readline() or 1)
os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
"""


class WarmPython:
    """Starts the process to fork from, and is the path of an interpreter as `interpreter`; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Use an empty folder, whose path is short enough for a socket."""
        self.interpreter = folder / "python"
        self._address = folder / "socket"

    def __enter__(self) -> WarmPython:
        own = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "LC_", "LANG"))}
        client = CLIENT.format(sys.executable, str(self._address), own, os.geteuid())
        self.interpreter.write_text(client, encoding="utf-8")
        self.interpreter.chmod(0o755)
        command = [sys.executable, __file__, str(self._address)]
        # A child measures itself if it is wanted, see `_become`.
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, start_new_session=True)
        assert self._server.stdout
        assert self._server.stdout.read(1), "the process to fork from does not start"
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.terminate()
        self._server.wait(10)


class Compiler:
    """Compiles a text of an archive, or takes what another module compiled; called by `zipimport`."""

    def __init__(self, folder: Path, compile_source: t.Callable[[str, bytes], types.CodeType]) -> None:
        """Store in a folder what `compile_source` returns."""
        self._folder, self._compile = folder, compile_source

    def __call__(self, path: str, source: bytes) -> types.CodeType:
        """Return the code of a text that has this path."""
        stored = self._folder / hashlib.sha256(source).hexdigest()
        try:
            code: types.CodeType = marshal.loads(stored.read_bytes())  # noqa: S302 (written below)
        except OSError:
            code = self._compile(path, source)
            part = stored.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):  # a module that may not write there compiles
                part.write_bytes(marshal.dumps(code))
                part.rename(stored)
        else:
            _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]
        return code


def serve(address: str) -> None:
    """Run what clients send until a signal ends this process; returns in each child, whose module has ended."""
    sys.path.pop(0)  # this folder, which modules do not use
    for name in LIBRARIES:
        importlib.import_module(name)
    zipimport._compile_source = Compiler(Path(address).parent, zipimport._compile_source)  # type: ignore[attr-defined]
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(256)
        os.write(1, b"\n")
        os.close(1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that look after a module
        while True:
            connection, _address = server.accept()
            if os.fork() == 0:
                server.close()
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _byte, descriptors, _flags, _sender = socket.recv_fds(connection, 1, 3)
    surroundings = json.loads(connection.makefile(encoding="utf-8").readline())
    child = os.fork()
    if child == 0:
        connection.close()
        _become(descriptors, *surroundings)
        _run(sys.stdin.buffer.read())
        return
    for descriptor in descriptors:
        os.close(descriptor)
    client = connection.fileno()
    if client in select.select([client, os.pidfd_open(child)], [], [])[0]:  # the client was killed
        os.killpg(child, signal.SIGKILL)
    else:
        _ignored, status = os.waitpid(child, 0)
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(descriptors: list[int], env: dict[str, str], cwd: str, umask: int) -> None:
    """Make this child like a fresh process of the client."""
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (stays open)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = filter(None, [os.environ.get("MORE_PACKAGES")])
    os.chdir(cwd)
    os.umask(umask)
    if os.environ.get("MEASURE_MODULES"):
        os.environ["COVERAGE_PROCESS_CONFIG"] = os.environ["MEASURE_MODULES"]
        importlib.import_module("coverage").process_startup()


def _run(program: bytes) -> None:
    """Run a program as `__main__`."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.argv = [""]
    exec(compile(program, "<stdin>", "exec"), vars(main))  # noqa: S102 (what an interpreter is for)


if __name__ == "__main__":
    serve(sys.argv[1])
