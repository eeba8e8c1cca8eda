# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some thousand steps of the histories with each `make test`: the same ones each time, unless HISTORIES_SEED is set."""

from __future__ import annotations

import os

from tests.histories import program

STEPS = int(os.environ.get("HISTORIES_STEPS", "2000"))


def test_what_must_hold_holds_in_all_histories() -> None:
    seed = program.seed_from_environment()
    counts = program.play(STEPS, seed)
    print(f"seed {seed}: {dict(sorted(counts.items()))}")
    assert counts["steps"] >= STEPS
    assert min(counts[what] for what in ("orders carried out", "reissues carried out", "runs killed")) > 0
