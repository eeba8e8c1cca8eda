# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the role dv_certificate on simulated days, and count orders and requests.

Each lifetime of certificates has a simulator, a web server, and a host of its own. A day is a play of the role on all
these hosts; a callback moves the clocks of the simulators, of Ansible, and of its modules before each play.

A play takes two seconds, and hundreds of them would do nothing. So each day runs only the role's first check (see
look.py). The whole role runs on each day on which that check finds anything, on the days before and after, and on every
30th day. On all of these days, the role must do something exactly if the check says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tests.simulator import DcvTargets, OrderBehaviour, Simulator
from tests.simulator.orders import Order
from tests.simulator.request_log import BASE_PATH
from tests.support.playbooks import CALLBACKS, Ansible, service_environment
from tests.support.web import address_of, web_server
from tests.years.look import DAY, NAME

HERE = Path(__file__).parent
ROLE = "community.digicert.dv_certificate"
MONTH = 30  # days
LONGEST_PROCESS = 600.0  # seconds
OLD_REMAINING_DAYS = 30  # of version 0.2, whatever the lifetime


class Played(t.NamedTuple):
    """The results of some days with certificates of one lifetime; day 0 is the day of the first order."""

    lifetime: int
    days: int
    played_days: int  # on which the whole role ran
    orders: list[int]  # the days on which one was paid
    reissues: list[int]
    calls: int
    idle_calls: int  # of the days on which nothing was due
    uncovered_days: int  # without a valid certificate at any time after the day's run
    certificates: list[tuple[int, int]]  # the first and the last day of each

    @property
    def closest(self) -> int | None:
        """The fewest days between two orders; None when there is one order only."""
        return min((later - earlier for earlier, later in zip(self.orders, self.orders[1:])), default=None)

    @property
    def first_year_reissues(self) -> int:
        """The free reissues within the first order."""
        end = self.orders[1] if len(self.orders) > 1 else self.days
        return sum(day < end for day in self.reissues)


class _Account(t.NamedTuple):
    lifetime: int
    simulator: Simulator
    directory: Path
    web_address: str

    @property
    def host(self) -> str:
        return f"lifetime{self.lifetime}"

    @property
    def folder(self) -> Path:
        return self.directory / "tls"

    @property
    def variables(self) -> dict[str, t.Any]:
        return {
            "dv_certificate_common_name": NAME,
            "dv_certificate_directory": str(self.folder),
            "dv_certificate_private_key_type": "ECC",
            # The dates are those of today, so that the module would expect the lifetime of today.
            "dv_certificate_cert_validity_days": self.lifetime,
            "dv_certificate_webroot": str(self.directory / "html"),
            "dv_certificate_http_address": self.web_address,
            "dv_certificate_api_url": self.simulator.url,
            "dv_certificate_ca_path": str(self.simulator.ca_file),
        }


def orders_of_version_0_2(lifetime: int, days: int) -> list[int]:
    """Return the days on which version 0.2 paid: each renewal was an order, 30 days before the end."""
    return list(range(0, days, lifetime - OLD_REMAINING_DAYS))


def play(lifetimes: Sequence[int], days: int, directory: Path, *, due_only: bool = False) -> list[Played]:
    """Run this number of days, and return the results for each lifetime.

    Args:
        lifetimes: of certificates, in days.
        days: from the one of the first order on.
        directory: an empty one.
        due_only: play the whole role on the first day and on those on which the look finds anything, and on no other.

    Raises:
        AssertionError: a run failed, or did something else than the look at that day said.
    """
    with contextlib.ExitStack() as stack:
        accounts = [stack.enter_context(_account(lifetime, directory)) for lifetime in lifetimes]
        ansible = Ansible(directory, service_environment(accounts[0].simulator), LONGEST_PROCESS)
        start = accounts[0].simulator.now().replace(microsecond=0)
        plan = {
            "start": start.isoformat(),
            "clocks": [f"{each.simulator.http_url.removesuffix(BASE_PATH)}/_simulator/clock" for each in accounts],
            "certificates": {each.host: str(each.folder / f"{NAME}.pem") for each in accounts},
            "days": str(directory / "days.jsonl"),
        }
        _prepare(ansible, accounts, plan)
        done = 0 if due_only else 1
        actions = _play_days(ansible, range(done + 1))
        while done < days - 1:
            due = _first_due_day(done + 1, days, start.timestamp(), accounts)
            runs = {due} if due_only else {*range(done + MONTH - done % MONTH, due, MONTH), *range(due - 1, due + 2)}
            new = sorted(day for day in runs if done < day < days)
            if not new:
                break
            for day, found in zip(new, played := _play_days(ansible, new)):
                busy = any(action != "none" for action in found.values())
                assert busy == (day == due) or day > due, (day, due, found)
            actions += played
            done = new[-1] if due < days else days
        lines = [json.loads(line) for line in (directory / "days.jsonl").read_text(encoding="utf-8").splitlines()]
        return [
            _count(each, start.timestamp(), days, lines, [found[each.host] for found in actions]) for each in accounts
        ]


def _first_due_day(since: int, end: int, start: float, accounts: Sequence[_Account]) -> int:
    """Return the first day, from `since` on, on which the look of the role finds anything; `end` when there is none."""
    command = [sys.executable, "-m", "tests.years.look", str(since), str(end), str(start)]
    command += [str(account.folder) for account in accounts]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, check=True).stdout)


@contextlib.contextmanager
def _account(lifetime: int, directory: Path) -> Iterator[_Account]:
    """Start a simulator that issues certificates of this lifetime, and the web server that it looks at."""
    own = directory / str(lifetime)
    (own / "html").mkdir(parents=True)
    behaviour = OrderBehaviour(certificate_days=lifetime)
    with web_server(own / "html") as web, Simulator(order_behaviour=behaviour) as simulator:
        simulator.set_dcv_targets(DcvTargets(http=address_of(web)))
        simulator.seed_auth_key()
        yield _Account(lifetime, simulator, own, address_of(web))


def _prepare(ansible: Ansible, accounts: Sequence[_Account], plan: dict[str, t.Any]) -> None:
    """Write what the processes read: inventory, variables of the hosts, the plan of the callback, the clock."""
    ansible.hosts(*(account.host for account in accounts))
    for account in accounts:
        (ansible.host_vars / f"{account.host}.yml").write_text(yaml.safe_dump(account.variables), encoding="utf-8")
    files = {
        "AHEAD": (ansible.directory / "ahead", "0"),
        "SIMULATED_DAYS": (ansible.directory / "plan", json.dumps(plan)),
    }
    for name, (path, content) in files.items():
        path.write_text(content, encoding="utf-8")
        ansible.env[name] = str(path)
    ansible.env["PYTHONPATH"] = os.pathsep.join([str(HERE / "clock"), ansible.env.get("PYTHONPATH", "")])
    ansible.env["ANSIBLE_CALLBACK_PLUGINS"] = os.pathsep.join([str(CALLBACKS), str(HERE / "callback")])
    ansible.env["ANSIBLE_CALLBACKS_ENABLED"] = "task_results,simulated_days"


def _play_days(ansible: Ansible, days: Sequence[int]) -> list[dict[str, str]]:
    """Run the role on these days in one process; return for each day what it did: host -> action."""
    plays = [{"name": f"Day {day}", "hosts": "all", "gather_facts": False, "roles": [{"role": ROLE}]} for day in days]
    playbook = ansible.directory / "days.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    run = ansible.playbook(playbook)
    assert run.rc == 0, run.output
    actions: list[dict[str, str]] = [{}]
    for task in run.results:
        result = task.result.get("ansible_facts", {}).get("dv_certificate_result")
        if result and task.task == f"{ROLE} : Decide what to do" and task.host in actions[-1]:
            actions.append({})
        if result:
            actions[-1][task.host] = result["action"]
    assert [len(each) for each in actions] == [len(actions[0])] * len(days), run.output
    return actions


def _count(
    account: _Account, start: float, total: int, days: Sequence[dict[str, t.Any]], actions: Sequence[str]
) -> Played:
    calls = [entry.time for entry in account.simulator.log]
    ends = [day["began"] for day in days[1:]] + [float("inf")]
    nexts = [day["day"] for day in days[1:]] + [total]
    idle_calls = uncovered = 0
    for day, end, next_day, action in zip(days, ends, nexts, actions):
        idle_calls += sum(day["began"] <= call < end for call in calls) if action == "none" else 0
        since, until = day["installed"][account.host] or (float("inf"), 0.0)
        # The result of a run is used until the next run, a minute after the day began. On a busy machine, a new
        # certificate takes longer, and the old one serves until then.
        covered = [
            since <= start + one * DAY + LONGEST_PROCESS and start + (one + 1) * DAY + 60 <= until
            for one in range(day["day"], next_day)
        ]
        uncovered += covered.count(False)
    orders = account.simulator.orders()
    whole = [certificate for order in orders for certificate in _certificates(order, start)]
    return Played(
        lifetime=account.lifetime,
        days=total,
        played_days=len(days),
        orders=[round((order.created.timestamp() - start) / DAY) for order in orders],
        reissues=sorted(first for order in orders for first, _last in _certificates(order, start)[1:]),
        calls=len(calls),
        idle_calls=idle_calls,
        uncovered_days=uncovered,
        certificates=sorted(whole),
    )


def _certificates(order: Order, start: float) -> list[tuple[int, int]]:
    """Return the first and the last day of each certificate of an order, the original one first."""
    issued = [one for one in order.enrollments if one.certificate]
    days = [(one.created, one.certificate.validity.end) for one in issued if one.certificate]
    return [(round((first.timestamp() - start) / DAY), round((end.timestamp() - start) / DAY)) for first, end in days]
