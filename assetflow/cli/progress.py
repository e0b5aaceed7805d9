"""What a person sees while a run is going on: live lines on a terminal, a plain line a step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from assetflow.cli.output import MARKS, Output
from assetflow.model.durations import duration_text
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
from assetflow.model.journal import Outcome
from assetflow.model.keys import Partition

__all__ = ["Progress"]

#: Outcomes that are told only in the summary when many steps have them.
_QUIET = {Outcome.KEPT, Outcome.NOT_RUN}


class Progress:
    """Listens to a run and shows it on stderr. Use it as a context manager; it is silent with ``--json``."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._live: Any = None  # a rich.live.Live, only on a terminal
        self._running: dict[Partition, tuple[float, str]] = {}
        self._total = 0
        self._done = 0

    def __enter__(self) -> Self:
        if not self._output.json and self._output.colour(self._output.err):
            from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
            from rich.live import Live  # noqa: PLC0415

            console = Console(file=self._output.err, highlight=False)
            self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._status)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self._total = event.steps
            case StepStarted():
                self._running[event.step] = (time.monotonic(), "")
            case Progressed() if event.step in self._running:
                share = f" {event.done:g}/{event.total:g}"
                self._running[event.step] = (self._running[event.step][0], share)
            case StepWaiting():
                self._say("▸", "blue", f"{event.step}  waits: run {event.other_run} is making it")
            case AttemptFailed():
                wait = duration_text(event.wait.total_seconds())
                what = f"{event.failure.type}: {event.failure.message}".split("\n")[0]
                self._say(
                    "↺", "yellow", f"{event.step}  attempt {event.attempt_number} failed, again in {wait}  ({what})"
                )
            case StepFinished():
                self._finished(event)
            case RunFinished():
                pass

    def _finished(self, event: StepFinished) -> None:
        self._running.pop(event.step, None)
        self._done += 1
        if event.outcome in _QUIET and self._total > 20:
            return
        mark, style = MARKS[str(event.outcome)]
        word = str(event.outcome).replace("_", " ")
        for output in event.outputs:
            took = duration_text(event.seconds) if event.seconds else ""
            detail = took or event.reason
            self._say(mark, style, f"{output!s:<40} {word:<13} {detail}".rstrip())
        if event.failure is not None:
            self._say(" ", "red", f"  {event.failure.type}: {event.failure.message}".split("\n")[0])

    def _say(self, mark: str, style: str, text: str) -> None:
        if self._output.json:
            return
        if self._live is not None:
            from rich.text import Text  # noqa: PLC0415

            self._live.console.print(Text.assemble((mark, style), " ", text), soft_wrap=True)
            return
        self._output.note(f"{mark} {text}")

    def _status(self) -> Any:
        from rich.text import Text  # noqa: PLC0415

        if not self._total:
            return ""
        now = time.monotonic()
        names = ", ".join(
            f"{step}{share} {now - since:.0f}s" for step, (since, share) in list(self._running.items())[:4]
        )
        more = f" and {len(self._running) - 4} more" if len(self._running) > 4 else ""
        return Text(
            f"{self._done} of {self._total} done   {names}{more}", style="dim", overflow="ellipsis", no_wrap=True
        )
