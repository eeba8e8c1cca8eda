# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules without a controller: a Python, the collection, ansible-core's module_utils, and arguments as JSON."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulator import Simulator

# The imports of the modules for DNS validation.
IMPORTS = "import dns.query, dns.resolver, dns.tsigkeyring, dns.update, importlib.metadata as m; "
VERSIONS = "print(*(n + ' ' + m.version(n) for n in ('requests', 'cryptography', 'dnspython')), sep=', ')"
MODULES = "ansible_collections.community.digicert.plugins.modules"
LONGEST_RUN = 60.0  # seconds


class Host(NamedTuple):
    """A Python and what it finds besides its own packages: collections and ansible-core's module_utils."""

    python: Path
    search_path: tuple[Path, ...]

    def run(self, *arguments: str, stdin: str = "", **env: str) -> str:
        """Run this Python in a clean environment; returns what it prints.

        Raises:
            subprocess.CalledProcessError: it failed; standard error was shown.
        """
        path = os.pathsep.join(str(folder) for folder in self.search_path)
        whole = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **env}
        command = [str(self.python), *arguments]
        return subprocess.run(
            command, input=stdin, env=whole, stdout=subprocess.PIPE, text=True, timeout=LONGEST_RUN, check=True
        ).stdout

    def module(self, name: str, options: dict[str, Any], **env: str) -> dict[str, Any]:
        """Run a module of the collection as a managed host does; returns its result, raises as `run` does."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
        result: dict[str, Any] = json.loads(self.run("-m", f"{MODULES}.{name}", stdin=arguments, **env))
        return result


def check(simulator: Simulator, csr: str, host: Host, folder: Path) -> Iterator[str]:
    """Import every library and run the modules; yields what was seen.

    Args:
        simulator: with an AuthKey, which the host is to find.
        csr: certificate signing request.
        host: the Python to use.
        folder: for files.

    Raises:
        AssertionError: a module did not do what it should.
        subprocess.CalledProcessError: a library or module does not even run.
    """
    yield host.run("-c", IMPORTS + VERSIONS).strip()
    env = {"DIGICERT_API_URL": simulator.url, "DIGICERT_API_KEY": simulator.keys["full"]}
    listed = host.module("digicert_auth_key_info", {"ca_path": str(simulator.ca_file)}, **env)
    wanted = [key.auth_key_id for key in simulator.auth_keys()]
    assert wanted == [key["auth_key_id"] for key in listed["auth_keys"]], "the AuthKeys listed are not those there"
    yield f"digicert_auth_key_info lists {len(wanted)}"
    # In check mode, no request is sent; the CSR is read with cryptography.
    options = {"csr_content": csr, "path": str(folder / "none.pem"), "_ansible_check_mode": True}
    due = host.module("digicert_certificate", options, **env)
    assert due["changed"], "a certificate that is not there must be due"
    yield "digicert_certificate finds one due"
