# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call of every module: how to cause it, and what its response contains.

`test_tables.py` fails if a function of the collection sends a request that is missing here.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Journal, JournalEntry

from tests.campaign.stage import NAME, PRODUCT, Stage
from tests.simulator import Fault, OrderBehaviour, ServiceBehaviour

AUTH_KEY, AUTH_KEY_INFO, CERTIFICATE = "digicert_auth_key", "digicert_auth_key_info", "digicert_certificate"
ORDER_INFO, CANCEL, REVOKE = "digicert_order_info", "digicert_order_cancel", "digicert_certificate_revoke"

KEY_FIELDS = ("/auth_key_id", "/auth_key")
LIST_FIELDS = ("", "/auth_keys", "/auth_keys/0", "/auth_keys/0/auth_key_id", "/auth_keys/0/auth_key")
ORDER_FIELDS = (
    "",
    "/id",
    "/requests",
    "/requests/0",
    "/requests/0/id",
    "/requests/0/status",
    "/certificate_id",
    "/certificate_chain",
    *(f"/certificate_chain/{link}" for link in range(3)),
    *(f"/certificate_chain/{link}/pem" for link in range(3)),
    "/certificate_chain/0/subject_common_name",
)
COMMON_FIELDS = ("/id", "/status", "/date_created", "/product", "/product/name_id", "/certificate")
ROW_FIELDS = (
    *COMMON_FIELDS,
    *(f"/certificate/{name}" for name in ("common_name", "dns_names", "dns_names/0", "id", "valid_till")),
)
INFO_FIELDS = (
    "",
    *ROW_FIELDS,
    *(f"/certificate/{name}" for name in ("csr", "serial_number", "thumbprint", "valid_from", "date_issued")),
    "/dcv_method",
)
ORDERS_FIELDS = ("", "/orders", "/orders/0", *(f"/orders/0{name}" for name in ROW_FIELDS), "/page", "/page/total")
REISSUES_FIELDS = (
    "",
    "/certificates",
    "/certificates/0",
    *(f"/certificates/0/{name}" for name in ("id", "status", "serial_number", "dns_names", "csr", "date_created")),
)
DCV_FIELDS = ("", "/order_status", "/dcv_status", "/certificate_id")


class Call(t.NamedTuple):
    """One call.

    Attributes:
        name: what it is for.
        function: function of `plugins/module_utils` that sends it.
        module: the module that it is seen in.
        method: HTTP method.
        path: regular expression for the path below the base URL.
        prepare: sets up account and host, and returns the module's options.
        skip: requests of the same kind that come before it.
        fields: JSON pointers to the fields of the documented response, unless another row has them for the same reader.
        once: options that are omitted in the run that must converge.
        ends_with: number of AuthKeys, orders, and reissues at the end.
        state: of the order in the end, where the module installs no certificate; "revoked" stands for its certificate.
        optional: the module works without this call.
        repeats: the module sends the call again after everything except a refusal.
        shrugs: regular expression for the names of faults that do not matter here.
    """

    name: str
    function: str
    module: str
    method: str
    path: str
    prepare: t.Callable[[Stage], dict[str, t.Any]]
    skip: int = 0
    fields: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    ends_with: tuple[int, int, int] = (1, 0, 0)
    state: str | None = None
    optional: bool = False
    repeats: bool = False
    shrugs: str = ""

    @property
    def creates(self) -> bool:
        """Whether the call creates something that must not exist twice."""
        return self.method == "POST"

    @property
    def kind(self) -> str:
        """The method; "CHANGE" for PUTs that are sent once, and whose result must be read after a lost response."""
        return "CHANGE" if self.method == "PUT" and self.module in (CANCEL, REVOKE) else self.method


def _with_key(**options: t.Any) -> t.Callable[[Stage], dict[str, t.Any]]:
    def prepare(stage: Stage) -> dict[str, t.Any]:
        stage.simulator.seed_auth_key(auth_key_id="first")
        return dict(options)

    return prepare


def _with_expiring_key(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.seed_auth_key(expiration=datetime.now(timezone.utc) + timedelta(days=25))
    return {"ttl_days": 30}


def _older_instance(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.seed_auth_key()
    body = {"errors": [{"code": "not_found|route", "message": "Unknown path."}]}
    stage.simulator.inject(Fault(name="setup", path="/auth-keys$", times=None, status=404, body=body))
    return {}


def _nothing(**options: t.Any) -> t.Callable[[Stage], dict[str, t.Any]]:
    return lambda _stage: dict(options)


def _lost_create(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.inject(Fault(name="setup", method="POST", drop="reset", commit=True))
    return {"ttl_days": 30}


def _overtaken(stage: Stage) -> dict[str, t.Any]:
    """Another run creates the permanent key between the list and the create."""
    stage.simulator.seed_auth_key()
    stage.simulator.inject(Fault(name="setup", path="/auth-keys$", edit={"/auth_keys": []}))
    return {}


def _order(stage: Stage) -> dict[str, t.Any]:
    return stage.ordering(**stage.old_files())


def _lost_order(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.inject(Fault(name="setup", method="POST", drop="reset", commit=True))
    return _order(stage)


def _lost_order_without_route(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.set_service_behaviour(ServiceBehaviour(alternate="no_route"))
    return _lost_order(stage)


def _reissue(stage: Stage) -> dict[str, t.Any]:
    return stage.ordering(**stage.bought_files())


def _remembered_reissue(stage: Stage) -> dict[str, t.Any]:
    """A certificate is due, and the journal names its order."""
    options = _reissue(stage)
    [order] = stage.simulator.orders()
    Journal(options["path"]).save(JournalEntry(order_id=order.id, names=(NAME,)))
    return options


def _lost_reissue(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.inject(Fault(name="setup", method="POST", drop="reset", commit=True))
    return _reissue(stage)


def _pending_reissue(stage: Stage) -> dict[str, t.Any]:
    options = _reissue(stage)
    stage.simulator.set_order_behaviour(OrderBehaviour(validation="never", reissue="pending"))
    return options


def _pending_for_long(behaviour: OrderBehaviour) -> t.Callable[[Stage], dict[str, t.Any]]:
    """An order stays pending, and the next run asks what is missing."""

    def prepare(stage: Stage) -> dict[str, t.Any]:
        options = {**_order(stage), "use_auth_key": False, "wait": False}
        stage.simulator.set_order_behaviour(behaviour)
        stage.simulator.set_service_behaviour(ServiceBehaviour(check_dcv="validations"))
        assert stage.run(CERTIFICATE, options).ok
        return options

    return prepare


_unproven_order = _pending_for_long(OrderBehaviour(validation="never", outcome="pending"))
_unproven_domain = _pending_for_long(OrderBehaviour())  # no proof is published


def _bought(**options: t.Any) -> t.Callable[[Stage], dict[str, t.Any]]:
    """An order exists; options such as "order_id" are filled in."""

    def prepare(stage: Stage) -> dict[str, t.Any]:
        stage.bought_files()
        [order] = stage.simulator.orders()
        assert order.certificate
        known: dict[str, t.Any] = {"order_id": order.id, "certificate_id": order.primary.id}
        known = {**known, "serial_number": order.certificate.serial_number, "path": stage.file("old.pem")}
        return {name: known[name] if value is None else value for name, value in options.items()}

    return prepare


def _open_order(stage: Stage) -> dict[str, t.Any]:
    stage.simulator.set_order_behaviour(OrderBehaviour(validation="never", outcome="pending"))
    return {"order_id": stage.place_order()}


def _reissued(**options: t.Any) -> t.Callable[[Stage], dict[str, t.Any]]:
    """An order was reissued, so that its first certificate is in a list only."""

    def prepare(stage: Stage) -> dict[str, t.Any]:
        assert stage.run(CERTIFICATE, _reissue(stage)).ok
        return dict(options)

    return prepare


def _pending_order(stage: Stage) -> dict[str, t.Any]:
    return {**_order(stage), "use_auth_key": False}


def _order_without_certificate_id(stage: Stage) -> dict[str, t.Any]:
    body = {"order_status": "issued", "dcv_status": "valid"}
    stage.simulator.inject(Fault(name="setup", method="PUT", commit=True, body=body))
    return _pending_order(stage)


def _remembered_order(stage: Stage) -> dict[str, t.Any]:
    options = _pending_order(stage)
    assert stage.run(CERTIFICATE, {**options, "wait": False}).ok
    return options


def _named_order(stage: Stage) -> dict[str, t.Any]:
    options = _order(stage)
    return {**options, "order_id": stage.place_order()}


def _lost_chain(stage: Stage) -> dict[str, t.Any]:
    """A certificate is installed, and its chain was never requested."""
    options = stage.ordering(path=stage.file("old.pem"))
    assert stage.run(CERTIFICATE, options).ok
    return {**options, **stage.all_files()}


EXPIRY = "/expiration_datetime"
LIST, ONLY, ONE = "/account/auth-keys$", "/account/auth-key$", "/account/auth-key/[^/]+$"
ORDER, ORDERS = f"/order/certificate/{PRODUCT}$", "/order/certificate$"
INFO, DCV = "/order/certificate/[0-9]{1,12}$", "/check-dcv$"
SERIAL, REISSUE, ALTERNATE = "/order/certificate/[0-9A-Fa-f]{13,}$", "/[0-9]+/reissue$", "/order/alternate/[^/]+$"
DOWNLOAD, DOWNLOAD_OF_ORDER = "^/certificate/[0-9]+/download/", "^/certificate/download/order/"

CALLS = [
    Call("list", "list_keys", AUTH_KEY, "GET", LIST, _with_key(), fields=LIST_FIELDS),
    Call("list expiring", "list_keys", AUTH_KEY, "GET", LIST, _with_expiring_key,
         fields=("/auth_keys/0/expiration_datetime",)),
    Call("only key", "_only_key", AUTH_KEY, "GET", ONLY, _older_instance, fields=("", *KEY_FIELDS)),
    Call("create", "_post_key", AUTH_KEY, "POST", ONLY, _nothing(), fields=("", *KEY_FIELDS)),
    Call("create expiring", "_post_key", AUTH_KEY, "POST", ONE, _nothing(ttl_days=30),
         fields=("", *KEY_FIELDS, EXPIRY)),
    Call("look for a lost key", "list_keys", AUTH_KEY, "GET", LIST, _lost_create, skip=1,
         fields=(*LIST_FIELDS, "/auth_keys/0/expiration_datetime")),
    Call("list after another's create", "list_keys", AUTH_KEY, "GET", LIST, _overtaken, skip=1),
    Call("read one to delete", "get_key", AUTH_KEY, "GET", ONE, _with_key(state="absent", auth_key_id="first"),
         fields=("", *KEY_FIELDS), ends_with=(0, 0, 0)),
    Call("delete one", "delete_key", AUTH_KEY, "DELETE", ONE, _with_key(state="absent", auth_key_id="first"),
         ends_with=(0, 0, 0)),
    Call("delete the permanent", "delete_key", AUTH_KEY, "DELETE", ONE, _with_key(state="absent", permanent=True),
         ends_with=(0, 0, 0)),
    Call("delete to rotate", "delete_key", AUTH_KEY, "DELETE", ONE, _with_key(force=True), once=("force",)),
    Call("create to rotate", "_post_key", AUTH_KEY, "POST", ONLY, _with_key(force=True), once=("force",)),
    Call("info: list", "list_keys", AUTH_KEY_INFO, "GET", LIST, _with_key(), fields=LIST_FIELDS),
    Call("info: only key", "_only_key", AUTH_KEY_INFO, "GET", ONLY, _older_instance),
    Call("info: one key", "get_key", AUTH_KEY_INFO, "GET", ONE, _with_key(auth_key_id="first"),
         fields=KEY_FIELDS),
    Call("order", "post_order", CERTIFICATE, "POST", ORDER, _order, fields=ORDER_FIELDS, ends_with=(1, 1, 0)),
    Call("order that is pending", "post_order", CERTIFICATE, "POST", ORDER, _pending_order,
         fields=("/dcv_random_value",), ends_with=(1, 1, 0)),
    Call("look before an order", "_pages", CERTIFICATE, "GET", ORDERS, _order, fields=("/orders",),
         ends_with=(1, 1, 0)),
    Call("look for a lost order by id", "find_by_alternative_id", CERTIFICATE, "GET", ALTERNATE, _lost_order,
         fields=INFO_FIELDS, ends_with=(1, 1, 0), repeats=True),
    Call("look for a lost order", "_pages", CERTIFICATE, "GET", ORDERS, _lost_order_without_route, skip=1,
         fields=ORDERS_FIELDS, ends_with=(1, 1, 0), repeats=True),
    Call("read a found order", "get_order", CERTIFICATE, "GET", INFO, _lost_order_without_route,
         fields=("", "/id", "/status", "/certificate", "/certificate/csr"),
         ends_with=(1, 1, 0), repeats=True),
    Call("find the order of a certificate", "get_order", CERTIFICATE, "GET", SERIAL, _reissue,
         fields=("", "/order_valid_till", "/is_renewed", "/auto_reissue", "/auto_renew"),
         ends_with=(1, 1, 1), shrugs="400"),
    Call("read the order to reissue in", "get_order", CERTIFICATE, "GET", INFO, _remembered_reissue,
         fields=("", "/order_valid_till", "/is_renewed", "/auto_reissue", "/certificate/dns_names"),
         ends_with=(1, 1, 1)),
    Call("reissue", "post_reissue", CERTIFICATE, "POST", REISSUE, _reissue,
         fields=("", "/id", "/requests", "/certificate_id", "/certificate_chain"),
         ends_with=(1, 1, 1)),
    Call("reissue that is pending", "post_reissue", CERTIFICATE, "POST", REISSUE, _pending_reissue,
         fields=("/dcv_random_value",), ends_with=(1, 1, 1)),
    Call("look for a lost reissue", "list_reissues", CERTIFICATE, "GET", REISSUE, _lost_reissue,
         fields=REISSUES_FIELDS, ends_with=(1, 1, 1), repeats=True),
    Call("read a remembered order", "get_order", CERTIFICATE, "GET", INFO, _remembered_order,
         fields=("", *COMMON_FIELDS, "/certificate/csr"), ends_with=(1, 1, 0)),
    Call("read a named order", "get_order", CERTIFICATE, "GET", INFO, _named_order,
         fields=("", *COMMON_FIELDS, "/certificate/csr"), ends_with=(1, 1, 0)),
    Call("ask for validation", "check_dcv", CERTIFICATE, "PUT", DCV, _pending_order, fields=DCV_FIELDS,
         ends_with=(1, 1, 0)),
    Call("download", "download", CERTIFICATE, "GET", DOWNLOAD, _pending_order, ends_with=(1, 1, 0)),
    Call("download by order", "download", CERTIFICATE, "GET", DOWNLOAD_OF_ORDER, _order_without_certificate_id,
         ends_with=(1, 1, 0), shrugs="HTML login (before|after)|truncated|empty|other JSON|a list|deep JSON"),
    Call("find the chain's order", "get_order", CERTIFICATE, "GET", INFO, _lost_chain,
         fields=("/certificate/serial_number", "/certificate/id"), ends_with=(1, 1, 0)),
    Call("download the chain", "download", CERTIFICATE, "GET", DOWNLOAD, _lost_chain, ends_with=(1, 1, 0)),
    Call("ask what is not proven", "check_dcv", CERTIFICATE, "PUT", DCV, _unproven_domain,
         fields=("/dns_name_validations", "/dns_name_validations/0", "/dns_name_validations/0/dns_name",
                 "/dns_name_validations/0/status"), ends_with=(1, 1, 0), state="pending",
         shrugs="(reset|500|502 HTML) for good"),
    Call("ask for a random value", "get_random_value", CERTIFICATE, "PUT", "/dcv-random-value$", _unproven_order,
         fields=("", "/dcv_random_value"), ends_with=(1, 1, 0), state="pending", optional=True),
    Call("orders: list", "_pages", ORDER_INFO, "GET", ORDERS, _bought(), fields=ORDERS_FIELDS,
         ends_with=(0, 1, 0), state="issued"),
    Call("orders: one", "get_order", ORDER_INFO, "GET", INFO, _bought(order_id=None), fields=("", "/id", "/status"),
         ends_with=(0, 1, 0), state="issued"),
    Call("orders: by serial number", "get_order", ORDER_INFO, "GET", SERIAL, _bought(serial_number=None),
         ends_with=(0, 1, 0), state="issued"),
    Call("orders: reissues", "list_reissues", ORDER_INFO, "GET", REISSUE, _reissued(include_reissues=True),
         fields=REISSUES_FIELDS, ends_with=(1, 1, 1), state="issued"),
    Call("revoke: find the certificate", "get_order", REVOKE, "GET", SERIAL, _bought(path=None, skip_approval=True),
         fields=("", "/certificate/serial_number", "/certificate/status", "/requests"),
         ends_with=(0, 1, 0), state="revoked"),
    Call("revoke a certificate", "_revoke", REVOKE, "PUT", "^/certificate/[^/]+/revoke$",
         _bought(certificate_id=None, skip_approval=True), ends_with=(0, 1, 0), state="revoked"),
    Call("ask for a revocation", "_revoke", REVOKE, "PUT", "^/certificate/[^/]+/revoke$",
         _bought(path=None), fields=("", "/id", "/status"), ends_with=(0, 1, 0), state="issued"),
    Call("revoke an order", "_revoke", REVOKE, "PUT", "^/order/certificate/[0-9]+/revoke$",
         _bought(order_id=None, confirm=True, skip_approval=True), ends_with=(0, 1, 0), state="revoked"),
    Call("cancel: read the order", "get_order", CANCEL, "GET", INFO, _open_order, fields=("", "/id", "/status"),
         ends_with=(0, 1, 0), state="canceled"),
    Call("cancel an order", "cancel", CANCEL, "PUT", "/order/certificate/[0-9]+/status$", _open_order,
         ends_with=(0, 1, 0), state="canceled"),
]  # fmt: skip
