# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole-task times of digicert_auth_key beside ansible.builtin.ping and the ansible.builtin.uri tasks it replaces.

One ansible process runs all of them in turn, round after round, against the simulator over HTTPS. What counts is the
median, over the rounds, of the ratio within a round, which a machine whose speed drifts disturbs least.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.playbooks import Ansible, service_environment

ROUNDS = 25
MODULE = "community.digicert.digicert_auth_key"
LIMITS = (
    ("steady state / ping", ["steady state"], ["ping"], 2.0),
    ("steady state / its uri tasks", ["steady state"], ["uri list", "set fact"], 1.0),
    ("create / its uri tasks", ["create"], ["uri list other", "uri create", "set fact created"], 0.55),
)


def uri(simulator: Simulator, role: str, path: str, method: str) -> dict[str, Any]:
    """Return the options of an ansible.builtin.uri task that calls the API."""
    return {
        "url": simulator.url + path,
        "method": method,
        "headers": {"X-DC-DEVKEY": simulator.keys[role]},
        "ca_path": str(simulator.ca_file),
        "return_content": True,
    }


def tasks_of_a_round(simulator: Simulator) -> list[dict[str, Any]]:
    """Return the tasks to compare; creates happen in an account of their own, so that the list stays short."""
    other = {"api_key": simulator.keys["other_full"], "ttl_days": 1, "force": True}
    listed = "{{ (listed.json.auth_keys | rejectattr('expiration_datetime', 'defined') | first).auth_key }}"
    return [
        {"name": "ping", "ansible.builtin.ping": {}},
        {"name": "steady state", MODULE: {}},
        {
            "name": "uri list",
            "ansible.builtin.uri": uri(simulator, "full", "/account/auth-keys", "GET"),
            "register": "listed",
        },
        {"name": "set fact", "ansible.builtin.set_fact": {"auth_key": listed}},
        {"name": "create", MODULE: other},
        {
            "name": "uri list other",
            "ansible.builtin.uri": uri(simulator, "other_full", "/account/auth-keys", "GET"),
            "register": "listed",
        },
        {
            "name": "uri create",
            "ansible.builtin.uri": uri(simulator, "other_full", "/account/auth-key/1", "POST"),
            "register": "created",
        },
        {"name": "set fact created", "ansible.builtin.set_fact": {"auth_key": "{{ created.json.auth_key }}"}},
    ]


def main() -> int:
    """Run the rounds and print the figures; return 1 when a ratio is above its limit."""
    with Simulator(limits=()) as simulator, tempfile.TemporaryDirectory() as directory:
        simulator.seed_auth_key()
        # Pipelining is off unless a user turns it on.
        ansible = Ansible(Path(directory), {**service_environment(simulator), "ANSIBLE_PIPELINING": "false"})
        run = ansible.play(tasks_of_a_round(simulator) * (ROUNDS + 1))
    assert run.rc == 0, run.output
    # The first round fills caches.
    seconds = {result.task: [one.seconds for one in run.of(result.task)][1:] for result in run.results}
    print(f"{ROUNDS} rounds, milliseconds a task:")
    for task, times in seconds.items():
        print(f"  {task:18} median {statistics.median(times) * 1e3:5.0f}  minimum {min(times) * 1e3:5.0f}")
    missed = 0
    for title, ours, theirs, limit in LIMITS:
        ratios = [
            sum(seconds[task][number] for task in ours) / sum(seconds[task][number] for task in theirs)
            for number in range(ROUNDS)
        ]
        ratio = statistics.median(ratios)
        missed += ratio > limit
        print(f"{title:30} {ratio:.2f}  (limit {limit}, {'met' if ratio <= limit else 'MISSED'})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
