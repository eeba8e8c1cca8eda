# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CertCentral simulator over real HTTP and HTTPS on loopback: see README.md next to this file."""

from __future__ import annotations

from .behaviour import OrderBehaviour, ServiceBehaviour
from .dcv import DcvTargets
from .faults import Fault
from .rate_limit import Limit
from .request_tokens import check_request_token
from .simulator import Simulator

__all__ = [
    "DcvTargets",
    "Fault",
    "Limit",
    "OrderBehaviour",
    "ServiceBehaviour",
    "Simulator",
    "check_request_token",
]
