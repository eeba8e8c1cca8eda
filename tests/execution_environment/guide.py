# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the guide for AWX and Automation Controller, which are run as they are printed."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "automation_controller_guide.rst"


def block(words: str) -> str:
    """Return the first code block of the guide with these words; raises LookupError when there is none."""
    pattern = r"(?m)^ *\.\. code-block:: \S+\n(?:   +:.*\n)*\n((?:(?:   [^\n]*)?\n)+)"
    for found in re.finditer(pattern, GUIDE.read_text(encoding="utf-8")):
        if words in found[1]:
            return textwrap.dedent(found[1])
    raise LookupError(f"{GUIDE.name} has no example with {words}")
