# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The parts of DER (X.690) that this collection reads itself.

The `cryptography` library refuses whole structures for reasons that do not matter here: an unordered SET in the CSR of
an appliance, or an alternative name of an unknown type in a paid certificate. Versions differ in what they refuse. This
file reads the needed parts in the same way with every version.
"""

from __future__ import annotations

import typing as t

OCTET_STRING, OID = 0x04, 0x06
SEQUENCE = 0x30
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"  # RFC 2985, 5.4.2
COMMON_NAME = "2.5.4.3"  # RFC 4519, 2.3
ALTERNATIVE_NAME = "2.5.29.17"  # RFC 5280, 4.2.1.6
_DNS_NAME = 0x82  # GeneralName ::= CHOICE { ... dNSName [2] IA5String ... }
# X.680, 8.6: the string types that a name has, and how each is encoded.
_STRINGS = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}


class Value(t.NamedTuple):
    """One value.

    Attributes:
        tag: its first byte.
        whole: tag, length and content.
        content: the content alone.
    """

    tag: int
    whole: bytes
    content: bytes

    def parts(self) -> list[Value]:
        """Return the values in a SEQUENCE or SET; raises ValueError."""
        return read_values(self.content)


def read_values(data: bytes) -> list[Value]:
    """Return the consecutive values in data, which must end with the last one.

    Raises:
        ValueError: data is something else, or truncated.
    """
    values, position = [], 0
    while position < len(data):
        start, length = _length(data, position + 1)
        end = start + length
        if end > len(data):
            raise ValueError("A value is longer than its container.")
        values.append(Value(data[position], data[position:end], data[start:end]))
        position = end
    return values


def read_value(data: bytes, tag: int) -> Value:
    """Return the single value in data; raises ValueError if it has another type, or is not the only one."""
    values = read_values(data)
    if len(values) != 1 or values[0].tag != tag:
        raise ValueError("The value is of another type.")
    return values[0]


def _length(data: bytes, position: int) -> tuple[int, int]:
    """Return where the content of a value begins, and its length, from the position of its length field."""
    if position >= len(data):
        raise ValueError("A value has no length.")
    first = data[position]
    if first < 0x80:
        return position + 1, first
    size = first - 0x80
    # BER's indefinite length, and lengths of more than 4 GiB.
    if not 1 <= size <= 4 or position + size >= len(data):
        raise ValueError("The length of a value cannot be read.")
    return position + 1 + size, int.from_bytes(data[position + 1 : position + 1 + size], "big")


def oid_text(value: Value) -> str:
    """Return an OID with dots; raises ValueError."""
    if value.tag != OID or not value.content or value.content[-1] & 0x80 or len(value.content) > 64:
        raise ValueError("The value is not an OID.")
    numbers, number = [], 0
    for byte in value.content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def common_name(name: Value) -> str | None:
    """Return the last common name in a Name (RFC 5280, 4.1.2.4), or None; raises ValueError."""
    found = None
    for part in name.parts():
        for attribute in part.parts():
            kind, text = attribute.parts()
            if oid_text(kind) == COMMON_NAME:
                found = text.content.decode(_STRINGS.get(text.tag, "latin-1"), "replace")
    return found


def read_extensions(sequence: Value) -> dict[str, bytes]:
    """Return the content of each extension (RFC 5280, 4.1) by its OID, the first of equal ones; raises ValueError."""
    found: dict[str, bytes] = {}
    for extension in sequence.parts():
        parts = extension.parts()
        if len(parts) < 2 or parts[-1].tag != OCTET_STRING:
            raise ValueError("The value is not an extension.")
        found.setdefault(oid_text(parts[0]), parts[-1].content)
    return found


def dns_names(extensions: t.Mapping[str, bytes]) -> tuple[tuple[str, ...], bool]:
    """Return the subject alternative names of type DNS, lower case, and whether there are others; raises ValueError."""
    if ALTERNATIVE_NAME not in extensions:
        return (), False
    names = read_value(extensions[ALTERNATIVE_NAME], SEQUENCE).parts()
    found = [name.content.decode("latin-1").lower() for name in names if name.tag == _DNS_NAME]
    return tuple(found), len(found) < len(names)
