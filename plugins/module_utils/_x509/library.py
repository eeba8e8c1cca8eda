# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The only place that loads `cryptography`, when the first CSR or certificate is read.

Loading it takes longer than most other work of modules, filters, and tests.
"""

from __future__ import annotations

import functools
import traceback
import types
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import MissingLibraryError


@functools.lru_cache(maxsize=None)
def load_cryptography() -> t.Any:
    """Return the used parts of `cryptography`, and `unreadable`, the exceptions that it raises for unreadable data.

    Raises:
        MissingLibraryError: it is missing.
    """
    try:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    except ImportError:
        raise MissingLibraryError("cryptography", traceback.format_exc()) from None
    return types.SimpleNamespace(
        x509=x509,
        InvalidSignature=InvalidSignature,
        hashes=hashes,
        serialization=serialization,
        ec=ec,
        padding=padding,
        rsa=rsa,
        unreadable=(ValueError, TypeError, LookupError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion),
    )
