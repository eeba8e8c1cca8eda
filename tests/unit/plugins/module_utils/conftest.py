# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the tests of module_utils, also on the oldest Python."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import settings

from tests.support.script import Script, serve_script

# An example may take long on a busy machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def script() -> t.Iterator[Script]:
    """A server on loopback that follows a script."""
    with serve_script() as script:
        yield script
