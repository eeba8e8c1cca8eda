# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give each Python process that has this folder on its path a clock that runs ahead of the machine's.

The file that the environment variable AHEAD names says by how many seconds, and is read at each look at the clock.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

AHEAD = Path(os.environ["AHEAD"])


def _simulated_time() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME) + float(AHEAD.read_text(encoding="ascii"))


time.time = _simulated_time
