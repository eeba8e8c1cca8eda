# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory and CPU of one task, and how they grow with the number of AuthKeys in the account's list.

The module runs as its own process, as on a managed host but without Ansible's unpacking, compared with
ansible.builtin.ping. The result is the median over the rounds of the ratio within a round.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from tests.simulator import Simulator

ROUNDS = 5
KEYS = (1, 100, 1_000, 5_000, 10_000)
MOST_MEMORY = 1.3  # times that of one key, with the longest list
MOST_CPU = 1.25
LINEAR = 0.1  # largest relative deviation of 5,000 keys from the mean of 1 and 10,000
PING = "ansible.modules.ping"
MODULE = "ansible_collections.community.digicert.plugins.modules.digicert_auth_key"
# A process inherits the peak of the one that started it; so that one must be small.
LAUNCHER = """
import resource, subprocess, sys
answer = subprocess.run([sys.executable, "-m", sys.argv[1]], input=sys.stdin.buffer.read(), stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, answer.returncode)
sys.exit(answer.returncode)
"""


class Cost(NamedTuple):
    """Peak resident memory in bytes, and CPU time in seconds."""

    memory: float
    cpu: float


def cost(module: str, args: dict[str, Any]) -> Cost:
    """Run a module as its own process and return its memory and CPU time; raises AssertionError if it fails."""
    params = {"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False, **args}}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, module],
        input=json.dumps(params),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    memory, cpu, _code = ran.stdout.split()
    return Cost(float(memory), float(cpu))


def measure() -> bool:
    """Print memory and CPU time compared with one key and with ping; return whether they kept their limits."""
    rounds: dict[str | int, list[Cost]] = {"ping": [], **{number: [] for number in KEYS}}
    with Simulator(limits=()) as simulator:
        args = {"api_url": simulator.url, "api_key": simulator.keys["full"], "ca_path": str(simulator.ca_file)}
        for _round in range(ROUNDS + 1):
            rounds["ping"].append(cost(PING, {}))
            simulator.reset()
            end, there = datetime.now(timezone.utc) + timedelta(days=30), 1
            for number in KEYS:
                for _key in range(there, number):
                    simulator.seed_auth_key(expiration=end)
                if number == KEYS[0]:
                    simulator.seed_auth_key()
                there = number
                rounds[number].append(cost(MODULE, args))
    measured = {what: costs[1:] for what, costs in rounds.items()}  # the first round fills caches
    print("keys in the list   memory: / one key   / ping   CPU: / one key   / ping")
    for number in KEYS:
        figures = [_ratio(measured, field, number, other) for field in Cost._fields for other in (KEYS[0], "ping")]
        print(f"{number:16,}   {figures[0]:17.2f} {figures[1]:8.2f} {figures[2]:16.2f} {figures[3]:8.2f}")
    return all([_within(measured, "memory", MOST_MEMORY), _within(measured, "cpu", MOST_CPU)])


def _ratio(measured: dict[str | int, list[Cost]], field: str, what: str | int, beside: str | int) -> float:
    pairs = zip(measured[what], measured[beside], strict=True)
    return statistics.median(float(getattr(one, field) / getattr(other, field)) for one, other in pairs)


def _within(measured: dict[str | int, list[Cost]], field: str, most: float) -> bool:
    one, *_between, middle, longest = (_ratio(measured, field, number, KEYS[0]) for number in KEYS)
    off = abs(middle / ((one + longest) / 2) - 1)
    kept = longest <= most and off <= LINEAR
    print(
        f"{field}: {longest:.2f} times with {KEYS[-1]:,} keys (limit {most}), {KEYS[-2]:,} keys are {off:.0%} off a "
        f"straight line (limit {LINEAR:.0%}): {'met' if kept else 'MISSED'}"
    )
    return kept
