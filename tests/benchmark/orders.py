# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it takes to list 10,000 orders, beside 100, under the documented rate limit."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.load.task import cost
from tests.simulator import OrderBehaviour, Simulator

MODULE = "ansible_collections.community.digicert.plugins.modules.digicert_order_info"
FEW, MANY = 100, 10_000
MOST_MEMORY = 150 * 1024 * 1024  # bytes over those of 100 orders
MOST_REQUESTS = MANY // 500  # the largest page


def main() -> int:
    """Print requests, seconds and peak memory for both; return 1 when a limit was missed."""
    figures = {}
    # The simulator's own limits are the documented ones.
    with Simulator() as simulator:
        simulator.set_order_behaviour(OrderBehaviour(validation="never"))
        args = {"api_url": simulator.url, "api_key": simulator.keys["view_only"], "ca_path": str(simulator.ca_file)}
        there = 0
        for number in (FEW, MANY):
            for order in range(there, number):
                simulator.seed_order(f"www{order}.example.com", created=simulator.now() - timedelta(minutes=order))
            there = number
            sent, started = len(simulator.log), time.monotonic()
            memory = cost(MODULE, args).memory
            figures[number] = (len(simulator.log) - sent, time.monotonic() - started, memory)
    for number, (requests, seconds, memory) in figures.items():
        print(f"{number:7,} orders: {requests:3} requests, {seconds:5.1f} s, {memory / 1024 / 1024:4.0f} MiB at most")
    more_requests, more_time, more_memory = (many / few for few, many in zip(figures[FEW], figures[MANY], strict=True))
    print(f"ratio: {more_requests:.0f} x the requests, {more_time:.1f} x the time, {more_memory:.2f} x the memory")
    kept = figures[MANY][0] <= MOST_REQUESTS and figures[MANY][2] - figures[FEW][2] <= MOST_MEMORY
    print(f"at most {MOST_REQUESTS} requests and 150 MiB more memory: {'met' if kept else 'MISSED'}")
    return 0 if kept else 1
