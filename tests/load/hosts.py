# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts through a real ansible-playbook at once, against the simulator under a rate limit.

Each run must end without a failed host, with one AuthKey, in little more than the shortest time that the rate limit and
this machine allow, and with few requests beyond those that are needed.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.load.bound import fewest_requests, time_bound
from tests.simulator import Limit, Simulator
from tests.simulator.rate_limit import DEFAULT_LIMITS
from tests.support.playbooks import Ansible, service_environment

MODULE = "community.digicert.digicert_auth_key"
FORKS = 20
STRATEGIES = ("linear", "free")
MOST_TIME = 1.15  # times the bound
MOST_REQUESTS = 1.05  # times the fewest
LONGEST_RUN = 900.0
UNLIMITED = "without a limit"
PACE_HOSTS = 100  # enough to tell how many hosts a second this machine manages without a limit


class Play(NamedTuple):
    """What to run: how many hosts, the strategy, and whether there is no AuthKey yet."""

    hosts: int
    strategy: str
    cold: bool = False


class Profile(NamedTuple):
    """Rate limits, and the plays to run under them."""

    limits: tuple[Limit, ...]
    plays: tuple[Play, ...]


class Run(NamedTuple):
    """What a play took; times are in seconds, from the first request to the last."""

    profile: str
    play: Play
    failed: int
    keys: int
    seconds: float
    requests: int
    refused: int
    fewest: int
    limit_bound: float = 0.0  # what the limit imposes on a machine of any speed
    machine_bound: float = 0.0  # what this machine takes without a limit
    bound: float = 0.0  # what both impose together

    @property
    def time_ratio(self) -> float:
        """The time as a multiple of the shortest possible."""
        return self.seconds / self.bound

    @property
    def request_ratio(self) -> float:
        """The requests as a multiple of the fewest possible."""
        return self.requests / self.fewest

    @property
    def missed(self) -> list[str]:
        """What is wrong with it."""
        wrong = {
            f"{self.failed} hosts failed": self.failed > 0,
            f"{self.keys} keys": self.keys != 1,
            "time": self.time_ratio > MOST_TIME,
            "requests": self.request_ratio > MOST_REQUESTS,
        }
        return [what for what, is_wrong in wrong.items() if is_wrong]


def _plays(*hosts: int, strategies: Sequence[str] = STRATEGIES, cold: bool = False) -> tuple[Play, ...]:
    return tuple(Play(number, strategy, cold) for number in hosts for strategy in strategies)


PROFILES = {
    "documented": Profile(DEFAULT_LIMITS, _plays(200, 1000)),
    # Scaled to what two cores manage, about four hosts a second, so that the limit counts and the windows fill.
    "scaled": Profile((Limit(150, 45), Limit(20, 5)), (*_plays(50, 100, 200), *_plays(100, cold=True))),
    # Half of that: the machine could go twice as fast as the limit, or more, as a large controller could.
    "half": Profile((Limit(75, 45), Limit(10, 5)), _plays(50, 100)),
}


def measure(names: Sequence[str], strategies: Sequence[str] = STRATEGIES, hosts: int | None = None) -> list[Run]:
    """Run plays one after the other and return their measurements.

    Args:
        names: of the profiles.
        strategies: those to run.
        hosts: run only plays of so many; None for all.
    """
    runs = []
    for strategy in strategies:
        own = [_measured(UNLIMITED, Play(PACE_HOSTS, strategy))]
        plays = [(name, play) for name in names for play in PROFILES[name].plays if play.strategy == strategy]
        own += [_measured(name, play) for name, play in plays if hosts in (play.hosts, None)]
        # If the machine was disturbed while it ran without a limit, a later run shows its real speed.
        pace = max((run.fewest - 1) / run.seconds for run in own)
        print(f"This machine manages {pace:.1f} hosts a second with the strategy {strategy}.", flush=True)
        runs += [_bounded(run, pace) for run in own[1:]]
    return runs


def show(runs: Sequence[Run]) -> bool:
    """Print a table of the runs; return whether all kept their limits."""
    print("profile     hosts  strategy  start  limit s  machine s  bound s   time s  ratio  requests  ratio  refused")
    for run in runs:
        print(
            f"{run.profile:10} {run.play.hosts:6}  {run.play.strategy:8}  {'cold' if run.play.cold else 'warm'}  "
            f"{run.limit_bound:8.0f} {run.machine_bound:10.0f} {run.bound:8.0f} {run.seconds:8.0f} "
            f"{run.time_ratio:6.2f} {run.requests:9} {run.request_ratio:6.3f} {run.refused:8}"
            f"{'  MISSED: ' + ', '.join(run.missed) if run.missed else ''}"
        )
    print(f"Limits: no failed host, one key, time {MOST_TIME} times the bound, requests {MOST_REQUESTS} times.")
    return not any(run.missed for run in runs)


def _bounded(run: Run, pace: float) -> Run:
    """Return the run with its bounds on a machine that manages so many hosts a second."""
    limits = PROFILES[run.profile].limits
    limit, both = (time_bound(limits, run.fewest, rate) for rate in (math.inf, pace))
    return run._replace(limit_bound=limit, machine_bound=(run.fewest - 1) / pace, bound=both)


def _measured(name: str, play: Play) -> Run:
    """Run a play under the limits of a profile, or UNLIMITED, and return what it took, without the bounds."""
    limits = () if name == UNLIMITED else PROFILES[name].limits
    with Simulator(limits=limits) as simulator, tempfile.TemporaryDirectory() as directory:
        if not play.cold:
            simulator.seed_auth_key()
        ansible = Ansible(Path(directory), service_environment(simulator), LONGEST_RUN)
        ansible.hosts(*(f"host{number}" for number in range(play.hosts)))
        done = ansible.play([{MODULE: {}}], "-f", str(FORKS), play={"strategy": play.strategy})
        log = simulator.log
        keys = len(simulator.auth_keys())
    outcomes = Counter(result.outcome for result in done.results)
    statuses = Counter((entry.method, entry.status) for entry in log)
    fewest = fewest_requests(play.hosts, statuses["POST", 200], statuses["POST", 400])
    run = Run(
        profile=name,
        play=play,
        failed=play.hosts - outcomes["ok"],
        keys=keys,
        seconds=log[-1].time - log[0].time,
        requests=len(log),
        refused=sum(entry.status == 429 for entry in log),
        fewest=fewest,
    )
    print(f"{name}: {play.hosts} hosts, {play.strategy}: {run.seconds:.0f} s, {run.requests} requests", flush=True)
    return run
