"""What kind of failure an exception is: a table of what really comes up."""

from __future__ import annotations

import concurrent.futures
import errno
import http.client
import socket
import sqlite3
import ssl
import urllib.error
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
import sqlalchemy.exc

from assetflow.errors import BusyError, CatalogError, DefinitionError, StorageError, UsageError, ValueMismatch
from assetflow.run.classify import classify


def library(module: str, name: str, *bases: type[Exception], **attributes: Any) -> Exception:
    """An error of a library that need not be installed: recognised by its qualified name alone."""
    kind = type(name, bases or (Exception,), {"__module__": module})
    error = kind("from the library")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    assert isinstance(error, Exception)
    return error


def answered(module: str, name: str, status: int, **headers: str) -> Exception:
    return library(module, name, response=SimpleNamespace(status_code=status, headers=headers))


def aws(code: str, status: int) -> Exception:
    return library(
        "botocore.exceptions",
        "ClientError",
        response={"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}},
    )


def database(original: Exception, **attributes: Any) -> Exception:
    error = sqlalchemy.exc.OperationalError("select 1", None, original)
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def raised(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


class Row(pydantic.BaseModel):
    number: int


class Gone(ConnectionResetError):
    """A subclass of the user's."""


PSYCOPG = type("OperationalError", (Exception,), {"__module__": "psycopg"})

CASES: list[tuple[BaseException, str]] = [
    (ConnectionError("x"), "transient"),
    (ConnectionRefusedError(), "transient"),
    (Gone(), "transient"),
    (BrokenPipeError(), "transient"),
    (TimeoutError(), "transient"),
    (concurrent.futures.TimeoutError(), "transient"),
    (TimeoutError(), "transient"),
    (socket.gaierror(-3, "try again"), "transient"),
    (OSError(errno.ENETUNREACH, "no net"), "transient"),
    (ssl.SSLError("eof"), "transient"),
    (ssl.SSLEOFError(), "transient"),
    (ssl.SSLCertVerificationError(), "permanent"),
    (http.client.RemoteDisconnected(), "transient"),
    (http.client.IncompleteRead(b""), "transient"),
    (urllib.error.URLError(TimeoutError()), "transient"),
    (urllib.error.URLError(socket.gaierror(-2, "no name")), "transient"),
    (urllib.error.HTTPError("u", 503, "x", Message(), None), "transient"),
    (urllib.error.HTTPError("u", 404, "x", Message(), None), "permanent"),
    (library("httpx", "ConnectTimeout", type("TimeoutException", (Exception,), {"__module__": "httpx"})), "transient"),
    (library("httpx._exceptions", "NetworkError"), "transient"),
    (library("httpx", "RemoteProtocolError"), "transient"),
    (library("httpx", "InvalidURL"), "permanent"),
    (library("httpxx", "NetworkError"), "permanent"),
    (answered("httpx", "HTTPStatusError", 429), "transient"),
    (answered("httpx", "HTTPStatusError", 500), "transient"),
    (answered("httpx", "HTTPStatusError", 401), "permanent"),
    (library("requests.exceptions", "ConnectionError"), "transient"),
    (library("requests.exceptions", "Timeout"), "transient"),
    (answered("requests.exceptions", "HTTPError", 408), "transient"),
    (answered("requests.exceptions", "HTTPError", 425), "transient"),
    (answered("requests.exceptions", "HTTPError", 403), "permanent"),
    (library("requests.exceptions", "HTTPError", response=None), "permanent"),
    (library("urllib3.exceptions", "MaxRetryError"), "transient"),
    (library("urllib3.exceptions", "ProtocolError"), "transient"),
    (library("urllib3.exceptions", "LocationParseError"), "permanent"),
    (library("aiohttp.client_exceptions", "ClientConnectionError"), "transient"),
    (library("botocore.exceptions", "EndpointConnectionError"), "transient"),
    (library("botocore.exceptions", "ReadTimeoutError"), "transient"),
    (aws("ThrottlingException", 400), "transient"),
    (aws("InternalError", 500), "transient"),
    (aws("AccessDenied", 403), "permanent"),
    (sqlalchemy.exc.TimeoutError(), "transient"),
    (sqlalchemy.exc.DisconnectionError(), "transient"),
    (database(Exception("gone"), connection_invalidated=True), "transient"),
    (database(sqlite3.OperationalError("database is locked")), "transient"),
    (database(sqlite3.OperationalError("no such table: t")), "permanent"),
    (database(library("psycopg.errors", "AdminShutdown", PSYCOPG)), "transient"),
    (sqlalchemy.exc.ProgrammingError("select", None, Exception("syntax")), "permanent"),
    (sqlite3.OperationalError("database is locked"), "transient"),
    (ValueMismatch("wrong-type", "no"), "data"),
    (raised(lambda: Row(number="many")), "data"),  # type: ignore[arg-type]
    (ImportError("x"), "code"),
    (ModuleNotFoundError("x"), "code"),
    (NameError("x"), "code"),
    (UnboundLocalError("x"), "code"),
    (SyntaxError("x"), "code"),
    (raised(lambda: errno.nothing), "code"),  # type: ignore[attr-defined]
    (raised(lambda: (1).nothing), "permanent"),  # type: ignore[attr-defined]
    (DefinitionError("x", "y"), "code"),
    (MemoryError(), "infrastructure"),
    (OSError(errno.ENOSPC, "full"), "infrastructure"),
    (OSError(errno.EMFILE, "too many"), "infrastructure"),
    (OSError(errno.EROFS, "read-only"), "infrastructure"),
    (StorageError("blob-missing", "x"), "infrastructure"),
    (StorageError("source-moved", "x"), "transient"),
    (StorageError("include-changed", "x"), "transient"),
    (BusyError("catalog-locked", "x"), "infrastructure"),
    (CatalogError("x", "y"), "infrastructure"),
    (UsageError("missing-secret", "x"), "permanent"),
    (FileNotFoundError(2, "x"), "permanent"),
    (PermissionError(13, "x"), "permanent"),
    (ValueError("x"), "permanent"),
    (KeyError("x"), "permanent"),
    (ZeroDivisionError(), "permanent"),
    (RecursionError(), "permanent"),
    (AssertionError(), "permanent"),
    (SystemExit(3), "permanent"),
    (ExceptionGroup("all", [TimeoutError(), ConnectionError()]), "transient"),
    (ExceptionGroup("mixed", [TimeoutError(), ValueError()]), "permanent"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind"), CASES, ids=[f"{type(e).__name__}-{n}" for n, (e, _) in enumerate(CASES)])
def test_an_error_counts_as_its_kind_and_says_why(error: BaseException, kind: str) -> None:
    verdict = classify(error)
    assert str(verdict.kind) == kind
    assert verdict.reason


def test_retry_after_is_read_in_seconds() -> None:
    verdict = classify(answered("httpx", "HTTPStatusError", 429, **{"Retry-After": "120"}))
    assert verdict.retry_after == timedelta(seconds=120)


def test_retry_after_is_read_as_a_date() -> None:
    until = datetime.now(UTC) + timedelta(seconds=90)
    headers = {"Retry-After": format_datetime(until, usegmt=True)}
    verdict = classify(answered("requests.exceptions", "HTTPError", 503, **headers))
    assert verdict.retry_after is not None
    assert timedelta(seconds=80) < verdict.retry_after <= timedelta(seconds=91)


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "", "-5"])
def test_a_retry_after_that_says_nothing_is_ignored(text: str) -> None:
    verdict = classify(answered("httpx", "HTTPStatusError", 503, **{"Retry-After": text}))
    assert verdict.retry_after in {None, timedelta()}


def test_an_error_whose_attributes_raise_counts_by_its_class() -> None:
    class HTTPStatusError(Exception):
        __module__ = "httpx"

        @property
        def response(self) -> None:
            raise RuntimeError("no")

    assert str(classify(HTTPStatusError()).kind) == "permanent"
