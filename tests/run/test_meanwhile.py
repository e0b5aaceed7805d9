"""Writing while the thread that writes is busy with a step."""

from __future__ import annotations

import threading
import time

import pytest

from assetflow.errors import StorageError
from assetflow.run.meanwhile import Meanwhile


class FakeRecording:
    """A group of which something is due, and how often it was written, by which thread."""

    def __init__(self, error: Exception | None = None) -> None:
        self.waiting = 1
        self.error = error
        self.writers: list[str] = []

    @property
    def group(self) -> FakeRecording:
        return self

    def __len__(self) -> int:
        return self.waiting

    def due_in(self) -> float | None:
        return 0.0 if self.waiting else None

    def write(self) -> None:
        self.writers.append(threading.current_thread().name)
        if self.error is not None:
            raise self.error
        self.waiting = 0


@pytest.fixture
def opened():
    made: list[Meanwhile] = []

    def opening(recording):
        made.append(Meanwhile(recording))
        return made[-1]

    yield opening
    for each in made:
        each.close()


def until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


def test_what_is_due_is_written_once_while_somebody_is_away(opened):
    recording = FakeRecording()
    meanwhile = opened(recording)
    with meanwhile.away():
        until(lambda: recording.writers)
        time.sleep(0.2)
    assert recording.writers == ["assetflow-meanwhile"]


def test_nothing_is_written_while_nobody_is_away(opened):
    recording = FakeRecording()
    meanwhile = opened(recording)
    with meanwhile.away():
        until(lambda: recording.writers)
    recording.waiting = 1
    time.sleep(0.2)
    assert len(recording.writers) == 1
    with meanwhile.away():
        until(lambda: len(recording.writers) == 2)


def test_what_writing_raises_is_raised_when_one_is_back(opened):
    recording = FakeRecording(StorageError("disk-full", "no room"))
    meanwhile = opened(recording)
    with pytest.raises(StorageError, match="no room"), meanwhile.away():
        until(lambda: recording.writers)
    time.sleep(0.2)
    assert len(recording.writers) == 1


def test_without_anything_waiting_there_is_no_thread(opened):
    recording = FakeRecording()
    recording.waiting = 0
    meanwhile = opened(recording)
    with meanwhile.away():
        assert not any(thread.name == "assetflow-meanwhile" for thread in threading.enumerate())
    assert recording.writers == []
