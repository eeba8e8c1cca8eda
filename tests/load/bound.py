# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shortest time that a rate limit and this machine allow, and the fewest requests that the hosts need."""

from __future__ import annotations

from collections.abc import Sequence

from tests.simulator import Limit


def time_bound(limits: Sequence[Limit], requests: int, rate: float) -> float:
    """Return the seconds from the first to the last request of an all-knowing client on this machine.

    Such a client sends each request as soon as the limits have room for it. The machine makes `rate` requests ready in
    a second; `math.inf` gives what the limits alone impose.
    """
    sent = [0.0]
    for number in range(1, requests):
        room = [sent[number - limit.requests] + limit.seconds for limit in limits if number >= limit.requests]
        sent.append(max([sent[-1] + 1 / rate, *room]))
    return sent[-1]


def fewest_requests(hosts: int, creates: int, creates_refused: int) -> int:
    """Return the minimum of requests: every host lists the keys once, and the key is created once.

    Hosts that list the keys before the create is done also try to create the key, are refused, and list again.
    """
    return hosts + creates + 2 * creates_refused
