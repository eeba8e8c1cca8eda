# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run all benchmarks, or those that are named: python -m tests.benchmark [auth_key] [request_tokens] …"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, all without one; return 1 when any of them missed its limits."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    exit_codes = {}
    for name in names or known:
        print(f"== {name} ==", flush=True)
        exit_codes[name] = importlib.import_module(f"tests.benchmark.{name}").main()
    missed = [name for name, code in exit_codes.items() if code]
    print("Missed its limits: " + ", ".join(missed) if missed else "All within their limits")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
