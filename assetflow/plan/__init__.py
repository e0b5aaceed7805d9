"""What is out of date, why, and what will be done about it: ``plan(graph, snapshot, targets) -> Plan``. Pure."""

from assetflow.plan.keysets import KeySets
from assetflow.plan.planner import PastNeeded, plan
from assetflow.plan.rebuilder import Decision, Keep, Leave, Rebuild, Reuse, decide
from assetflow.plan.traces import trace_of

__all__ = ["Decision", "Keep", "KeySets", "Leave", "PastNeeded", "Rebuild", "Reuse", "decide", "plan", "trace_of"]
