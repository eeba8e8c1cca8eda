# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared helpers for requests to the simulator and its responses."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests

Call = Callable[..., requests.Response]


def error_code(answer: requests.Response) -> str:
    """Return the code of the one error in an answer of the documented shape."""
    (error,) = answer.json()["errors"]
    assert error["message"]
    return str(error["code"])


def port_of(url: str) -> int:
    """Return the port in ``url``."""
    port = urlsplit(url).port
    assert port
    return port
