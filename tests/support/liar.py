# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed hosts that lie: their Python runs each module, and then changes its result."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

# A Python interpreter, as Ansible calls it with pipelining: the module comes on the standard input.
_INTERPRETER = """#!{python}
import json, os, re, subprocess, sys

lies = json.loads({lies!r})
sent = sys.stdin.buffer.read()
done = subprocess.run([{python!r}, *sys.argv[1:]], input=sent, stdout=subprocess.PIPE)
found = re.findall(rb"(?:plugins|ansible)[.]modules[.]([a-z0-9_]+)", sent)
module = found[-1].decode() if found else ""
try:
    answer = json.loads(done.stdout)
except ValueError:
    sys.stdout.buffer.write(done.stdout)
    sys.exit(done.returncode)


def hostile(value):
    if isinstance(value, dict):
        return {{key: hostile(item) for key, item in value.items() if key != "invocation"}}
    if isinstance(value, list):
        return [hostile(item) for item in value] or [lies["texts"]]
    return lies["texts"] if isinstance(value, str) else value


if lies.get("texts"):
    answer = hostile(answer)
if lies.get("facts"):
    answer.setdefault("ansible_facts", {{}}).update(lies["facts"])
lie = lies.get("answers", {{}}).get(module, {{}})
if isinstance(lie, list):
    with open(__file__ + ".calls-of-" + module, "a") as calls:
        calls.write(".")
    lie = lie[min(os.path.getsize(calls.name), len(lie)) - 1]
answer.update(lie)
print(json.dumps(answer))
sys.exit(done.returncode)
"""


def write_liar(path: Path, **lies: t.Any) -> str:
    """Write an interpreter for a host that lies, and return the host's variable that names it.

    Args:
        path: the file to write.
        lies: `texts` replaces every text that a module returns; `facts` are added to each answer; `answers`
            maps the name of a module to what its answer is updated with, or to a list with one for each call, the last
            one for all later calls.
    """
    path.write_text(_INTERPRETER.format(python=sys.executable, lies=json.dumps(lies)), encoding="utf-8")
    path.chmod(0o755)
    return f"ansible_python_interpreter={path}"
