# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a reset of the simulator replaces."""

from __future__ import annotations

from dataclasses import dataclass, field

from .accounts import Account
from .behaviour import OrderBehaviour, ServiceBehaviour
from .clock import Clock
from .dcv import DcvCheck, DcvTargets
from .faults import FaultQueue
from .rate_limit import RateLimiter


@dataclass
class State:
    """What clients and tests change; a request keeps to the state it arrived in.

    Attributes:
        accounts: by name.
        limiter: the rate limits in force.
        dcv_targets: where validation connects to.
        order_behaviour: how the next orders behave.
        clock: the simulated time.
        service_behaviour: how the service responds.
        faults: the remaining injected faults.
        dcv_checks: every validation so far, oldest first.
    """

    accounts: dict[str, Account]
    limiter: RateLimiter
    dcv_targets: DcvTargets
    order_behaviour: OrderBehaviour
    clock: Clock
    service_behaviour: ServiceBehaviour = field(default_factory=ServiceBehaviour)
    faults: FaultQueue = field(default_factory=FaultQueue)
    dcv_checks: list[DcvCheck] = field(default_factory=list)

    def account(self, name: str) -> Account:
        """Return the account with this ``name``.

        Raises:
            ValueError: when there is none.
        """
        if name not in self.accounts:
            raise ValueError(f"there is no account {name!r}, only {', '.join(self.accounts)}")
        return self.accounts[name]
