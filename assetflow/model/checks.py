"""Checks: predicates over values that decide whether they are published, and the verdicts they gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from assetflow.model.partitioning import SINGLE, Partitioning

if TYPE_CHECKING:  # every project module loads this one
    from assetflow.model.definition import Input
    from assetflow.model.keys import AssetKey, Partition
    from assetflow.model.trace import Recipe

__all__ = [
    "BAD_ROWS",
    "ROWS",
    "SCHEMA_CHANGE",
    "Check",
    "CheckResult",
    "Measured",
    "PastVerdict",
    "Severity",
    "Verdict",
    "VerdictStatus",
]

#: The name of the check that a table's row model makes: rules, missing values and keys.
ROWS = "rows"
#: The name under which ``on_schema_change="warn"`` tells what changed.
SCHEMA_CHANGE = "schema_change"
#: The name under which ``on_bad_rows="divert"`` tells of rows that were put aside.
BAD_ROWS = "bad_rows"


class Severity(StrEnum):
    """What becomes of a value that fails a check."""

    #: It is held back: recorded, and never current.
    BLOCK = "block"
    #: It is published, and the failure is told.
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check function may return, where yes or no is too little."""

    passed: bool
    #: One line: what was found.
    message: str = ""
    #: Numbers to be remembered with the version.
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: Some of the rows that fail, each a dict of JSON-able values; the first few are recorded.
    sample: Sequence[Mapping[str, Any]] = ()  # values of the user


class VerdictStatus(StrEnum):
    """What a check said."""

    PASSED = "passed"
    FAILED = "failed"
    #: It said nothing: it raised.
    BROKE = "broke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of a node, as the planner sees it: like a node of its own that makes a verdict and nothing else.

    Its trace is that of a node: recipe, window, and the restricted versions of what it reads. So a verdict holds for
    as long as the check's code and the columns that it looks at stay the same, whatever else becomes of the value.
    """

    name: str
    #: Whose publication it decides on; an output of the node.
    asset: AssetKey
    recipe: Recipe
    #: What it reads, the asset itself included; sorted as a node's.
    inputs: tuple[Input, ...] = ()
    #: That of the node.
    partitioning: Partitioning = SINGLE
    severity: Severity = Severity.BLOCK

    @property
    def blocking(self) -> bool:
        return self.severity is Severity.BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check said of one version of a partition."""

    check: str
    partition: Partition
    status: VerdictStatus
    #: The severity at that time.
    severity: Severity
    message: str = ""
    metrics: tuple[tuple[str, float], ...] = ()
    #: Rows that fail, as a JSON array of objects; empty where there is nothing to show.
    sample: str = ""
    seconds: float = 0.0
    #: Digest of the check's trace; empty while it is not known.
    trace: str = ""

    @property
    def passed(self) -> bool:
        return self.status is VerdictStatus.PASSED

    @property
    def holds_back(self) -> bool:
        """Whether the value must not become current because of it."""
        return not self.passed and self.severity is Severity.BLOCK


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """What a check said of a trace, as far as deciding needs to know."""

    status: VerdictStatus
    #: What was wrong; empty where nothing was.
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is known of an earlier version: its size, and what a check measured of it."""

    at: datetime
    key: str
    rows: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
