# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of plugins/: which package may import which. Run `python -m tests.support.rooms`, as the session lint
does.

It prints the table for docs/architecture.md, and fails if an import points up, if files import each other in a circle,
or if a file is too long.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import graphlib

ERRORS = "_certcentral.errors"
# Package: its layer, and the packages or files below that it may import.
ROOMS = {
    "modules": (4, ("_issuance", "_ansible", "_dcv", "_x509", "_certcentral", "_files")),
    "filter": (4, ("plugin_utils", "_x509", ERRORS)),
    "test": (4, ("_x509", ERRORS)),
    "_issuance": (3, ("_x509", "_certcentral", "_files")),
    "_ansible": (3, ("_x509", "_certcentral", "_files")),
    "_dcv": (3, ("_x509", "_certcentral.deadline", ERRORS)),
    "plugin_utils": (3, ("_x509", ERRORS)),
    "_x509": (2, (ERRORS,)),
    "_certcentral": (1, ()),
    "_files": (1, (ERRORS,)),
}
PLUGINS = "ansible_collections.community.digicert.plugins."
LONGEST = 400  # lines
DOCUMENTATION = re.compile(r'(?ms)^[A-Z]+ = r""".*?^"""$')  # of a module


def imports(path: Path) -> Iterator[str]:
    """Yield the imports of a file from plugins/, as package.file."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {node for block in for_types for node in ast.walk(block)}
    for node in ast.walk(tree):
        if node not in skipped and isinstance(node, ast.ImportFrom):
            parents = path.with_suffix("").parts[: -node.level] if node.level else ()
            name = ".".join([*parents, *filter(None, [node.module])])
            for prefix in (PLUGINS, "plugins."):
                if name.startswith(prefix):
                    found = name.removeprefix(prefix).removeprefix("module_utils.")
                    yield from [found] if "." in found else (f"{found}.{alias.name}" for alias in node.names)


def main() -> int:
    """Print the table; return 1 if anything is wrong."""
    files, lines, graph = Counter[str](), Counter[str](), dict[str, set[str]]()
    between, wrong = Counter[tuple[str, str]](), list[str]()
    for path in sorted(path for path in Path("plugins").rglob("*.py") if path.parent.name in ROOMS):
        room, name = path.parent.name, f"{path.parent.name}.{path.stem}"
        files[room] += path.stem != "__init__"
        lines[room] += path.read_text("utf-8").count("\n")
        graph[name] = {".".join(found.split(".")[:2]) for found in imports(path)}
        for found in graph[name]:
            between[room, found.split(".")[0]] += 1
            if not found.startswith((f"{room}.", *ROOMS[room][1])) or (room in ("modules", "filter") and room in found):
                wrong.append(f"{path} must not import {found}")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        wrong.append(f"a circle of imports: {' -> '.join(circle.args[1])}")
    wrong += [
        f"{path} must not import plugins" for path in Path("tests/simulator").rglob("*.py") if list(imports(path))
    ]
    for path in (path for room in ("plugins", "sessions", "tests") for path in Path(room).rglob("*.py")):
        if (count := re.sub(DOCUMENTATION, "", path.read_text("utf-8")).count("\n")) > LONGEST:
            wrong.append(f"{path} has {count} lines, more than {LONGEST}")
    print("| layer | package | files | lines | imports from |\n| --- | --- | --- | --- | --- |")
    for room, (floor, _below) in ROOMS.items():
        below = ", ".join(f"`{to}` {n}" for (at, to), n in sorted(between.items()) if at == room != to)
        print(f"| {floor} | `{room}` | {files[room]} | {lines[room]} | {below or 'none'} |")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
