"""Values that are there, judged by checks that have not judged them: what is asked about which, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from assetflow.model.history import Materialization, SetbackKind
from assetflow.model.journal import Failure
from assetflow.model.plan import Action, Cause, CauseKind, Step
from assetflow.model.retry import FailureClass
from assetflow.plan.checks import cause_of
from assetflow.plan.rebuilder import held_values
from assetflow.run.checking import Audit, Audited, held_back
from assetflow.run.course import Course
from assetflow.run.deciding import Question
from assetflow.run.ending import Ending

__all__ = ["Judging", "Purpose", "There"]


class Purpose(Enum):
    """What becomes of values that are there, once they were read and judged."""

    #: They become current again.
    REUSE = "reuse"
    #: They are current, and stay so whatever is said.
    CURRENT = "current"
    #: They were held back, and become current if nothing is wrong with them any more.
    HELD = "held"


@dataclass(frozen=True, slots=True)
class There:
    """The values of a step that are there, one for each output, and what for they are judged."""

    values: tuple[Materialization, ...]
    purpose: Purpose


class Judging:
    """Judges what is there. Used by the coordinating thread alone."""

    def __init__(self, course: Course, ending: Ending) -> None:
        self._course = course
        self._ending = ending

    def asks_by_itself(self, step: int) -> bool:
        """Whether the step is nothing but a judgement: of a source, or one that was asked for."""
        one = self._course.plan.steps[step]
        return one.action is Action.CHECK and (self._course.deciding.node(step).observed or _is_forced(one))

    def all_there(self, step: int, question: Question) -> There | None:
        """What a source holds; or what is current or held back; None where there is no value."""
        course, one = self._course, self._course.plan.steps[step]
        if course.deciding.node(step).observed:
            there = [course.memory.current(output, question.claimed) for output in one.outputs]
        else:
            there = [history.current for history in question.histories]
        purpose = Purpose.CURRENT
        held = held_values(question.histories, question.digest)
        if held is not None and question.histories[0].setback is not None:
            there, purpose = list(held), Purpose.HELD
        values = tuple(each for each in there if each is not None)
        return There(values, purpose) if len(values) == len(one.outputs) else None

    def unjudged(self, step: int, question: Question) -> There | None:
        """What is current, where checks have not judged it."""
        current = tuple(history.current for history in question.histories if history.current is not None)
        if not self._course.deciding.node(step).checks:
            return None
        unanswered = self._course.deciding.judged(step, question.claimed, current).unanswered
        return There(current, Purpose.CURRENT) if unanswered else None

    def cleared(self, step: int, question: Question, kind: SetbackKind) -> There | None:
        """What was held back, where no check of today is known to fail it."""
        held = held_values(question.histories, question.digest) if kind is SetbackKind.HELD else None
        if held is None or self._course.deciding.judged(step, question.claimed, held).failing:
            return None
        return There(held, Purpose.HELD)

    def order(self, step: int, question: Question, there: There) -> Audit:
        """The order to judge it: by all checks where that was asked for, else by those that have not. Raises
        StorageError ``blob-missing``.
        """
        one, unanswered = self._course.plan.steps[step], None
        if not (one.action is Action.CHECK and _is_forced(one)):
            unanswered = self._course.deciding.judged(step, question.claimed, there.values).unanswered
        verify = there.purpose is Purpose.REUSE
        return self._course.preparing.audit(step, one, question.claimed, there.values, unanswered, verify=verify)

    def ended(
        self, step: int, question: Question, causes: tuple[Cause, ...], there: There, result: Audited
    ) -> Cause | None:
        """Record what was said. Gives why the step is to be run after all, where an older value cannot be taken."""
        wrong = held_back(result.verdicts)
        if there.purpose is Purpose.REUSE:
            if result.problem:
                return Cause(kind=CauseKind.CORRUPT, message=f"the older value is damaged: {result.problem}")
            if wrong is not None:
                return Cause(kind=CauseKind.CHECK, message=f"the older value does not pass: {wrong.message}")
            self._ending.reused(step, question, causes, there.values, result.verdicts)
            return None
        if result.problem:
            failure = Failure(
                kind=FailureClass.INFRASTRUCTURE, type="StorageError", message=result.problem, reason="it is not there"
            )
            self._ending.unjudged(step, question, causes, failure)
            return None
        wrong = wrong or self._said_before(step, question, there, result)
        held = there.purpose is Purpose.HELD
        if wrong is not None and not held:
            wrong = replace(wrong, reason="it is there already")
        self._ending.judged(step, question, causes, result, there.values, wrong, held=held)
        return None

    def _said_before(self, step: int, question: Question, there: There, result: Audited) -> Failure | None:
        """What checks that were not asked now said of it before, which counts as much."""
        before = self._course.deciding.judged(step, question.claimed, there.values).failing
        asked = {(verdict.partition.asset, verdict.check) for verdict in result.verdicts}
        left = [cause_of(check, said).message for check, said in before if (check.asset, check.name) not in asked]
        if not left:
            return None
        return Failure(kind=FailureClass.DATA, type="CheckFailed", message="\n".join(left), reason="said before")


def _is_forced(step: Step) -> bool:
    return any(cause.kind is CauseKind.FORCED for cause in step.causes)
