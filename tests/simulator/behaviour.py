# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings for tests: how new orders behave, and how the service responds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from .issuer import CertificateDefect

Outcome = Literal["issued", "pending", "needs_approval", "rejected", "canceled"]
Validation = Literal["every_order", "once", "never"]
Reissue = Literal["issued", "pending", "refused"]
Alternate = Literal["order", "orders", "no_route"]
CheckDcv = Literal["error", "validations"]
LIST_WISHES = ("filters", "status", "sort")


@dataclass(frozen=True)
class OrderBehaviour:
    """The behavior of new orders and reissues; the fields are independent of each other.

    Attributes:
        outcome: status once the domains are proven. A reissue is refused, waits or ends in the same way.
        polls: order info calls that still show a proven order as pending; more than 0 means no immediate issuance.
        defect: what is wrong with the certificates.
        validation: "every_order" validates every domain of every order and reissue, "once" skips domains that the
            account has proven before, "never" accepts all domains.
        ignores_tokens: orders stay pending even if a token is published; the random value finishes them.
        reissue: "issued" treats reissues as orders are treated; "pending" ignores their tokens; "refused" answers 400.
        same_csr_refused: a reissue with a CSR that the order has seen is refused.
        approval: requests without ``skip_approval`` wait until they are approved.
        certificate_days: longest lifetime of certificates; None for the table of section 4.
        subscription: orders end with their certificates.
    """

    outcome: Outcome = "issued"
    polls: int = 0
    defect: CertificateDefect = "none"
    validation: Validation = "every_order"
    ignores_tokens: bool = False
    reissue: Reissue = "issued"
    same_csr_refused: bool = False
    approval: bool = False
    certificate_days: int | None = None
    subscription: bool = False

    def __post_init__(self) -> None:
        if self.polls < 0:
            raise ValueError("polls must not be negative")
        if self.certificate_days is not None and self.certificate_days < 1:
            raise ValueError("certificate_days must be at least 1")
        _check(self.outcome, Outcome)
        _check(self.defect, CertificateDefect)
        _check(self.validation, Validation)
        _check(self.reissue, Reissue)


@dataclass(frozen=True)
class ServiceBehaviour:
    """How the service responds from the next request on; the fields are independent of each other.

    Attributes:
        list_lag: seconds of the simulated clock that the lists of orders and of reissues are behind.
        info_lag: the same for order info.
        alternate_lag: the same for the search by alternative id.
        list_ignores: parameters of a list request without effect: "filters" (all), "status" (that filter), "sort".
        rows_without: JSON pointers to fields that list rows lack, such as "/certificate/dns_names".
        largest_page: most rows of a page.
        alternate: the answer to an alternative id: the newest "order", all "orders" as in the list, or "no_route".
        check_dcv: a missing proof is an "error" (400), or 200 with "validations".
        dcv_polling: seconds of the simulated clock between the service's own checks, which happen when a pending order
            or a list is read; None for no such checks.
        reissue_status: status of an order while its reissue is pending.
        ended_status: status of an order after its end.
        reissues_repeat_primary: the list of reissues also has the primary certificate, under another id.
        certificate_status: order info contains ``certificate.status``.
        random_value_in_info: order info contains ``dcv_random_value`` while an order or reissue is pending.
        renewal_window: ``renewal_of_order_id`` is refused earlier than 90 days and later than 1 day before the end.
    """

    list_lag: float = 0
    info_lag: float = 0
    alternate_lag: float = 0
    list_ignores: tuple[str, ...] = ()
    rows_without: tuple[str, ...] = ()
    largest_page: int = 1000
    alternate: Alternate = "order"
    check_dcv: CheckDcv = "error"
    dcv_polling: float | None = None
    reissue_status: str = "reissue_pending"
    ended_status: str = "issued"
    reissues_repeat_primary: bool = False
    certificate_status: bool = True
    random_value_in_info: bool = False
    renewal_window: bool = False

    def __post_init__(self) -> None:
        if min(self.list_lag, self.info_lag, self.alternate_lag, self.dcv_polling or 0) < 0:
            raise ValueError("a lag or an interval must not be negative")
        if not set(self.list_ignores) <= set(LIST_WISHES):
            raise ValueError(f"list_ignores has only {', '.join(LIST_WISHES)}")
        if not all(pointer.startswith("/") for pointer in self.rows_without):
            raise ValueError("rows_without has JSON pointers, which start with a slash")
        if self.largest_page < 1:
            raise ValueError("largest_page must be at least 1")
        _check(self.alternate, Alternate)
        _check(self.check_dcv, CheckDcv)


def _check(value: str, kind: Any) -> None:
    if value not in get_args(kind):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(kind))}")
