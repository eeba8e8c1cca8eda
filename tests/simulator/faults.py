# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that a test injects between a request and its response."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from werkzeug.wrappers import Response

_BLOCK = 65536


@dataclass(frozen=True)
class Fault:
    """One fault; every field is independent of the others and has no effect by default.

    A fault with a ``drop``, ``status``, ``body``, or ``size`` responds instead of the API. The API then does not get
    the request, unless ``commit`` is set: then the API handles it first, and its own response is discarded. With
    ``commit_after``, the API handles it later, after the response. Any other fault (delays, cuts, drips, added headers)
    changes the API's own response.

    Attributes:
        name: its name in the request log.
        method: regular expression the whole method must match.
        path: regular expression searched in the path below ``/services/v2``.
        skip: number of matching requests without the fault first.
        times: number of matching requests with the fault; None for all.
        commit: let the API handle the request although the fault answers.
        commit_after: the same, but only that many seconds of the simulated clock after the request came.
        delay_before: seconds between the request's arrival and the API's handling of it.
        delay_after: seconds between the API's handling of it and the answer.
        drop: "close" or "reset" the connection instead of a response.
        status: HTTP status of the fault's answer; 200 when only a body is given.
        headers: added to any response; ``Transfer-Encoding: chunked`` also removes its length.
        body: a text is sent as it is, as ``text/html``; any other JSON value as ``application/json``.
        edit: JSON pointer (RFC 6901) -> value to put there, in whatever JSON answer there is; it must exist.
        remove: JSON pointers to members to leave out of it.
        size: length in bytes to which the body (or "x") is repeated; streamed.
        keep: bytes of the body to keep: a complete answer with a cut body.
        close_after: bytes of the body to send before the connection is closed: an answer shorter than it says.
        drip_headers: seconds between the bytes of the status line and headers.
        drip_body: seconds between the bytes of the body.
    """

    name: str = "fault"
    method: str = ".*"
    path: str = ""
    skip: int = 0
    times: int | None = 1
    commit: bool = False
    commit_after: float | None = None
    delay_before: float = 0
    delay_after: float = 0
    drop: str | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    edit: dict[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    size: int | None = None
    keep: int | None = None
    close_after: int | None = None
    drip_headers: float = 0
    drip_body: float = 0

    def __post_init__(self) -> None:
        re.compile(self.method)
        re.compile(self.path)
        if self.drop not in (None, "close", "reset"):
            raise ValueError('drop must be "close" or "reset"')
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or null for every request")
        if self.commit_after is not None and (self.commit or not (self.drop or self._answers)):
            raise ValueError("commit_after stands without commit, and needs a drop or an answer of the fault")

    @classmethod
    def from_json(cls, value: Any) -> Fault:
        """Return the fault that the JSON object ``value`` describes.

        Raises:
            ValueError: when it is not an object, or has an unknown field or a bad value.
        """
        if not isinstance(value, dict):
            raise ValueError("a fault is a JSON object")
        try:
            return cls(**value | ({"remove": tuple(value["remove"])} if "remove" in value else {}))
        except (TypeError, re.error) as error:
            raise ValueError(str(error)) from error

    def to_json(self) -> dict[str, Any]:
        """Return the fault as JSON values."""
        return {**asdict(self), "remove": list(self.remove)}

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault applies to a request with this ``method`` and ``path`` (below ``/services/v2``)."""
        return re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None

    @property
    def reaches_api(self) -> bool:
        """Whether the API handles the request at all."""
        return self.commit or not (self.drop or self._answers)

    def shape(self, answer: Response) -> Response:
        """Return the response instead of ``answer``, the API's own (or an empty one)."""
        if self._answers:
            answer = self._own_answer()
        if self.edit or self.remove:
            answer.set_data(json.dumps(_edited(answer.get_json(), self.edit, self.remove)))
        if self.keep is not None:
            answer.set_data(answer.get_data()[: self.keep])
        answer.headers.update(self.headers)
        if "Transfer-Encoding" in self.headers:
            answer.headers.pop("Content-Length", None)
        return answer

    @property
    def _answers(self) -> bool:
        return not (self.status is None and self.body is None and self.size is None)

    def _own_answer(self) -> Response:
        is_text = self.body is None or isinstance(self.body, str)
        body = ((self.body or "") if is_text else json.dumps(self.body)).encode()
        content_type = "text/html; charset=utf-8" if is_text else "application/json"
        status = self.status or 200
        if self.size is None:
            return Response(body, status, content_type=content_type)
        blocks = _repeat(body or b"x", self.size)
        return Response(blocks, status, {"Content-Length": str(self.size)}, content_type=content_type)


def _edited(value: Any, edit: dict[str, Any], remove: Iterable[str]) -> Any:
    """Return a JSON value with parts replaced and removed; raises LookupError if one does not exist."""
    whole = [value]
    for pointer, new in edit.items():
        holder, name = _found(whole, pointer)
        holder[name] = new
    for pointer in remove:
        holder, name = _found(whole, pointer)
        del holder[name]
    return whole[0]


def _found(whole: Any, pointer: str) -> tuple[Any, Any]:
    """Return the list or object that holds what a JSON pointer names, and the index or name there."""
    holder: Any = whole
    name: Any = 0
    for token in pointer.split("/")[1:]:
        holder = holder[name]
        name = int(token) if isinstance(holder, list) else token.replace("~1", "/").replace("~0", "~")
    holder[name]
    return holder, name


def _repeat(body: bytes, size: int) -> Iterator[bytes]:
    block = body * max(1, _BLOCK // len(body))
    for _ignored in range(size // len(block)):
        yield block
    yield block[: size % len(block)]


class FaultQueue:
    """The injected faults, oldest first; at most one is applied to a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[_Pending] = []

    def add(self, faults: Iterable[Fault]) -> None:
        """Append ``faults``."""
        with self._lock:
            self._pending += [_Pending(fault, fault.skip, fault.times) for fault in faults]

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._pending.clear()

    @property
    def pending(self) -> list[Fault]:
        """The remaining faults."""
        with self._lock:
            return [pending.fault for pending in self._pending]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault to apply to a request, counting it as applied, or None."""
        with self._lock:
            for pending in self._pending:
                if pending.fault.matches(method, path) and pending.is_due():
                    if pending.times == 0:
                        self._pending.remove(pending)
                    return pending.fault
        return None


@dataclass(eq=False)
class _Pending:
    fault: Fault
    skip: int
    times: int | None

    def is_due(self) -> bool:
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
