# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CPU time for the imports of the modules, beside a module that imports requests and does nothing.

Each is a fresh Python. What counts is the median, over the rounds, of the ratio within a round.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.pki import KEY, MIDDLE, new_csr, pem

ROUNDS = 21
PLUGINS = "ansible_collections.community.digicert.plugins"
NAME = "www.example.com"
BASE = "requests and no work"
NOTHING = """
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({}).exit_json()
"""
# The module's own imports, and what it loads for its first request.
AUTH_KEY = f"""
import {PLUGINS}.modules.digicert_auth_key
from {PLUGINS}.module_utils._certcentral.client import Client
Client("https://127.0.0.1", "key").prepare()
{NOTHING}"""
CERTIFICATE_IMPORTS = f"""
import {PLUGINS}.modules.digicert_certificate
from {PLUGINS}.module_utils._x509.library import load_cryptography
load_cryptography()
{NOTHING}"""
# The whole run: the certificate is installed and not due.
CERTIFICATE = f"""
import atexit, runpy, sys
atexit.register(lambda: sys.exit("requests" in sys.modules and "requests was imported"))
runpy.run_module("{PLUGINS}.modules.digicert_certificate", run_name="__main__")
"""
PROGRAMS = {
    BASE: f"import requests\n{NOTHING}",
    "digicert_auth_key": AUTH_KEY,
    "digicert_certificate": CERTIFICATE_IMPORTS,
    "its whole run with nothing due": CERTIFICATE,
}
LIMITS = {"digicert_auth_key": 1.05, "digicert_certificate": 0.95, "its whole run with nothing due": 1.0}


def cpu_time(program: str, options: dict[str, str]) -> float:
    """Return the seconds of CPU that a Python takes for a program, which gets the options of a module."""
    stdin = json.dumps({"ANSIBLE_MODULE_ARGS": options})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", program], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"changed": true' not in done.stdout, done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Run the rounds and print the figures; return 1 when a ratio is above its limit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "www.pem")
        path.write_text(pem(MIDDLE.leaf(NAME)), encoding="utf-8")
        options = {"csr_content": new_csr(NAME, key=KEY), "path": str(path), "dcv_method": "dns-txt-token"}
        options |= {"api_key": "key", "api_url": "https://127.0.0.1:1", "_ansible_remote_tmp": folder}
        given = {name: options if program is CERTIFICATE else {} for name, program in PROGRAMS.items()}
        rounds = [
            {name: cpu_time(program, given[name]) for name, program in PROGRAMS.items()} for _round in range(ROUNDS + 1)
        ]
    missed = False
    for name in PROGRAMS:
        ratio = statistics.median(one[name] / one[BASE] for one in rounds[1:])  # the first fills caches
        milliseconds = statistics.median(one[name] for one in rounds[1:]) * 1e3
        limit = LIMITS.get(name)
        verdict = "" if limit is None else f"  (limit {limit}, {'met' if ratio <= limit else 'MISSED'})"
        print(f"{name:34} {milliseconds:5.0f} ms, {ratio:.2f}{verdict}")
        missed = missed or (limit is not None and ratio > limit)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
