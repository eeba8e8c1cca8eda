# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read files that another user may have created: no devices, no pipes, and never more than a limit."""

from __future__ import annotations

import os
import re
import stat

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error, open_place

LARGEST_FILE = 4 * 1024 * 1024  # bytes
# The file may be a private key, so no advice here may destroy it.
ADVICE = "Correct the path, or move the file away."
READ_ADVICE = "Check the file and its file system."

_KEY_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File")
_KEY_STORES = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")  # Java: JKS and JCEKS
_SEQUENCE = rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)"
# PKCS #1, PKCS #8 and SEC 1; encrypted PKCS #8, with an OID of PKCS #5 or #12; PKCS #12 (RFC 7292, 4).
_KEY_DER = re.compile(
    _SEQUENCE
    + rb"(?:\x02\x01[\x00\x01](?:\x02|\x04|\x30)|"
    + _SEQUENCE
    + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c]|\x02\x01\x03\x30)",
    re.DOTALL,
)


def read_regular(path: str, limit: int = LARGEST_FILE) -> bytes | None:
    """Return the content of a file, None if it does not exist.

    Args:
        path: of the file; links are followed as `resolve_target` does.
        limit: most bytes that the file may have.

    Raises:
        DigicertError: the file is not a regular one, is larger than the limit, or cannot be read.
    """
    with open_place(path) as place:
        return read_place(place, limit)


def read_place(place: Place, limit: int = LARGEST_FILE) -> bytes | None:
    """Like `read_regular`, for a place with an open folder."""
    descriptor = open_regular(place)
    if descriptor is None:
        return None
    try:
        return read_descriptor(descriptor, place.path, limit)
    finally:
        os.close(descriptor)


def open_regular(place: Place, flags: int = os.O_RDONLY, mode: int = 0o600) -> int | None:
    """Open a file without blocking, and make sure that it is a regular file.

    Args:
        place: where it is.
        flags: for `os.open`, besides those that keep it safe.
        mode: permissions of a file that is created.

    Returns:
        A descriptor, which the caller closes; None when the file or its folder does not exist.

    Raises:
        DigicertError: it is not a regular file, or cannot be opened.
    """
    if place.folder is None:
        return None
    safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        # Check first, because opening a device can already have an effect.
        if not stat.S_ISREG(os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_mode):
            raise not_regular_error(place.path)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            return None
    except OSError as exc:
        raise file_error("Cannot read", place.path, exc, READ_ADVICE) from None
    try:
        descriptor = os.open(place.name, flags | safe, mode, dir_fd=place.folder)
    except FileNotFoundError:
        return None
    except OSError as exc:
        advice = "Make the directory writable, or free disk space." if flags & os.O_CREAT else READ_ADVICE
        raise file_error("Cannot open", place.path, exc, advice) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_regular_error(place.path)
    return descriptor


def read_descriptor(descriptor: int, path: str, limit: int = LARGEST_FILE) -> bytes:
    """Return the content of an open file; raises DigicertError if it has more than `limit` bytes."""
    content = bytearray()
    try:
        while len(content) <= limit:
            more = os.read(descriptor, min(65536, limit + 1 - len(content)))
            if not more:
                return bytes(content)
            content += more
    except OSError as exc:
        raise file_error("Cannot read", path, exc, READ_ADVICE) from None
    raise DigicertError(f"{printable(path, 500)} has more than {limit} bytes. {ADVICE}")


def not_regular_error(path: str) -> DigicertError:
    """Return the error for a pipe, a device, a directory, or the like instead of a file."""
    return DigicertError(f"{printable(path, 500)} is not a regular file. {ADVICE}")


def contains_private_key(content: bytes) -> bool:
    """Return whether a file contains a private key: PEM text in any encoding, DER, PKCS #12, or a Java key store."""
    # UTF-16 has a zero byte beside each character.
    text = content.replace(b"\0", b"")
    return (
        any(mark in text for mark in _KEY_MARKS)
        or content.startswith(_KEY_STORES)
        or _KEY_DER.match(content) is not None
    )
