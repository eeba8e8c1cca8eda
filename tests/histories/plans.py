# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of one run, drawn by hypothesis before the run, so that a run is repeatable."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from tests.histories.rows import HABITS, View
from tests.histories.wire import FAULTS, LONGEST_LAG, LOSSES, Fault

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0


class Plan(NamedTuple):
    """The conditions of one run.

    Attributes:
        computer: number of the computer whose clock it uses.
        view: how it sees the service's lists.
        faults: number of an exchange -> what happens to it.
        write_faults: likewise for the first requests that change something.
        crash_at: the number of the call that changes a file and is the last one; None: it lives.
        full_at: likewise, from which the disk is full.
        dies_at: half exchanges until the run is killed on the wire.
        meanwhile: half exchanges until another run begins, and ends, in the middle of this one; AT_LOCK: just before
            this one takes the lock.
    """

    computer: int = 0
    view: View = View()
    faults: tuple[tuple[int, Fault], ...] = ()
    write_faults: tuple[Fault | None, ...] = ()
    crash_at: int | None = None
    full_at: int | None = None
    dies_at: int | None = None
    meanwhile: tuple[int, Plan] | None = None

    @property
    def is_faultless(self) -> bool:
        """Whether the run has no faults."""
        nothing = (self.crash_at, self.full_at, self.dies_at, self.meanwhile) == (None,) * 4
        return nothing and not self.faults and not any(self.write_faults) and not self.view.lag


FAULTLESS = Plan()
AT_LOCK = -1


def _chosen(faults: list[Fault]) -> st.SearchStrategy[Fault]:
    """Return one of the faults; `sampled_from` would show them all in every report."""
    return st.integers(0, len(faults) - 1).map(lambda number: faults[number])


_HABITS = st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(HABITS), max_size=4))
_VIEWS = st.builds(View, st.sampled_from((0.0, 0.0, 5.0, 30.0, LONGEST_LAG)), _HABITS)
_FAULTS = st.lists(st.tuples(st.integers(0, 7), _chosen(FAULTS)), max_size=2).map(tuple)
_WRITE_FAULTS = st.one_of(
    st.just(()),
    st.lists(st.one_of(st.none(), st.sampled_from(LOSSES), _chosen(FAULTS)), max_size=3).map(tuple),
)
_CRASHES = st.one_of(st.none(), st.none(), st.integers(1, 30))
_RARE = st.one_of(st.none(), st.none(), st.none(), st.integers(0, 12))


def plans(depth: int = 1) -> st.SearchStrategy[Plan]:
    """Return plans of runs, with nested other runs to that depth."""
    nested: st.SearchStrategy[tuple[int, Plan] | None] = st.none()
    if depth:
        nested = st.one_of(st.none(), st.none(), st.none(), st.tuples(st.integers(0, 8), plans(depth - 1)))
    full = st.one_of(st.none(), st.none(), st.none(), st.integers(1, 20))
    computers = st.integers(0, 2)
    return st.builds(Plan, computers, _VIEWS, _FAULTS, _WRITE_FAULTS, _CRASHES, full, _RARE, nested)


PAUSES = (5 * SECOND, MINUTE, 5 * MINUTE, 11 * MINUTE, HOUR, DAY, 8 * DAY, 30 * DAY, 100 * DAY, 180 * DAY, 340 * DAY)
JUMPS = (0.0, 5 * SECOND, -5 * SECOND, 11 * MINUTE, -11 * MINUTE, 3 * HOUR, -3 * HOUR, 300 * DAY, -300 * DAY)
