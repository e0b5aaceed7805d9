"""Enumerations as the small numbers that stand for them in columns."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from assetflow.model.checks import Severity, VerdictStatus
from assetflow.model.history import SetbackKind
from assetflow.model.journal import RunStatus
from assetflow.model.retry import FailureClass

__all__ = [
    "ATTEMPT_OUTCOMES",
    "BLOB_STATES",
    "FAILURES",
    "RUN_STATUSES",
    "SETBACKS",
    "SEVERITIES",
    "VERDICTS",
    "AttemptOutcome",
    "BlobState",
    "Codes",
]

E = TypeVar("E", bound=StrEnum)


class Codes(Generic[E]):
    """An enumeration as the small numbers that stand for it in a column: its place in the order given here."""

    def __init__(self, *values: E) -> None:
        self.values = values
        self.code = {value: place for place, value in enumerate(values)}

    def sql(self, column: str) -> str:
        """A SQL expression that gives the member's text."""
        cases = " ".join(f"WHEN {code} THEN '{value.value}'" for value, code in self.code.items())
        return f"CASE {column} {cases} END"


class AttemptOutcome(StrEnum):
    """How an attempt ended. An attempt without an outcome is running, or its run ended before it did."""

    MATERIALIZED = "materialized"
    UNCHANGED = "unchanged"
    REUSED = "reused"
    SKIPPED = "skipped"
    FAILED = "failed"
    #: It failed and another attempt followed.
    RETRIED = "retried"
    #: Its lease was lost before it could commit, or what it read was; nothing of it was recorded.
    LOST = "lost"
    #: Nothing was made: checks judged what was there.
    CHECKED = "checked"


class BlobState(StrEnum):
    """Whether a blob's bytes may be read. Only live blobs may be shared."""

    LIVE = "live"
    #: Its bytes are being deleted, or are.
    DEAD = "dead"


# Appended to, never reordered: the numbers are in catalogs.
RUN_STATUSES = Codes(
    RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED
)
ATTEMPT_OUTCOMES = Codes(
    AttemptOutcome.MATERIALIZED,
    AttemptOutcome.UNCHANGED,
    AttemptOutcome.REUSED,
    AttemptOutcome.SKIPPED,
    AttemptOutcome.FAILED,
    AttemptOutcome.RETRIED,
    AttemptOutcome.LOST,
    AttemptOutcome.CHECKED,
)
BLOB_STATES = Codes(BlobState.LIVE, BlobState.DEAD)
SETBACKS = Codes(SetbackKind.FAILED, SetbackKind.SKIPPED, SetbackKind.HELD)
FAILURES = Codes(
    FailureClass.TRANSIENT,
    FailureClass.PERMANENT,
    FailureClass.DATA,
    FailureClass.CODE,
    FailureClass.INFRASTRUCTURE,
)
SEVERITIES = Codes(Severity.BLOCK, Severity.WARN)
VERDICTS = Codes(VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.BROKE)
