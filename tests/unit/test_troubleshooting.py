# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting guide has an entry for every message of the plugins and the role, and none for any other.

A message is any text of three words or more in the code that is no documentation. It stands as it is in the source,
with an ellipsis for what is filled in. An entry is a line of the guide that consists of quotes, with text below it.
"""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import yaml
from ansible.module_utils.basic import missing_required_lib

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting_guide.rst"
OTHERS = "Said by Ansible"  # the section of the guide with messages that are not in this code
FILLED_IN = "\u2026"
WORDS = 3
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
# Parts of messages, a library's name, and what the order's marker and a diff say.
NO_MESSAGES = {
    "the days of order_validity",
    "The certificate in place",
    "The certificate of order \u2026",
    "cryptography >= 3.3",
    "order of community.digicert.digicert_certificate",
    "(given by CertCentral)",
}


def template(node: ast.AST) -> str:
    """Return the text of a string literal, with an ellipsis for each part that is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else FILLED_IN for part in node.values)
    assert isinstance(node, ast.Constant)
    return re.sub(r"{\w*}", FILLED_IN, str(node.value))


def literals(node: ast.AST) -> t.Iterator[str]:
    """Yield the text of the string literals below a node, apart from documentation and annotations."""
    for child in ast.iter_child_nodes(node):
        documents = isinstance(child, ast.Assign) and {ast.unparse(name) for name in child.targets} & DOCUMENTATION
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if documents or docstring or child in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            continue
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            yield template(child)
        else:
            yield from literals(child)


def said_by_plugin(source: str) -> t.Iterator[str]:
    """Yield the texts in the source of a plugin or module util."""
    tree = ast.parse(source)
    yield from literals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "missing_required_lib":
            yield missing_required_lib(ast.literal_eval(node.args[0])).split(" on ")[0]


def said_by_role(source: str) -> t.Iterator[str]:
    """Yield the messages in a file of the role: what its tasks say, and the texts inside of templates."""
    for key, text in strings(yaml.safe_load(source)):
        if key in ("msg", "fail_msg", "success_msg"):
            yield re.sub(r"{{.*?}}", FILLED_IN, text, flags=re.DOTALL)
        elif text.startswith("{{"):
            yield from re.findall(r"[\[(]?'([^']*)'", text)


def strings(value: t.Any, key: str = "") -> t.Iterator[tuple[str, str]]:
    """Yield every string in a YAML document, with the key that it belongs to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str):
        yield key, value


def texts() -> set[str]:
    """Return every text in the code of the plugins and the role."""
    found: list[str] = []
    for room in ("filter", "module_utils", "modules", "test"):
        for path in (ROOT / "plugins" / room).glob("*.py"):
            found += said_by_plugin(path.read_text("utf-8"))
    for room in ("tasks", "vars"):
        for path in (ROOT / "roles").glob(f"*/{room}/*.yml"):
            found += said_by_role(path.read_text("utf-8"))
    return {" ".join(text.split()) for text in found} - NO_MESSAGES


def messages() -> set[str]:
    """Return the texts that say something to the user."""
    return {text for text in texts() if len(re.findall("[a-z_]{2,}", text)) >= WORDS and " " in text}


def entries() -> dict[str, set[str]]:
    """Return the quotes of the guide's entries, by the section that they are in."""
    found: dict[str, set[str]] = {}
    lines = GUIDE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines[:-1]):
        if re.fullmatch("-{3,}", lines[number + 1]):
            section = line
        elif re.fullmatch("``.*``", line) and lines[number + 1].startswith("  "):
            found.setdefault(section, set()).update(re.findall("``(.*?)``", line))
    return found


def missing(quotes: t.Iterable[str], said: t.Iterable[str]) -> list[str]:
    """Return what is said without being quoted."""
    return sorted(text for text in said if not any(quote in text for quote in quotes))


def test_every_message_has_an_entry() -> None:
    quotes = set().union(*entries().values())
    said = messages()
    assert len(said) > 150
    assert missing(quotes, said) == []


def test_every_entry_is_of_a_message() -> None:
    known = texts()
    own = [quotes for section, quotes in entries().items() if section != OTHERS]
    assert sum(map(len, own)) > 100
    assert [quote for quotes in own for quote in sorted(quotes) if not any(quote in text for text in known)] == []
