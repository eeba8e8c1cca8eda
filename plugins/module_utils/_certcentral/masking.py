# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Keep secrets out of text of the service: those that are known, and what looks like an AuthKey.

All of this takes linear time, because a gateway can send any text.
"""

from __future__ import annotations

import re
import typing as t

MAX_TEXT = 20_000  # characters of an error page that are read
MARGIN = 1000  # characters more, for a secret at the end
SHORTEST = 8  # characters of a value that is masked wherever it is; a shorter one may be a word
MASK = "***"
# An AuthKey after its name, as in JSON, XML, a form, an assignment, or quotes; plain words are not an AuthKey.
_VALUE = r"""[^\s"'\\<>&,;}]"""
_ASSIGNED = r"""["'\\\s]*[:=>]["'\\\s]*"""
AUTH_KEY = re.compile(
    r"""(?i)(auth_?keys?\b["'\\\s]*(?:value["'\\\s]*)?[:=>]["'\\\s]*|auth_?keys?\s+["'])"""
    rf"({_VALUE}*[0-9]{_VALUE}*|{_VALUE}{{16,}})"
)
# A list of values after that name, and one value of such a list.
AUTH_KEYS = re.compile(rf"(?i)auth[ _-]?keys?{_ASSIGNED}\[[^\]{{]*")
LISTED = re.compile(r"""[^"'\\,\[]+""")
# The same in prose or inside another value: the name, and what looks like a key, which counts soon after the name or
# another key.
NAME = r"(?i:auth[ _-]?keys?)(?!\w)"
NAME_OR_KEY = re.compile(rf"({NAME})|(?<!\w)(?=[\w+/=-]{{0,200}}[0-9])[\w+/=-]{{16,}}")
NEAR = 60  # characters


class Secrets(t.NamedTuple):
    """The secrets that a client knows.

    Attributes:
        api_key: is masked whatever its length is.
        auth_keys: how those begin that were read or created, and the length of the longest that begins like that.
    """

    api_key: str
    auth_keys: dict[str, int]

    @classmethod
    def of(cls, api_key: str, auth_keys: t.Iterable[str]) -> Secrets:
        """Return the secrets with these values."""
        lengths: dict[str, int] = {}
        for visible in map(_visible, auth_keys):
            if len(visible) >= SHORTEST:
                begin = visible[:SHORTEST]
                lengths[begin] = max(len(visible), lengths.get(begin, 0))
        return cls(api_key, lengths)


def mask(text: str, secrets: Secrets) -> str:
    """Return a text, which may be cut off after MAX_TEXT, without the secrets and without what may be an AuthKey."""
    # With what `printable` drops or replaces between its characters, it would still be readable.
    spread = "[^!-~]*".join(map(re.escape, secrets.api_key))
    text = _mask_known(re.sub(spread, MASK, text), secrets.auth_keys)
    text = AUTH_KEYS.sub(lambda found: LISTED.sub(_mask_listed, found[0]), text)
    return _mask_near(AUTH_KEY.sub(rf"\1{MASK}", text)[: MAX_TEXT + MARGIN])


def _mask_known(text: str, lengths: t.Mapping[str, int]) -> str:
    """Mask what begins like one of the AuthKeys, also if the rest is missing."""
    if not lengths:
        return text
    is_long = len(text) > MAX_TEXT + 2 * MARGIN
    text = text[: MAX_TEXT + 2 * MARGIN]
    places = [place for place, character in enumerate(text) if _visible(character)]
    plain = "".join(text[place] for place in places)
    kept, begin, index = [], 0, 0
    while index < len(plain):
        length = lengths.get(plain[index : index + SHORTEST])
        if length is None:
            index += 1
            continue
        kept += [text[begin : places[index]], MASK]
        index = min(index + length, len(plain))
        begin = places[index - 1] + 1
    masked = "".join([*kept, text[begin:]])
    return masked[:-MARGIN] if is_long else masked  # where a key that was cut off may be too short to be recognized


def _visible(text: str) -> str:
    """Return a text without what `printable` drops or replaces."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(c for c in text if c.isprintable() and not c.isspace())


def _mask_listed(found: re.Match[str]) -> str:
    value = found[0].strip()
    return MASK if len(value) >= 16 or re.search("[0-9]", value) else found[0]


def _mask_near(text: str) -> str:
    kept, begin, last = [], 0, -NEAR - 1
    for found in NAME_OR_KEY.finditer(text):
        if found[1] is None:
            if found.start() - last > NEAR and not re.search(NAME, found[0]):
                continue
            kept += [text[begin : found.start()], MASK]
            begin = found.end()
        last = found.end()
    return "".join([*kept, text[begin:]])
