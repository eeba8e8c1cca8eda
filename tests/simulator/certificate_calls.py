# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls on certificates: reading, downloading and revoking them (sections 4 and 7 of the API page)."""

from __future__ import annotations

import io
import zipfile
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from flask import Blueprint, Response, g, jsonify, request

from .accounts import Account, ApiKey
from .decisions import CODE_INVALID_REASON, CODE_MISSING_PERMISSION
from .errors import ApiError, bad_request, not_found
from .issuer import IssuedCertificate
from .order_rows import certificate_details, revocation_row
from .orders import Revocation
from .state import State

certificate_calls = Blueprint("certificates", __name__)
REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")
# Format -> number of certificates of the chain.
DOWNLOAD_FORMATS = {"pem_all": 3, "pem_noroot": 2, "pem_nointermediate": 1, "cer": 1, "p7b": 3}


@certificate_calls.get("/certificate/<certificate>")
def details(certificate: str) -> Response:
    """Show a certificate."""
    order, one = _account().orders.with_certificate(certificate)
    return jsonify(certificate_details(order, one, cast(State, g.state)))


@certificate_calls.get("/certificate/<certificate>/chain")
def chain(certificate: str) -> Response:
    """Show the chain of a certificate."""
    return jsonify({"intermediates": [vars(link) for link in _issued(certificate).chain[1:]]})


@certificate_calls.get("/certificate/<certificate>/download/format/<format_>")
def download(certificate: str, format_: str) -> Response:
    """Download a certificate."""
    return _download(_issued(certificate), format_)


@certificate_calls.get("/certificate/<certificate>/download/platform")
def download_for_platform(certificate: str) -> Response:
    """Download a certificate and its chain as single files in an archive."""
    return _archive(_issued(certificate), 3, "crt")


@certificate_calls.get("/certificate/download/order/<int:order_id>/format/<format_>")
def download_of_order(order_id: int, format_: str) -> Response:
    """Download the current certificate of an order."""
    issued = _account().orders.get(order_id).certificate
    if issued is None:
        raise not_found("certificate")
    return _download(issued, format_)


@certificate_calls.put("/certificate/<certificate>/revoke")
def revoke(certificate: str) -> Response | tuple[Response, int]:
    """Revoke a certificate, or ask for it."""
    order, one = _account().orders.with_certificate(certificate)
    return _revoke(order.id, one.id)


@certificate_calls.put("/order/certificate/<int:order_id>/revoke")
def revoke_order(order_id: int) -> Response | tuple[Response, int]:
    """Revoke every certificate of an order, or ask for it."""
    return _revoke(order_id, None)


def _revoke(order_id: int, certificate_id: int | None) -> Response | tuple[Response, int]:
    body: Any = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.")
    if body.get("revocation_reason", REASONS[0]) not in REASONS:
        raise ApiError(400, CODE_INVALID_REASON, f"The revocation_reason is one of {', '.join(REASONS)}.")
    skip = body.get("skip_approval") is True
    if skip and not cast(ApiKey, g.api_key).administrator:
        raise ApiError(403, CODE_MISSING_PERMISSION, "The API key may not skip the approval.")
    comments = str(body.get("comments", ""))
    revocation: Revocation = _account().orders.revoke(order_id, certificate_id, comments, at_once=skip)
    return Response(status=204) if skip else (jsonify(revocation_row(revocation)), 201)


def _download(issued: IssuedCertificate, format_: str) -> Response:
    if format_ not in DOWNLOAD_FORMATS:
        raise bad_request(f"The format {format_} is not known.")
    if request.headers.get("Accept") == "application/zip":
        return _archive(issued, DOWNLOAD_FORMATS[format_], "pem")
    text = issued.pem(DOWNLOAD_FORMATS[format_])
    if format_ != "p7b":
        return Response(text, content_type="application/x-pem-file")
    certificates = x509.load_pem_x509_certificates(text.encode())
    return Response(
        pkcs7.serialize_certificates(certificates, Encoding.PEM), content_type="application/x-pkcs7-certificates"
    )


def _archive(issued: IssuedCertificate, links: int, suffix: str) -> Response:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for name, link in zip(("certificate", "intermediate", "root")[:links], issued.chain, strict=False):
            files.writestr(f"{name}.{suffix}", link.pem)
    return Response(archive.getvalue(), content_type="application/zip")


def _issued(certificate: str) -> IssuedCertificate:
    issued = _account().orders.with_certificate(certificate)[1].certificate
    assert issued is not None
    return issued


def _account() -> Account:
    return cast(Account, g.account)
