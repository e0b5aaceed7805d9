"""``materialize --log-format json``: a line of JSON on stderr for everything that happens, and all that steps log."""

from __future__ import annotations

import json
import threading
from typing import Any, TextIO, assert_never

from assetflow.model.event import (
    AttemptFailed,
    Event,
    Progressed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    StepWaiting,
)
from assetflow.model.journal import Outcome, RunStatus

__all__ = ["JsonLog"]


class JsonLog:
    """A listener. A line is ``{at, run, level, event, …}``; of a step also ``{asset, key, attempt}``.

    What steps print and log is ``event: "log"``, as in the files that ``logs`` reads.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        #: Of each step that runs, the number of its attempt.
        self._attempts: dict[Any, int] = {}

    def __call__(self, event: Event) -> None:
        """Write an event."""
        match event:
            case RunStarted():
                self._write(event, "INFO", "run started", environment=event.environment, steps=event.steps)
            case StepStarted():
                self._attempts[event.step] = event.attempt_number
                self._write(event, "INFO", "step started")
            case StepWaiting():
                self._write(event, "INFO", "step waiting", text=f"run {event.other_run} is making it")
            case Progressed():
                self._write(event, "INFO", "progress", done=event.done, total=event.total)
            case AttemptFailed():
                text = f"{event.failure.type}: {event.failure.message}"
                again = event.wait.total_seconds()
                kind = str(event.failure.kind)
                self._write(event, "WARNING", "attempt failed", text=text, failure=kind, again_in_seconds=again)
            case StepFinished():
                self._finished(event)
            case RunFinished():
                level = "INFO" if event.status is RunStatus.SUCCEEDED else "ERROR"
                fields = {"status": str(event.status), "counts": {str(o): n for o, n in event.counts.items()}}
                self._write(event, level, "run finished", **fields, seconds=event.seconds, spared=event.spared)
            case _:
                assert_never(event)

    def line(self, text: str) -> None:
        """Write a line that a step logged, which is JSON."""
        self._put({**json.loads(text), "event": "log"})

    def _finished(self, event: StepFinished) -> None:
        failure = event.failure
        fields: dict[str, Any] = {
            "outcome": str(event.outcome),
            "outputs": [str(output) for output in event.outputs],
            "versions": list(event.versions),
            "seconds": event.seconds,
            "causes": [cause.message for cause in event.causes],
        }
        if failure is not None:
            fields |= {"failure": str(failure.kind), "text": f"{failure.type}: {failure.message}"}
        elif event.reason:
            fields["text"] = event.reason
        bad = event.outcome in {Outcome.FAILED, Outcome.HELD, Outcome.DEGRADED, Outcome.NOT_RUN}
        self._write(event, "ERROR" if bad else "INFO", "step finished", **fields)
        self._attempts.pop(event.step, None)

    def _write(self, event: Event, level: str, name: str, **fields: Any) -> None:  # JSON-able values
        line: dict[str, Any] = {"at": event.at.isoformat(), "run": event.run}
        if not isinstance(event, RunStarted | RunFinished):
            step = {"asset": str(event.step.asset), "key": event.step.key, "attempt": self._attempts.get(event.step, 0)}
            line |= step
        self._put({**line, "level": level, "event": name, **fields})

    def _put(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
