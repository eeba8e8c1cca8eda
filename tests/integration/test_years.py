# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A year of daily runs costs what the documentation says; `make years` runs two years for every lifetime."""

from __future__ import annotations

from pathlib import Path

from tests.years.play import play


def test_a_year_takes_one_order_one_free_reissue_and_its_renewal(tmp_path: Path) -> None:
    [year] = play([199], 366, tmp_path, due_only=True)
    assert len(year.orders) == 2
    assert (year.closest or 0) >= 300
    assert len(year.reissues) == year.first_year_reissues == 1
    assert (year.idle_calls, year.uncovered_days) == (0, 0)
    assert year.calls == 3 + 3 + 4  # with the AuthKey of each: the order, the reissue, the linked order
