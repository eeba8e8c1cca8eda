# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a reset of the simulator renews."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .accounts import Account, new_accounts
from .faults import FaultQueue
from .rate_limit import Limit, RateLimiter


@dataclass
class State:
    """The accounts, the injected faults and the rate limiter; a request keeps to the state it arrived in."""

    limiter: RateLimiter
    accounts: dict[str, Account] = field(default_factory=new_accounts)
    faults: FaultQueue = field(default_factory=FaultQueue)

    @classmethod
    def new(cls, limits: Iterable[Limit], retry_after: bool) -> State:
        """Return a state with empty accounts and no faults."""
        return cls(RateLimiter(limits, retry_after))

    def account(self, name: str) -> Account:
        """Return the account with this ``name``.

        Raises:
            ValueError: when there is none.
        """
        if name not in self.accounts:
            raise ValueError(f"there is no account {name!r}, only {', '.join(self.accounts)}")
        return self.accounts[name]
