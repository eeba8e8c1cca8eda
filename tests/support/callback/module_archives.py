# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets ansible processes share the archives of modules that they build, in the folder that MODULE_ARCHIVES names."""

from __future__ import annotations

import os

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: module_archives
type: aggregate
short_description: Share the archives of modules
description: [Replaces the cache of this process, which Ansible locks, by a folder that all processes share.]
"""


class CallbackModule(CallbackBase):
    """Does its work when it is loaded."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "module_archives"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Link the cache to the shared folder."""
        super().__init__()
        cache = os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")  # type: ignore[attr-defined]
        if "MODULE_ARCHIVES" in os.environ and not os.path.lexists(cache):
            os.symlink(os.environ["MODULE_ARCHIVES"], cache)
