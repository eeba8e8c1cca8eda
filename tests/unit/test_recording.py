# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the demo in README.md shows the demo as it is, and nothing of another place: `make recording`."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "demo.svg"
DEMO = (ROOT / "playbooks" / "demo.yml", ROOT / "playbooks" / "tasks" / "demo_certificate.yml")


def shown() -> list[str]:
    """Return the lines of text in the picture."""
    lines: dict[str, str] = {}
    for y, text in re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>([^<]*)</text>', PICTURE.read_text("utf-8")):
        lines[y] = lines.get(y, "") + html.unescape(text).replace("\xa0", " ")
    return list(lines.values())


def test_picture_shows_tasks_of_the_demo() -> None:
    names = {str(task["name"]) for play in yaml.safe_load(DEMO[0].read_text("utf-8")) for task in play["tasks"]}
    names |= {str(task["name"]) for task in yaml.safe_load(DEMO[1].read_text("utf-8"))}
    tasks = [match[1] for line in shown() if (match := re.match(r"TASK \[(.*?)\]? \*+$", line))]
    assert [task for task in tasks if task not in names] == []
    assert [task.partition(".")[0] for task in tasks] == ["1", "2", "9", "10", "11"]


def test_picture_shows_what_the_steps_say() -> None:
    source = " ".join(" ".join(path.read_text("utf-8") for path in DEMO).split())
    fixed = [line.strip() for line in shown() if re.match("    [A-Z][a-z]", line) and not re.search(r"\d|http", line)]
    assert len(fixed) >= 5
    assert [line for line in fixed if line not in source] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_small_and_fetch_nothing(picture: Path) -> None:
    text = picture.read_text("utf-8")
    assert len(text) < 100_000
    drawn = text.replace("http://www.w3.org/2000/svg", "").partition("-->")[2]
    foreign = r"""@import|@font-face|<image|<script|\burl\((?!#)|\bhref=(?!["']#)"""
    assert re.findall(foreign, drawn) == []
