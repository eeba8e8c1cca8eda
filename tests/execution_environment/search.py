# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking for secrets in what a job leaves behind."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def places(secrets: Mapping[str, str], texts: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """Return the name of each secret that is in a text, with the name of that text."""
    forms = {name: list(forms_of(secret)) for name, secret in secrets.items()}
    return {(name, where) for where, text in texts for name in forms if any(form in text for form in forms[name])}


def forms_of(secret: str) -> Iterator[bytes]:
    """Return a secret as it is, and what is the same in every base64 text that holds it, wherever it starts there."""
    plain = secret.encode()
    yield plain
    for shift in range(3):
        # The first characters depend on what stands before the secret, the last ones on what follows.
        yield base64.b64encode(bytes(shift) + plain)[4 if shift else 0 : -4]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Return path, from the folder on, and content of every file in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
