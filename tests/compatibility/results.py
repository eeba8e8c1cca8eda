# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the compatibility matrix is made of, how its results are kept, and the tables made from them."""

from __future__ import annotations

import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "compatibility.json"
PAGE = ROOT / "docs" / "quality.md"
BEGIN = "<!-- Made by `make compatibility` from docs/compatibility.json. -->\n"
END = "<!-- End of what `make compatibility` made. -->\n"
LIBRARIES = ("requests", "urllib3", "cryptography", "dnspython")
PASSED = "passed"


class CoreResults(t.TypedDict):
    """What one ansible-core did.

    Attributes:
        release: the exact version.
        controllers: Python of the controller -> managed host, such as "3.8 oldest" -> "passed" or "failed".
        missing_controllers: Pythons that this ansible-core supports on the controller and that were not there.
        missing_targets: the same of managed hosts.
    """

    release: str
    controllers: dict[str, dict[str, str]]
    missing_controllers: list[str]
    missing_targets: list[str]


class Results(t.TypedDict):
    """The whole matrix: ansible-core -> its results; "oldest" or "newest" -> Python -> library -> version."""

    cores: dict[str, CoreResults]
    libraries: dict[str, dict[str, dict[str, str]]]


def table(results: Results) -> str:
    """Return the results as Markdown: a row for each ansible-core, and the versions of the libraries."""
    heads = (
        "ansible-core",
        "Python of the controller",
        "Python of the managed hosts",
        "libraries there",
        "combinations",
    )
    lines = row(*heads) + row(*["---"] * len(heads))
    for core in results["cores"].values():
        cells = [(controller, *cell) for controller, hosts in core["controllers"].items() for cell in hosts.items()]
        failed = [f"{controller} with {host}" for controller, host, outcome in cells if outcome != PASSED]
        targets = sorted({host.split()[0] for _controller, host, _outcome in cells}, key=minor)
        ages = [age for age in results["libraries"] if any(host.endswith(age) for _controller, host, _outcome in cells)]
        lines += row(
            core["release"],
            pythons(sorted(core["controllers"], key=minor), core["missing_controllers"]),
            pythons(targets, core["missing_targets"]),
            ", ".join(ages),
            f"{len(cells) - len(failed)} of {len(cells)} pass" + (f"; failed: {', '.join(failed)}" if failed else ""),
        )
    lines += ["", *row("libraries", *LIBRARIES), *row(*["---"] * (1 + len(LIBRARIES)))]
    for age, by_python in results["libraries"].items():
        lines += row(
            age, *(", ".join(dict.fromkeys(found[name] for found in by_python.values())) for name in LIBRARIES)
        )
    return "".join(line + "\n" for line in lines)


def row(*cells: str) -> list[str]:
    """Return the lines of one row of a Markdown table."""
    return [f"| {' | '.join(cells)} |"]


def minor(python: str) -> int:
    """Return what sorts Pythons by age."""
    return int(python.partition(".")[2])


def pythons(run: list[str], missing: list[str]) -> str:
    """Return Pythons for a cell of the table."""
    return ", ".join(run) + (f" (not run: {', '.join(missing)})" if missing else "")


def with_table(page: str, results: Results) -> str:
    """Return a page with the table in its place; raises ValueError when the place is not marked."""
    before, rest = page.split(BEGIN)
    _old, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(results)}\n{END}{after}"
