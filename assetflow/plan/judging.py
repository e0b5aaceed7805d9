"""How checks stand while a plan is being made: what they said, what they are still to be asked, what they lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assetflow.model.checks import Check
from assetflow.model.definition import Node
from assetflow.model.history import History
from assetflow.model.keys import Partition
from assetflow.model.plan import Cause
from assetflow.model.versions import DataVersion
from assetflow.plan import causes
from assetflow.plan.checks import Judged, judged, unanswered_cause, verdicts_of
from assetflow.plan.inputs import Inputs
from assetflow.plan.traces import KeysOfAsset

__all__ = ["Judging"]


class Judging:
    """Asks what readers can expect, on behalf of the checks of one step at a time."""

    def __init__(self, inputs: Inputs, keys_of: KeysOfAsset) -> None:
        self._inputs = inputs
        self._keys_of = keys_of

    def judged(
        self,
        node: Node,
        key: str,
        values: Mapping[Partition, DataVersion],
        histories: Sequence[History],
        *,
        requested: bool,
    ) -> Judged:
        """How the checks of today stand to values of a step, one per output."""
        return judged(
            node,
            key,
            values,
            verdicts_of(histories),
            self._keys_of,
            lambda partition: self._inputs.glance(partition, requested=requested),
        )

    def questions(self, node: Node, key: str, histories: Sequence[History], state: Judged) -> tuple[Cause, ...]:
        """Why checks are to be asked, now or when what they read is made; empty where none can be."""
        verdicts = verdicts_of(histories)
        reasons = [unanswered_cause(check, verdicts) for check in state.unanswered]
        for check in state.blank:
            changing = (p.asset for p in self._read_by(node, key, check) if self._inputs.will_change(p))
            reasons += [causes.upstream(asset) for asset in dict.fromkeys(changing)]
        return tuple(reasons)

    def unmet(self, node: Node, key: str, *, requested: bool) -> list[Cause]:
        """Why blocking checks could not be asked, so that nothing could be published."""
        read = [p for check in node.checks if check.blocking for p in self._read_by(node, key, check)]
        if requested:
            read = [p for p in read if not self._inputs.serves_as_it_is(p)]
        return [cause for cause in dict.fromkeys(map(self._inputs.unmet_by, read)) if cause is not None]

    def _read_by(self, node: Node, key: str, check: Check) -> list[Partition]:
        """What a check reads beside the step's own outputs."""
        return [
            Partition(read.asset, member)
            for read in check.inputs
            if read.asset not in node.outputs
            for member in read.mapping.members(key, self._keys_of(check.asset), self._keys_of(read.asset))
        ]
