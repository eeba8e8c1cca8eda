# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a file or a function may be: what is longer is hard to read, and often two things.

Run by the session `lint`, in the folder to check.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 50
# Not ours to cut: the licence, the changelog that a tool writes, and pinned requirements.
EXCEPT = (
    "COPYING",
    "LICENSES/",
    "CHANGELOG",
    "changelogs/changelog.yaml",
    "requirements/",
)
TEXT = (".py", ".yml", ".yaml", ".md", ".rst", ".sh", ".j2", ".toml", ".ini", "Makefile")


def too_long(path: Path) -> list[str]:
    """Return a message for the file, and for each function in it, that is longer than allowed."""
    text = path.read_text("utf-8")
    lines = text.count("\n")
    found = [f"{path}: {lines} lines, more than {FILE_LINES}"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(text)) if path.suffix == ".py" else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(f"{path}:{node.lineno}: {node.name} has {lines} lines, more than {FUNCTION_LINES}")
    return found


def main() -> int:
    """Check what git tracks; return 1 when anything is too long."""
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    chosen = [name for name in names if name.endswith(TEXT) and not name.startswith(EXCEPT)]
    found = [message for name in chosen for message in too_long(Path(name))]
    print("\n".join(found) or f"{len(chosen)} files, none longer than {FILE_LINES} lines, nor a function in them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
