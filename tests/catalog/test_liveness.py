from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from assetflow.catalog.liveness import alive, here, lease_seconds, now_micros
from assetflow.errors import UsageError

LATER = now_micros() + 3_600_000_000


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def test_this_process_is_alive():
    assert alive(here(), LATER)


def test_a_process_that_is_gone_is_dead_at_once(process):
    me = here()._replace(pid=process.pid, started=0)
    assert alive(me, LATER)
    process.kill()
    process.wait()
    assert not alive(me, LATER)


def test_a_corpse_that_nobody_buried_is_dead(process):
    me = here()._replace(pid=process.pid, started=0)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(me, LATER)


def test_another_process_under_the_same_number_is_not_the_one(process):
    assert not alive(here()._replace(pid=process.pid, started=1), LATER)


@pytest.mark.parametrize("elsewhere", [{"host": "other"}, {"boot": "other"}, {"namespace": "other"}])
def test_elsewhere_only_silence_tells(elsewhere, monkeypatch):
    monkeypatch.setenv("ASSETFLOW_LEASE_SECONDS", "3")
    process = here()._replace(pid=2**22 + 1, **elsewhere)
    assert alive(process, now_micros() - 500_000)
    assert not alive(process, now_micros() - 1_100_000)


def test_a_process_here_that_is_silent_for_too_long_is_taken_for_dead():
    assert not alive(here(), now_micros() - 60_000_000)


@pytest.mark.parametrize("text", ["", "soon", "0", "-1"])
def test_a_lease_is_a_positive_number_of_seconds(text, monkeypatch):
    monkeypatch.setenv("ASSETFLOW_LEASE_SECONDS", text)
    with pytest.raises(UsageError, match="ASSETFLOW_LEASE_SECONDS"):
        lease_seconds()
