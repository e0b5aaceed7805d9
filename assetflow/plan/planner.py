"""The planner: what will run, what may, what becomes current again, and why.

``plan(graph, snapshot, targets)`` is a function of values. It goes as follows.

1. *Select.* The targets give partition keys of nodes. A node is a function with all its outputs, which are made by one
   call, so they are decided together.
2. *Close.* Walk the graph backwards and collect the keys that the selected ones are made from.
3. *Decide*, walking forwards, key by key, so that whatever a step reads has been decided before it. Each input
   partition is expected to be one of three things:

   - **known**: it has a version, or will have exactly this one. That holds for what is fresh, for an observed source,
     for what was skipped (the old value serves on), and for a proposed reuse (so what follows is decided exactly);
   - **pending**: a step of this plan makes it, so its version is not known yet;
   - **unavailable**: it failed for good, or was skipped before it ever had a value, or something that it needs is
     unavailable. No step is planned for its readers, however stale these are. The cause names the root of the trouble.

   From these the *trace* of the step is computed: all that it would be made from today. The rebuilder compares it
   with the past (:func:`assetflow.plan.rebuilder.decide`), and its answer tells what the readers can expect:

   ===========  ====================================  ======================================================
   answer       what the plan holds                   what its readers expect
   ===========  ====================================  ======================================================
   Keep         nothing                               its current version
   Reuse        a step ``reuse``                      the version that becomes current
   Rebuild      a step ``run`` if it has a cause of   pending
                its own, else ``maybe``
   Leave        nothing                               a skip: its current version; else it is unavailable
   ===========  ====================================  ======================================================

4. *Judge.* What is kept must have the verdicts of today's checks (:func:`assetflow.plan.checks.judged`). Where one is
   missing, the plan holds a step ``check``, which makes nothing; where a blocking one failed, the value is degraded: it
   was published, so it serves on, and is told. A source's content that fails is handed to nobody. What was held back
   and has no failing verdict of today's checks is judged again, and may become current without being made again.

5. *Prove.* For each node whose keys were all compared, or known to be fresh, a memo records which were not fresh in
   this snapshot.

Many keys of a node that nothing was ever made of, and that find the same in all that they read, are decided once and
kept as one (:mod:`assetflow.plan.together`); the plan gives a step for each.

The *may* steps are what makes early cutoff possible without guessing: whether they run is decided by the same rule,
just before they would, when the versions of their inputs are known. An upstream that yields equal data stops the wave.

A partition is *fresh* only if the answer is Keep and everything that it reads is fresh or was skipped. So below a
proposed reuse, or below what ``only`` leaves out, there are partitions that need no step and are stale all the same.

With ``only``, the steps are those of the selection. What it needs from outside is decided as if it were planned, to
know what is stale, but no step comes of it: the selected steps read the current values as they are.

With memos (``snapshot.compared``), partitions that are not to be compared are fresh without being looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, assert_never

from assetflow.graph import Graph
from assetflow.model.definition import Input, Node
from assetflow.model.history import History, Materialization, Memo, Setback, SetbackKind, Snapshot
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Keys, Listed, Stretch
from assetflow.model.plan import (
    Action,
    Alike,
    Cause,
    CauseKind,
    Plan,
    Standing,
    Standings,
    State,
    Step,
    Steps,
    Targets,
)
from assetflow.model.trace import Edge, Trace
from assetflow.model.versions import DataVersion
from assetflow.plan import causes
from assetflow.plan.ageing import Age, age_of
from assetflow.plan.checks import Judged, cause_of
from assetflow.plan.closure import closure, selection
from assetflow.plan.inputs import PENDING, Inputs, Known, Unavailable
from assetflow.plan.judging import Judging
from assetflow.plan.keysets import KeySets
from assetflow.plan.memos import proved
from assetflow.plan.rebuilder import Keep, Leave, Rebuild, Reuse, decide, held_values
from assetflow.plan.standing import state_of
from assetflow.plan.together import Together
from assetflow.plan.traces import edge_text, trace_of

__all__ = ["PastNeeded", "plan"]

_NEVER = History()
_NO_KEYS: frozenset[str] = frozenset()
_FAILED = frozenset({SetbackKind.FAILED, SetbackKind.HELD})
#: The states that a setback explains.
_SETBACKS = frozenset({State.FAILED, State.SKIPPED, State.HELD})
_ANY = frozenset(SetbackKind)
_MAKING = frozenset({Action.RUN, Action.MAYBE})


class PastNeeded(Exception):
    """The snapshot does not hold the pasts of these nodes, and they are needed: they are not alike after all."""

    def __init__(self, nodes: frozenset[AssetKey]) -> None:
        super().__init__(", ".join(map(str, sorted(nodes))))
        self.nodes = nodes


def plan(graph: Graph, snapshot: Snapshot, targets: Targets) -> Plan:
    """What makes the targets up to date. Equal arguments give equal plans.

    Steps come in the order of ``graph.order``, keys in the order of their partitioning. Where ``snapshot.compared``
    is given, it must be what :func:`assetflow.plan.memos.scope` says of the same snapshot, and ``snapshot.histories``
    must hold the partitions of these nodes and those that they read; otherwise all partitions in the closure. Where
    ``snapshot.alike`` says that many are alike, and it turns out that their own pasts are needed, it raises PastNeeded:
    take the snapshot again, with these. Raises UsageError ``unknown-asset`` and ``unknown-partition`` for targets that
    are not there.
    """
    return _Planning(graph, snapshot, targets).plan()


class _Cell(NamedTuple):
    """One step in question: a node, a partition key, and what there is to know of it."""

    node: Node
    key: str
    outputs: tuple[Partition, ...]
    histories: Sequence[History]
    trace: Trace
    requested: bool
    #: What it does without.
    without: tuple[Partition, ...] = ()

    def is_there(self, partition: Partition) -> bool:
        return partition not in self.without


class _Planning:
    """One plan in the making: what was decided so far, in the order of the graph."""

    def __init__(self, graph: Graph, snapshot: Snapshot, targets: Targets) -> None:
        self.graph = graph
        self.snapshot = snapshot
        self.targets = targets
        self.keys = KeySets(graph, snapshot.keys, snapshot.as_of)
        chosen = selection(graph, targets, self.keys)
        self.selected = {name: keys if isinstance(keys, Keys) else Listed(keys) for name, keys in chosen.items()}
        self.inputs = Inputs(snapshot.histories, self.is_outside if targets.only else None)
        self.together = Together(graph, self.keys, snapshot.histories, self.inputs, snapshot.alike, snapshot.compared)
        #: Nodes of which pasts are needed that the snapshot does not hold.
        self.unread: set[AssetKey] = set()
        self.judging = Judging(self.inputs, self.keys.of)
        self.expected = self.inputs.expected
        self.steps: list[Step | Alike] = []
        self.standings: dict[Partition, Standing] = {}
        self.observed: dict[Partition, DataVersion] = {}
        self.memos: dict[AssetKey, Memo] = {}
        self.fresh = 0
        self.forward: dict[Partition, tuple[Cause, ...]] = {}
        #: The partition keys of the node at hand that are not fresh, and the earliest expiry of the others.
        self.exceptions: set[str] = set()
        self.expires_at: datetime | None = None

    def plan(self) -> Plan:
        for name, keys in closure(self.graph, self.selected, self.keys).items():
            node = self.graph.nodes[name]
            if node.observed:
                self.observe(node, keys)
            elif self.compared(node) == _NO_KEYS:
                self.count_fresh(node, keys)
            else:
                self.decide_node(node, keys)
        if self.unread:
            raise PastNeeded(frozenset(self.unread))
        return Plan(
            environment=self.snapshot.environment,
            revision=self.snapshot.revision,
            as_of=self.snapshot.as_of,
            steps=Steps(self.steps),
            fresh=self.fresh,
            standings=Standings(self.told_standings(), (part for part in self.steps if isinstance(part, Alike))),
            observed=self.observed,
            keys=self.snapshot.keys,
            ignored=tuple(self.inputs.ignored),
            forward=self.forward,
            awaited=self.awaited(),
            memos={**self.snapshot.carried, **self.memos},
            targets=self.targets,
        )

    def awaited(self) -> dict[AssetKey, AssetKey]:
        """The assets whose keys an asset gives that is made by this plan."""
        made = {output.asset for step in self.steps for output in _outputs_of(step)}
        return {
            output: read.asset
            for name in self.graph.order
            if name in self.selected
            for read in self.graph.nodes[name].cut_by
            if read.asset in made
            for output in self.graph.nodes[name].outputs
        }

    def compared(self, node: Node) -> frozenset[str] | None:
        """The keys that are not known to be fresh by a memo; None: all."""
        if self.snapshot.compared is None or (self.targets.force and node.key in self.selected):
            return None
        return self.snapshot.compared.get(node.key, _NO_KEYS)

    def is_selected(self, name: AssetKey, key: str) -> bool:
        return key in self.selected.get(name, ())

    def is_outside(self, partition: Partition) -> bool:
        """Whether ``only`` leaves it as it is. Sources are never left out: what they hold is what they hold today."""
        node = self.graph.node_of(partition.asset)
        return not node.observed and not self.is_selected(node.key, partition.key)

    def told_standings(self) -> dict[Partition, Standing]:
        """With ``only``, how the selection stands and the inputs that it ignores; else the whole closure."""
        if not self.targets.only:
            return self.standings
        return {
            partition: standing
            for partition, standing in self.standings.items()
            if partition in self.inputs.ignored
            or self.is_selected(self.graph.node_of(partition.asset).key, partition.key)
        }

    def count_fresh(self, node: Node, keys: Sequence[str]) -> None:
        if self.targets.only:
            keys = [key for key in keys if self.is_selected(node.key, key)]
        self.fresh += len(keys) * len(node.outputs)

    def to_compare(self, node: Node, keys: Sequence[str]) -> Sequence[str]:
        """Those of a node's keys in the closure that must be looked at. The others are fresh, and counted."""
        some = self.compared(node)
        if some is None:
            return keys
        own = self.keys.of_node(node)
        chosen = own.in_order(some) if keys is own else tuple(key for key in keys if key in some)
        if self.targets.only:
            self.count_fresh(node, [key for key in keys if key not in some])
        else:
            self.fresh += (len(keys) - len(chosen)) * len(node.outputs)
        return chosen

    def observe(self, node: Node, keys: Sequence[str]) -> None:
        """A source: its readers see what was observed. Where nothing was, it is missing, and so is what it makes."""
        some = self.compared(node)
        for asset in node.outputs:
            for key in keys:
                partition = Partition(asset, key)
                data = self.snapshot.observed.get(partition)
                if data is None:
                    self.standings[partition] = Standing(state=State.MISSING, causes=(causes.missing(),))
                    self.expected[partition] = Unavailable(causes.unmet(partition))
                    continue
                changed = False
                if some is None or key in some:
                    history = self.snapshot.histories.get(partition, _NEVER)
                    changed = history.current is None or history.current.data.digest != data.digest
                if changed:
                    self.observed[partition] = data
                if node.checks and not self.observe_judged(node, key, partition, data, recorded=not changed):
                    continue
                self.expected[partition] = Known(data, True, recorded=not changed)
                if not self.targets.only or self.is_selected(node.key, key):
                    self.fresh += 1

    def observe_judged(self, node: Node, key: str, partition: Partition, data: DataVersion, *, recorded: bool) -> bool:
        """Whether the checks of a source have nothing against what was observed, and all have seen it.

        What they have not seen yet is judged by a step of this plan, which its readers wait for.
        """
        history = self.snapshot.histories.get(partition, _NEVER)
        requested = self.is_selected(node.key, key)
        cell = _Cell(node, key, (partition,), (history,), Trace(node.recipe), requested)
        state = self.judged(cell, {partition: data})
        if state.settled:
            return True
        if state.failing:
            told = tuple(cause_of(check, said) for check, said in state.failing)
            self.standings[partition] = Standing(state=State.HELD, causes=told)
            self.expected[partition] = Unavailable(causes.failing(partition, state.failing[0][0].name))
            return False
        self.expected[partition] = Known(data, True, recorded=recorded)
        reasons = self.questions(cell, state)
        if reasons:
            self.standings[partition] = Standing(state=State.STALE, causes=reasons)
            if not self.targets.only or requested:
                self.steps.append(
                    Step(
                        node=node.key,
                        key=key,
                        outputs=(partition,),
                        action=Action.CHECK,
                        causes=reasons,
                        requested=requested,
                    )
                )
        return False

    def decide_node(self, node: Node, keys: Sequence[str]) -> None:
        """Its keys in the closure; and what that proves, where these are all keys that it has."""
        self.exceptions, self.expires_at = set(), None
        compared = self.to_compare(node, keys)
        if self.decide_alike(node, compared):
            return
        if node.key in self.snapshot.alike:
            self.unread.add(node.key)
            self.inputs.pending.update(dict.fromkeys(node.outputs, _NO_KEYS))
            return
        for key in compared:
            self.decide_cell(node, key)
        if len(keys) == len(self.keys.of_node(node)) and not self.targets.only:
            self.memos[node.key] = proved(node, self.keys, self.snapshot.revision, self.exceptions, self.expires_at)

    def decide_alike(self, node: Node, keys: Sequence[str]) -> bool:
        """Where nothing was ever made of many keys of a node, or all was from one definition, and these find the same
        in all that they read: one decision for all of them, and one for each of the others.

        No memo comes of it, and none is needed: that of an earlier plan is still as true as it was.
        """
        targets, chosen = self.targets, self.selected.get(node.key)
        if (
            self.compared(node) is not None
            or targets.only
            or (targets.force and chosen is not None)
            or (chosen is not None and len(chosen) != len(keys))
            or any(partition.asset in node.outputs and partition.key in keys for partition in targets.named)
            or len(node.needs) != len(node.inputs) + len(node.cut_by)
            or (places := self.together.places_apart(node, keys)) is None
        ):
            return False
        first = next(place for place in range(len(keys)) if place >= len(places) or places[place] != place)
        alike = self.tried(node, keys[first])
        if alike is None:
            return False
        apart = frozenset(keys[place] for place in places)
        self.inputs.pending.update(dict.fromkeys(node.outputs, apart))
        begin = 0
        for place in (*places, len(keys)):
            if begin < place:
                self.steps.append(replace(alike, keys=Stretch(keys, begin, place)))
            if place < len(keys):
                self.decide_cell(node, keys[place])
            begin = place + 1
        return True

    def tried(self, node: Node, key: str) -> Alike | None:
        """What is decided of one key, as if it were for many; None where these are not simply to be made."""
        steps, fresh = len(self.steps), self.fresh
        self.decide_cell(node, key)
        made = self.steps[steps:]
        standing = self.standings.get(Partition(node.outputs[0], key))
        del self.steps[steps:]
        self.fresh = fresh
        for asset in node.outputs:
            self.standings.pop(Partition(asset, key), None)
            self.expected.pop(Partition(asset, key), None)
        self.exceptions.discard(key)
        if len(made) != 1 or standing is None or not isinstance(made[0], Step) or made[0].action not in _MAKING:
            return None
        if any(cause.kind is CauseKind.EXPIRED for cause in made[0].causes):
            return None  # which says when this one was made
        return Alike(
            node=node.key,
            outputs=node.outputs,
            keys=(),
            action=made[0].action,
            causes=made[0].causes,
            requested=made[0].requested,
            standing=standing,
            again=made[0].again,
            seconds=made[0].seconds,
        )

    def decide_cell(self, node: Node, key: str) -> None:
        """One step: its trace of today, the rebuilder's answer, and what follows from that."""
        requested = self.is_selected(node.key, key)
        outputs = tuple([Partition(asset, key) for asset in node.outputs])
        histories = [self.snapshot.histories.get(output, _NEVER) for output in outputs]
        trace = trace_of(node, key, self.keys.of, self.inputs.look(requested=requested), self.inputs.is_there)
        cell = _Cell(node, key, outputs, histories, trace, requested, tuple(self.inputs.without))
        if self.inputs.unrecorded:
            self.exceptions.add(key)
        self.inputs.unmet += _nothing_for(node, key, trace)
        if self.inputs.unmet:
            self.block(cell)
            return
        again = self.again(outputs)
        decision = decide(
            node,
            trace,
            histories,
            age=self.age(cell),
            demands=(causes.forced(),) if requested and self.targets.force else (),
            again=again,
            passes=lambda found: self.passes(cell, found),
        )
        sure = isinstance(decision, Reuse) or (isinstance(decision, Rebuild) and decision.certain)
        if node.checks and sure and (unmet := self.judging.unmet(node, key, requested=requested)):
            self.inputs.unmet[:] = unmet
            self.block(cell)
            return
        match decision:
            case Keep(forward):
                self.keep(cell, forward)
            case Leave():
                self.leave(cell, decision, again)
            case Reuse():
                self.reuse(cell, decision, again)
            case Rebuild():
                self.rebuild(cell, decision, again)
            case _:
                assert_never(decision)

    def again(self, outputs: Sequence[Partition]) -> frozenset[SetbackKind]:
        if self.targets.named and not self.targets.named.isdisjoint(outputs):
            return _ANY
        anew = self.targets.retry_failed or self.targets.accept_schema_changes
        return _FAILED if anew else frozenset()

    def age(self, cell: _Cell) -> Age:
        return age_of(cell.node, cell.key, self.keys.of_node(cell.node), self.snapshot.as_of)

    def keep(self, cell: _Cell, forward: tuple[Cause, ...]) -> None:
        if forward:
            self.exceptions.add(cell.key)  # so that it is told as long as it is so
        if self.inputs.unsound:
            self.stand(cell, tuple(dict.fromkeys(causes.stale_input(asset) for asset in self.inputs.unsound)))
            self.serve(cell, sound=False)
            return
        if cell.node.checks and not self.keep_judged(cell):
            return
        if not self.targets.only or cell.requested:
            self.fresh += len(cell.outputs)
            self.forward.update(dict.fromkeys(cell.outputs, forward) if forward else {})
        max_age = cell.node.max_age
        if max_age is not None:
            made = [history.current.made_at for history in cell.histories if history.current]
            expiry = min(made) + max_age
            self.expires_at = expiry if self.expires_at is None else min(expiry, self.expires_at)

    def keep_judged(self, cell: _Cell) -> bool:
        """Whether today's checks have nothing against what is current, and all have judged it."""
        state = self.judged(cell, _versions(cell, [history.current for history in cell.histories]))
        if state.settled:
            return True
        if reasons := self.questions(cell, state):
            self.plan_step(cell, Action.CHECK, reasons)
            return False
        if state.failing:
            told = tuple(cause_of(check, said) for check, said in state.failing)
            self.stand(cell, told, state=State.DEGRADED)
            return False
        self.exceptions.add(cell.key)  # a check cannot be asked, as there is nothing that it could read
        return True

    def judged(self, cell: _Cell, values: Mapping[Partition, DataVersion]) -> Judged:
        """How the checks of today stand to these values."""
        found = self.judging.judged(cell.node, cell.key, values, cell.histories, requested=cell.requested)
        if self.inputs.unrecorded:
            self.exceptions.add(cell.key)
        return found

    def questions(self, cell: _Cell, state: Judged) -> tuple[Cause, ...]:
        return self.judging.questions(cell.node, cell.key, cell.histories, state)

    def passes(self, cell: _Cell, found: Sequence[Materialization]) -> bool:
        """Whether no blocking check is known to fail older values."""
        return not (cell.node.checks and self.judged(cell, _versions(cell, found)).failing)

    def leave(self, cell: _Cell, left: Leave, again: frozenset[SetbackKind]) -> None:
        """Tried before with this very trace. After a skip its readers go on with what is current, if it is there."""
        if left.setback.kind is SetbackKind.HELD and (reasons := self.released(cell)):
            self.plan_step(cell, Action.CHECK, reasons, again=again)
            for output in cell.outputs:
                self.expected[output] = PENDING
            return
        self.stand(cell, self.named(cell, left.causes), left.setback)
        why = causes.blocked(cell.outputs[0], left.setback)
        if left.setback.kind is SetbackKind.SKIPPED:
            self.serve(cell, sound=not self.inputs.unsound, otherwise=why)
            return
        for output in cell.outputs:
            self.expected[output] = Unavailable(why)

    def released(self, cell: _Cell) -> tuple[Cause, ...]:
        """Why what is held back is to be judged again: no check of today is known to fail it."""
        if (held := held_values(cell.histories, cell.trace.digest)) is None:
            return ()
        state = self.judged(cell, _versions(cell, held))
        if state.failing:
            return ()
        asked = self.questions(cell, state)
        return asked or (() if state.blank else (causes.passing(cell.outputs[0]),))

    def reuse(self, cell: _Cell, found: Reuse, again: frozenset[SetbackKind]) -> None:
        ids = tuple(older.id for older in found.materializations)
        self.plan_step(cell, Action.REUSE, found.causes, reuse=ids, again=again)
        for output, older in zip(cell.outputs, found.materializations, strict=True):
            self.expected[output] = Known(older.data, False, f"v{older.version}")

    def rebuild(self, cell: _Cell, found: Rebuild, again: frozenset[SetbackKind]) -> None:
        self.plan_step(cell, Action.RUN if found.certain else Action.MAYBE, found.causes, again=again)
        for output in cell.outputs:
            self.expected[output] = PENDING

    def block(self, cell: _Cell) -> None:
        """Something that it reads is unavailable, so it is, too: no step, but everything that is wrong is told."""
        at_hand = decide(cell.node, cell.trace, cell.histories, age=self.age(cell))
        own = () if isinstance(at_hand, Keep) else at_hand.causes
        told = [cause for cause in own if cause.kind is not CauseKind.UPSTREAM]
        self.stand(cell, self.named(cell, (*told, *dict.fromkeys(self.inputs.unmet))))
        for output in cell.outputs:
            self.expected[output] = Unavailable(self.inputs.unmet[0])

    def stand(
        self, cell: _Cell, reasons: tuple[Cause, ...], left: Setback | None = None, state: State | None = None
    ) -> None:
        """It is not fresh."""
        self.exceptions.add(cell.key)
        age = self.age(cell)
        digest = None
        if left is None and any(history.setback for history in cell.histories):
            # With an input pending there is no trace of today yet: the one that the inputs' current values give.
            today = trace_of(cell.node, cell.key, self.keys.of, self.inputs.today, cell.is_there)
            digest = cell.trace.digest or today.digest
        for output, history in zip(cell.outputs, cell.histories, strict=True):
            own = state or state_of(cell.node, history, digest, age, left)
            setback = (left or history.setback) if own in _SETBACKS else None
            self.standings[output] = Standing(state=own, causes=reasons, setback=setback)

    def serve(self, cell: _Cell, *, sound: bool, otherwise: Cause | None = None) -> None:
        """Readers go on with what is current."""
        for output in cell.outputs:
            current = self.inputs.current(output)
            if current is None:
                self.expected[output] = Unavailable(otherwise or causes.unmet(output))
            elif not sound:
                self.expected[output] = Known(current.data, False, f"v{current.version}")

    def plan_step(
        self,
        cell: _Cell,
        action: Action,
        reasons: tuple[Cause, ...],
        *,
        reuse: tuple[int, ...] = (),
        again: frozenset[SetbackKind] = frozenset(),
    ) -> None:
        reasons = self.named(cell, reasons)
        self.stand(cell, reasons)
        if self.targets.only and not cell.requested:
            return
        step = Step(
            node=cell.node.key,
            key=cell.key,
            outputs=cell.outputs,
            action=action,
            causes=reasons,
            requested=cell.requested,
            reuse=reuse,
            again=again,
            seconds=_seconds(cell.histories),
            without=cell.without,
        )
        self.steps.append(step)

    def named(self, cell: _Cell, reasons: tuple[Cause, ...]) -> tuple[Cause, ...]:
        """The causes, with versions and columns of changed inputs where these can be told."""
        if not any(cause.kind is CauseKind.INPUT for cause in reasons):
            return reasons
        recorded = next(history.current for history in cell.histories if history.current is not None)
        reads = {(read.asset, edge_text(read)): read for read in cell.node.inputs}
        told: dict[Cause, None] = {}
        edges = {edge.asset: edge for edge in recorded.edges}
        for cause in reasons:
            edge = edges.get(cause.input) if cause.kind is CauseKind.INPUT and cause.input else None
            read = reads.get((edge.asset, edge.mapping)) if edge else None
            told[self.named_input(cell, cause, read, edge) if edge and read else cause] = None
        return tuple(told)

    def named_input(self, cell: _Cell, cause: Cause, read: Input, edge: Edge) -> Cause:
        members = read.mapping.members(cell.key, self.keys.of_node(cell.node), self.keys.of(read.asset))
        if len(members) != 1 or edge.count != 1:
            return cause
        partition = Partition(read.asset, members[0])
        past = self.snapshot.histories.get(partition, _NEVER)
        known = self.inputs.known(partition)
        if isinstance(known, Known) and not (self.targets.only and self.is_outside(partition)):
            today = (known.data, known.version)
        elif past.current is not None:
            today = (past.current.data, f"v{past.current.version}")
        else:
            return cause
        materializations = [m for m in (past.current, *past.by_trace.values()) if m is not None]
        return causes.input_named(cause, read, members[0], edge, today, materializations)


def _outputs_of(step: Step | Alike) -> tuple[Partition, ...]:
    """Of many steps that are kept as one, those of one of them."""
    return step.outputs if isinstance(step, Step) else step.step(0).outputs


def _nothing_for(node: Node, key: str, trace: Trace) -> list[Cause]:
    """Why a step could not be made though nothing is missing: of what it reads one value, no key exists."""
    return [
        causes.nothing_to_read(read.asset, key)
        for read, edge in zip(node.inputs, trace.edges, strict=True)
        if not edge.count and read.required
    ]


def _versions(cell: _Cell, found: Sequence[Materialization | None]) -> dict[Partition, DataVersion]:
    """The data of materializations, one per output."""
    return {output: made.data for output, made in zip(cell.outputs, found, strict=True) if made is not None}


def _seconds(histories: Sequence[History]) -> float | None:
    """How long the step took the last time that it ran, as far as its histories tell."""
    currents = [history.current for history in histories if history.current]
    made = currents or [older for history in histories for older in history.by_trace.values()]
    return max(made, key=lambda older: older.id).seconds if made else None
