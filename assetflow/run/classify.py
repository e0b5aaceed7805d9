"""What kind of failure an exception is, and why. Libraries are recognised by qualified name, never imported."""

from __future__ import annotations

import errno
import math
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

from assetflow.errors import AssetflowError, DefinitionError, ValueMismatch
from assetflow.model.retry import FailureClass

__all__ = ["Diagnosis", "classify"]

_TRANSIENT, _PERMANENT = FailureClass.TRANSIENT, FailureClass.PERMANENT

_MACHINE_ERRNOS = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE", "ENOMEM", "EFBIG", "ESTALE")
    if hasattr(errno, name)
)
_NETWORK_ERRNOS = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ENETRESET})
_STATUSES = frozenset({408, 425, 429})

#: Package and class names, as they stand in an error's MRO, that mean: the network, a time-out or throttling.
_NAMES = {
    "httpx": ("TimeoutException", "NetworkError", "RemoteProtocolError", "ProxyError"),
    "httpcore": ("TimeoutException", "NetworkError", "RemoteProtocolError", "ProxyError"),
    "requests": ("ConnectionError", "Timeout", "ChunkedEncodingError"),
    "urllib3": (
        "TimeoutError", "ProtocolError", "NewConnectionError", "MaxRetryError", "ProxyError", "NameResolutionError",
    ),
    "aiohttp": ("ClientConnectionError", "ServerTimeoutError", "ClientPayloadError"),
    "botocore": (
        "ConnectionError", "EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError",
        "ReadTimeoutError", "HTTPClientError",
    ),
    "sqlalchemy": ("TimeoutError", "DisconnectionError"),
    "http": ("IncompleteRead", "RemoteDisconnected"),
}  # fmt: skip
_THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "TooManyRequestsException", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "BandwidthLimitExceeded", "LimitExceededException", "SlowDown", "PriorRequestNotComplete",
    "TransactionInProgressException", "RequestTimeout", "RequestTimeoutException", "EC2ThrottledException",
})  # fmt: skip
#: MySQL: cannot connect, gone away, lost, lock wait time-out, deadlock.
_MYSQL = frozenset({1040, 1205, 1213, 2002, 2003, 2006, 2013})
_RESPONDING = {"httpx": "HTTPStatusError", "requests": "HTTPError"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An error's kind, with the reason in words."""

    kind: FailureClass
    reason: str
    #: What the server asked us to wait.
    retry_after: timedelta | None = None
    #: Whether the asset's policy wants it tried again; see :func:`assetflow.run.retrying.judged`.
    heals: bool = False


def classify(error: BaseException) -> Diagnosis:
    """The kind of failure, by default and without regard to the asset's policy. Never raises."""
    try:
        for rule in (_ours, _group, _machine, _responses, _databases, _network, _code, _data):
            if verdict := rule(error):
                return verdict
    except Exception:  # an error's own attributes may raise; it then counts by its class alone
        return Diagnosis(_PERMANENT, f"{type(error).__name__} cannot be examined")
    if isinstance(error, SystemExit):
        return Diagnosis(_PERMANENT, "the function ended the program")
    return Diagnosis(_PERMANENT, f"{type(error).__name__} is not known to heal by itself")


def _ours(error: BaseException) -> Diagnosis | None:
    if not isinstance(error, AssetflowError):
        return None
    if error.code in {"source-moved", "include-changed"}:
        return Diagnosis(_TRANSIENT, "what it reads changed meanwhile")
    if isinstance(error, ValueMismatch):
        if error.code == "schema-changed":
            return Diagnosis(FailureClass.DATA, "on_schema_change does not let that pass")
        return Diagnosis(FailureClass.DATA, f"the value is not what its type says ({error.code})")
    if isinstance(error, DefinitionError):
        return Diagnosis(FailureClass.CODE, f"the definition cannot work ({error.code})")
    if error.exit_code in {74, 75, 78}:
        return Diagnosis(FailureClass.INFRASTRUCTURE, f"storage, catalog or machine ({error.code})")
    return Diagnosis(_PERMANENT, f"refused ({error.code})")


def _group(error: BaseException) -> Diagnosis | None:
    if not isinstance(error, BaseExceptionGroup):
        return None
    verdicts = [classify(inner) for inner in error.exceptions]
    kinds = {verdict.kind for verdict in verdicts}
    if len(kinds) == 1:
        waits = [verdict.retry_after for verdict in verdicts if verdict.retry_after is not None]
        return Diagnosis(kinds.pop(), f"a group: {verdicts[0].reason}", retry_after=max(waits, default=None))
    return Diagnosis(_PERMANENT, "a group of errors of different kinds")


def _machine(error: BaseException) -> Diagnosis | None:
    if isinstance(error, MemoryError):
        return Diagnosis(FailureClass.INFRASTRUCTURE, "out of memory")
    if isinstance(error, OSError) and error.errno is not None and error.errno in _MACHINE_ERRNOS:
        return Diagnosis(FailureClass.INFRASTRUCTURE, f"the machine: {errno.errorcode[error.errno]}")
    return None


def _code(error: BaseException) -> Diagnosis | None:
    if isinstance(error, ImportError | NameError | SyntaxError):
        return Diagnosis(FailureClass.CODE, f"{type(error).__name__}: the code cannot run")
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return Diagnosis(FailureClass.CODE, f"module {error.obj.__name__} has no {error.name}")
    return None


def _data(error: BaseException) -> Diagnosis | None:
    if _is(error, "pydantic_core", "ValidationError") or _is(error, "pydantic", "ValidationError"):
        return Diagnosis(FailureClass.DATA, "a value does not fit its pydantic model")
    return None


def _network(error: BaseException) -> Diagnosis | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Diagnosis(_PERMANENT, "the server's certificate is not valid")
    name = type(error).__name__
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror | socket.herror | ssl.SSLError):
        return Diagnosis(_TRANSIENT, f"{name} is transient")
    if isinstance(error, OSError) and error.errno is not None and error.errno in _NETWORK_ERRNOS:
        return Diagnosis(_TRANSIENT, f"the network: {errno.errorcode[error.errno]}")
    for package, names in _NAMES.items():
        if any(_is(error, package, known) for known in names):
            return Diagnosis(_TRANSIENT, f"{package}'s {name} is transient")
    if _is(error, "urllib", "URLError") and isinstance(reason := getattr(error, "reason", None), BaseException):
        return classify(reason)
    return None


def _responses(error: BaseException) -> Diagnosis | None:
    """What a server answered: HTTP statuses and AWS error codes."""
    held: Any = error  # attributes of libraries' classes, recognised by name
    if any(_is(error, package, name) for package, name in _RESPONDING.items()):
        response = held.response
        return None if response is None else _status(response.status_code, response.headers)
    if _is(error, "urllib", "HTTPError"):
        return _status(held.code, held.headers)
    if _is(error, "aiohttp", "ClientResponseError"):
        return _status(held.status, held.headers)
    if _is(error, "botocore", "ClientError"):
        if (code := held.response.get("Error", {}).get("Code", "")) in _THROTTLED:
            return Diagnosis(_TRANSIENT, f"throttled: {code}")
        details = held.response.get("ResponseMetadata", {})
        return _status(details.get("HTTPStatusCode", 0), details.get("HTTPHeaders", {}))
    return None


def _status(status: int, headers: Any) -> Diagnosis:  # any library's headers: they have .get
    if status in _STATUSES or 500 <= status < 600:
        wait = _retry_after((headers.get("Retry-After") or headers.get("retry-after")) if headers else None)
        return Diagnosis(_TRANSIENT, f"HTTP {status} is transient", retry_after=wait)
    return Diagnosis(_PERMANENT, f"HTTP {status} will be answered again")


def _retry_after(text: object) -> timedelta | None:
    """The header's seconds, or the time until its date; None where it says neither."""
    if not isinstance(text, str | int | float):
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = import_module("email.utils").parsedate_to_datetime(str(text))  # rare, and slow to import
        except ValueError:
            return None
        seconds = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    if not math.isfinite(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), 10.0**8))


def _databases(error: BaseException) -> Diagnosis | None:
    if _is(error, "sqlite3", "OperationalError"):
        return _locked(error)
    if any(_is(error, package, "OperationalError") for package in ("psycopg", "psycopg2", "asyncpg")):
        return Diagnosis(_TRANSIENT, "the database connection")
    if any(_is(error, package, "OperationalError") for package in ("pymysql", "MySQLdb", "mysql")):
        return _mysql(error)
    if not _is(error, "sqlalchemy", "DBAPIError"):
        return None
    if getattr(error, "connection_invalidated", False):
        return Diagnosis(_TRANSIENT, "the database connection was lost")
    original = getattr(error, "orig", None)
    inner: Callable[[BaseException], Diagnosis | None] = _databases
    return inner(original) if isinstance(original, BaseException) else None


def _locked(error: BaseException) -> Diagnosis | None:
    text = str(error)
    return Diagnosis(_TRANSIENT, "the database is locked") if "locked" in text or "busy" in text else None


def _mysql(error: BaseException) -> Diagnosis | None:
    number = error.args[0] if error.args else None
    return Diagnosis(_TRANSIENT, f"the database connection (error {number})") if number in _MYSQL else None


def _is(error: BaseException, package: str, name: str) -> bool:
    """Whether the error's class, or one it derives from, has this name in this package or a module of it."""
    return any(
        kind.__name__ == name and (kind.__module__ == package or kind.__module__.startswith(package + "."))
        for kind in type(error).__mro__
    )
