# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What README.md and the metadata say of supported versions is what was run, see tests/compatibility."""

from __future__ import annotations

import copy
import re

import pytest
import yaml
from packaging.version import Version

from sessions.interpreters import CORES, KNOWN_PYTHONS, OLDEST_TARGET
from tests.compatibility.results import PASSED, README, ROOT, read, table, with_table

RESULTS = read()


def test_the_readme_shows_the_results() -> None:
    text = README.read_text("utf-8")
    assert with_table(text, RESULTS) == text, "run `make compatibility`"


def test_the_supported_releases_of_ansible_core_were_run() -> None:
    assert list(RESULTS["cores"]) == list(CORES)
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))
    assert runtime["requires_ansible"] == f">={next(iter(CORES))}.0"


@pytest.mark.parametrize("name", CORES)
def test_every_python_was_run_or_is_named(name: str) -> None:
    core = RESULTS["cores"][name]
    assert core["controllers"], "not run at all"
    assert {*core["controllers"], *core["missing_controllers"]} == set(CORES[name].pythons)
    supported = KNOWN_PYTHONS[KNOWN_PYTHONS.index(OLDEST_TARGET) :]
    for hosts in core["controllers"].values():
        targets = {host.split()[0] for host in hosts}
        assert targets.isdisjoint(core["missing_targets"])
        known = [python for python in supported if python in {*targets, *core["missing_targets"]}]
        first = supported.index(known[0])
        assert known == list(supported[first : first + len(known)]), "a Python between others is missing"
        assert len(known) >= 5


def test_the_oldest_and_the_newest_libraries_were_on_every_python() -> None:
    run = {
        host for core in RESULTS["cores"].values() for controller in core["controllers"].values() for host in controller
    }
    pythons = {host.split()[0] for host in run}
    assert OLDEST_TARGET in pythons
    assert run == {f"{python} {age}" for python in pythons for age in ("oldest", "newest")}


def test_everything_passes() -> None:
    outcomes = {
        f"{name}, {controller}, {host}": outcome
        for name, core in RESULTS["cores"].items()
        for controller, hosts in core["controllers"].items()
        for host, outcome in hosts.items()
    }
    assert [combination for combination, outcome in outcomes.items() if outcome != PASSED] == []


def test_the_oldest_libraries_are_those_of_the_metadata() -> None:
    text = (ROOT / "meta" / "ee-requirements.txt").read_text("utf-8")
    declared = {name: Version(version) for name, version in re.findall(r"^(\w+) >= (\S+)$", text, re.MULTILINE)}
    assert len(declared) == 3
    for versions in RESULTS["libraries"]["oldest"].values():
        assert {name: Version(versions[name]) for name in declared} == declared
    assert list(RESULTS["libraries"]["oldest"]) == list(RESULTS["libraries"]["newest"])


def test_a_failure_is_shown() -> None:
    results = copy.deepcopy(RESULTS)
    core = next(iter(results["cores"].values()))
    controller, hosts = next(iter(core["controllers"].items()))
    hosts["3.8 newest"] = "failed"
    row = next(line for line in table(results).splitlines() if line.startswith(f"| {core['release']} "))
    assert f"failed: {controller} with 3.8 newest |" in row
