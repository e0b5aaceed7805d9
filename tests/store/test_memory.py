"""The store that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetflow.store.contract import put
from assetflow.store.memory import MemoryStore
from assetflow.testing import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[MemoryStore]:
        with MemoryStore() as store:
            yield store


def test_closing_leaves_nothing() -> None:
    store = MemoryStore()
    put(store, "a/b/_/1.bin", b"x")
    folder = store.local("a/b/_/1.bin").parents[3]
    assert folder.exists()
    store.close()
    store.close()
    assert not folder.exists()


def test_a_store_that_is_no_longer_used_is_removed() -> None:
    store = MemoryStore()
    put(store, "a/b/_/1.bin", b"x")
    folder = store.local("a/b/_/1.bin").parents[3]
    del store
    assert not folder.exists()


def test_a_forked_child_does_not_take_its_parents_values_away() -> None:
    with MemoryStore() as store:
        put(store, "a/b/_/1.bin", b"x")
        if not (pid := os.fork()):
            store.close()
            os._exit(0)
        os.waitpid(pid, 0)
        assert store.size("a/b/_/1.bin") == 1


def test_what_a_killed_process_left_is_removed_by_the_next() -> None:
    code = (
        "from assetflow.store.memory import MemoryStore\n"
        "from assetflow.store.contract import put\n"
        "import time\n"
        "s = MemoryStore(); put(s, 'a/b/_/1.bin', b'x')\n"
        "print(s.local('a/b/_/1.bin').parents[3], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        with MemoryStore():
            assert folder.exists(), "its process is alive"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert folder.exists()
    with MemoryStore():
        assert not folder.exists()
