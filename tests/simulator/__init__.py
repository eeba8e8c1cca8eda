# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CertCentral stand-in that speaks real HTTP and HTTPS on loopback: see README.md next to this file."""

from __future__ import annotations

from .faults import Fault
from .rate_limit import Limit
from .simulator import Simulator

__all__ = ["Fault", "Limit", "Simulator"]
