"""The beat that keeps leases alive."""

from __future__ import annotations

import threading
from datetime import timedelta

from assetflow.run.heartbeat import heartbeat


def test_leases_are_renewed_every_third_of_their_time_even_after_an_error() -> None:
    enough = threading.Event()
    beats: list[int] = []

    def renew() -> None:
        beats.append(1)
        if len(beats) == 3:
            enough.set()
        if len(beats) == 1:
            raise OSError("not now")

    with heartbeat(renew, timedelta(milliseconds=30)):
        assert enough.wait(5)
    after = len(beats)
    assert after >= 3
    assert not [thread for thread in threading.enumerate() if thread.name == "assetflow-heartbeat"]
