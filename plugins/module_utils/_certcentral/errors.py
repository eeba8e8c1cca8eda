# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The exceptions of this collection, and a function that makes foreign text safe to show.

The subclasses say what is known of a request: nothing was sent, the service refused it, or it may have been carried
out.
Code that knows more about a failure raises `error.extend(…) from error`.
"""

from __future__ import annotations

import typing as t

E = t.TypeVar("E", bound="DigicertError")

MAX_EXCERPT = 200  # characters of foreign text that are worth showing


class DigicertError(Exception):
    """A call, or the preparation of one, failed; every other exception of this collection is a subclass.

    Attributes:
        message: one or two sentences for the user: what failed, where, what to do next. It never contains a secret.
        http_status: HTTP status of the response, if there was one.
        code: error code of the API, if the response had one.
        changed: something was changed, or may have been changed, before the failure.
        after_loss: the response to an earlier try of the same call was lost.
    """

    transient = False  # the same request may succeed later
    retry_after = 0.0  # seconds that the service asks to wait

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        code: str | None = None,
        changed: bool = False,
        after_loss: bool = False,
    ) -> None:
        """Describe the failure; the arguments are the attributes."""
        super().__init__()
        self.message = message
        self.http_status = http_status
        self.code = code
        self.changed = changed
        self.after_loss = after_loss

    def __str__(self) -> str:
        return self.message

    def extend(
        self: E, *, before: str = "", after: str = "", changed: bool | None = None, after_loss: bool | None = None
    ) -> E:
        """Return a copy of the same type with more text and facts, to be raised from this error.

        Args:
            before: text in front of the message, followed by a space.
            after: text behind the message, preceded by a space.
            changed: new value of the attribute; None keeps it.
            after_loss: new value of the attribute; None keeps it.
        """
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.message = " ".join(part for part in (before, self.message, after) if part)
        copy.changed = self.changed if changed is None else changed
        copy.after_loss = self.after_loss if after_loss is None else after_loss
        return copy


class MissingLibraryError(DigicertError):
    """A Python library that the task needs is not installed, or cannot be imported.

    Attributes:
        library: its name on PyPI.
        traceback: of the failed import.
        reason: why a library that is there cannot be imported, or nothing.
    """

    def __init__(self, library: str, traceback: str, cause: Exception | None = None) -> None:
        """Name the library; the module adds which Python lacks it. `cause` is what the import raised."""
        super().__init__(f"The Python library {library} is not installed on the host that runs the module.")
        self.library = library
        self.traceback = traceback
        is_absent = cause is None or (isinstance(cause, ModuleNotFoundError) and cause.name == library)
        self.reason = "" if is_absent else printable(f"{type(cause).__name__}: {cause}")
        if self.reason:
            self.message = f"{self.message[:-1]}, or cannot be imported: {self.reason.rstrip('.')}."


class NotSentError(DigicertError):
    """Nothing reached the service: no connection, an unusable address, a rejected certificate.

    Attributes:
        transient: the request may succeed later; it is always safe to send it again.
    """

    def __init__(self, message: str, *, transient: bool = False, **facts: t.Any) -> None:
        """Describe the failure; `facts` are those of DigicertError."""
        super().__init__(message, **facts)
        self.transient = transient


class RefusedError(DigicertError):
    """The service itself refused the request: a 4xx response with the documented errors and a code.

    Attributes:
        retry_after: seconds that the service asks to wait.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0, **facts: t.Any) -> None:
        """Describe the failure; `facts` are those of DigicertError."""
        super().__init__(message, **facts)
        self.retry_after = retry_after


class NotFoundError(RefusedError):
    """The service says that the resource does not exist."""


class NoRouteError(RefusedError):
    """The service says that it does not know the path."""


class RateLimitedError(RefusedError):
    """The rate limit of the API key is reached."""

    transient = True


class LostResponseError(DigicertError):
    """No response says whether the request was carried out, so it may have been.

    Attributes:
        transient: the request may succeed later; a request that may be repeated is worth another try.
        silent: the service did not respond in time, and may still be working.
        retry_after: seconds that the response asks to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        silent: bool = False,
        retry_after: float = 0.0,
        **facts: t.Any,
    ) -> None:
        """Describe the failure; `facts` are those of DigicertError."""
        super().__init__(message, **facts)
        self.transient = transient
        self.silent = silent
        self.retry_after = retry_after


class UnusableResponseError(LostResponseError):
    """A response came, but not in a form that the API documents."""


def printable(text: str, limit: int = MAX_EXCERPT) -> str:
    """Return foreign text as one line without control characters, escape sequences or direction marks.

    Args:
        text: any text, including lone surrogates.
        limit: characters to keep; what is longer ends with an ellipsis.
    """
    text = text[: 100 * limit]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
