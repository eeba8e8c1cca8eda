# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find out whether a change was carried out after its response was lost."""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError

PATIENCE = 90.0  # seconds; reads lag behind writes by up to a minute (API page, section 1)


def confirm_change(error: DigicertError, is_done: t.Callable[[], bool], what: str) -> None:
    """Return once a change whose response was lost is known to be done.

    Args:
        error: why its response was lost, or the error of a later try.
        is_done: reads the service and returns whether the change is done; raises DigicertError.
        what: the change as a subject, such as "the revocation of order 1".

    Raises:
        DigicertError: `error` with an explanation: the change is not visible or cannot be read, and may still be
            carried out.
    """
    patience = Backoff(PATIENCE)
    unseen = f"It is unknown whether {what} was carried out, and it may still be carried out. Run the task again later."
    while True:
        try:
            if is_done():
                return
        except DigicertError as failure:
            raise error.extend(after=f"{unseen} {failure.message}", changed=True) from failure
        if not patience.wait():
            raise error.extend(after=unseen, changed=True) from error
