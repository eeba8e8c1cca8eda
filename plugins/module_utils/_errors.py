# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The one exception that the logic of this collection raises."""

from __future__ import annotations


class DigicertError(Exception):
    """The one exception of this collection: a call, or the preparation of one, failed.

    Its text is one or two sentences for the user: what failed, where, what to do. It never holds a secret.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        transient: bool = False,
        lost: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        """Describe the failure.

        Args:
            message: what failed, where, what to do.
            status: HTTP status of the answer, if there was one.
            code: the API's error code, if the answer had one.
            transient: the same request may succeed later.
            lost: the service may have done what it was asked, although no usable answer came.
            retry_after: seconds that the service asks to wait.
        """
        super().__init__()
        self.message = message
        self.status = status
        self.code = code
        self.transient = transient
        self.lost = lost
        self.retry_after = retry_after
        self.changed = False  # something was changed before the failure
        self.after_loss = False  # the answer to an earlier try of the same call was lost

    def __str__(self) -> str:
        return self.message

    @property
    def not_found(self) -> bool:
        """Whether the API itself, not some gateway or a wrong address, says that the resource does not exist."""
        return self.status == 404 and self.code is not None and not self.no_route

    @property
    def no_route(self) -> bool:
        """Whether the API says that it does not know the path."""
        return self.status == 404 and self.code == "not_found|route"
