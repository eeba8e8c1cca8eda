# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw what the demo shows on a terminal: ``python -m tests.demo.record FILE.svg``.

The picture is the same for each run: what is random or depends on the day is replaced, and so is what there is to see
of AuthKeys. Steps that would make it too long to read are left out, in places that say so.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 110
# The first words of what is shown, and what stands in for the parts between them.
SHOWN = ("$ ansible-playbook", "PLAY [", "TASK [1.", "TASK [2.", "TASK [9.", "TASK [10.", "TASK [11.", "    Every step")
ROLE = "TASK [community.digicert.dv_certificate : "
SKIPPED = "⋮"
FOREGROUND, BACKGROUND = (201, 209, 217), (13, 17, 23)
BLACK, RED, GREEN, YELLOW = (72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)
BLUE, MAGENTA, CYAN = (88, 166, 255), (188, 140, 255), (57, 197, 207)
THEME = TerminalTheme(BACKGROUND, FOREGROUND, [BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, FOREGROUND])
# rich's own, without the font that it gets from a foreign host, and with a licence.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<!--
Copyright: community.digicert contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
<title>What make demo shows</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  white-space: pre;
}}
.{unique_id}-title {{ font-size: 18px; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> int:
    """Run the demo and write the picture; returns the demo's exit code."""
    output, code = terminal_output([sys.executable, "-m", "tests.demo"])
    if code == 0:
        Path(sys.argv[1]).write_text(picture(shortened(steady(output))), encoding="utf-8")
    else:
        print(output)
    return code


def terminal_output(command: list[str]) -> tuple[str, int]:
    """Return what a command writes to a terminal of its own, with colours, and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        chunks = []
        while chunk := read(ours):
            chunks.append(chunk)
    os.close(ours)
    return b"".join(chunks).decode().replace("\r\n", "\n"), process.returncode


def read(terminal: int) -> bytes:
    """Return what has come, nothing at the end: Linux says "I/O error" there."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def steady(output: str) -> str:
    """Replace what changes from run to run, and the beginnings of AuthKeys."""
    ids = dict.fromkeys(re.findall(r"\b[0-9a-f]{32}\b", output))
    for number, name in enumerate(ids):
        output = output.replace(name, hashlib.sha256(b"%d" % number).hexdigest()[:32])
    output = re.sub(r"\b[0-9a-f]{4}\.\.\.", "****...", output)
    output = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8443", output)
    return re.sub(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", "2027-06-30T12:00:00", output)


def shortened(output: str) -> list[str]:
    """Return the lines to show: the steps named above, and a sign where others are left out."""
    lines: list[str] = []
    for block in re.split(r"\n{2,}", output.strip("\n")):
        plain = re.sub(r"\x1b\[[\d;]*m", "", block)
        start = next((plain.index(words) for words in SHOWN if words in plain), None)
        if start is not None:
            # Before it may stand how the demo starts the simulator.
            lines += ["", *(block[start:] if start and plain == block else block).split("\n")]
        elif lines and plain.startswith(ROLE):
            # The last task of the role is followed by what the step shows.
            texts = [line for line in block.split("\n") if line.startswith("    ")]
            lines += [*([] if lines[-1] == f"    {SKIPPED}" else [f"    {SKIPPED}"]), *texts]
        elif lines and lines[-1] != SKIPPED and not plain.startswith(("RUNNING", "PLAY RECAP")):
            lines += ["", SKIPPED]
    return lines[1:]


def picture(lines: list[str]) -> str:
    """Return an SVG of a terminal with these lines."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="256", force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, overflow="ellipsis", crop=True)
    svg = console.export_svg(title="make demo", theme=THEME, code_format=SVG, unique_id="demo")
    return "".join(line.rstrip() + "\n" for line in svg.splitlines() if line.strip())


if __name__ == "__main__":
    sys.exit(main())
