"""Where a run stands: what the rooms of the coordinating thread share."""

from __future__ import annotations

from dataclasses import dataclass, field

from assetflow.model.journal import Claimed
from assetflow.model.plan import Plan
from assetflow.run.deciding import Deciding
from assetflow.run.memory import Memory
from assetflow.run.preparing import Preparing
from assetflow.run.schedule import Schedule

__all__ = ["Course"]


@dataclass(slots=True, kw_only=True)
class Course:
    """Where a run stands. Written by the coordinating thread alone."""

    run: int
    plan: Plan
    schedule: Schedule
    memory: Memory
    deciding: Deciding
    preparing: Preparing
    #: The claims we hold, by step.
    claims: dict[int, Claimed] = field(default_factory=dict)
    #: Attempts begun and seconds spent, by step.
    attempts: dict[int, int] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    #: Running steps whose inputs turned out to be lost: what they give is thrown away.
    void: set[int] = field(default_factory=set)
    #: Steps that were lost once: the second time nothing is shared or reused.
    lost: set[int] = field(default_factory=set)
    #: Steps that were decided on what was lost: what became of that is no answer.
    undone: set[int] = field(default_factory=set)
    #: Steps because of which the run does not succeed: they failed, or cannot be made.
    failing: set[int] = field(default_factory=set)
