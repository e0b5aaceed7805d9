"""The coordinating thread: it decides what begins, takes what ends, and has it recorded."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from assetflow.errors import AssetflowError, BusyError
from assetflow.model.event import AttemptFailed, Event, StepStarted
from assetflow.model.history import Materialization
from assetflow.model.journal import Failed, Failure, Journal, Kept, Made, Outcome, Reused, Skipped
from assetflow.model.plan import Cause, CauseKind, Step
from assetflow.model.retry import FailureClass
from assetflow.plan.rebuilder import Keep, Leave, Rebuild, Reuse
from assetflow.run.attempt import Broke, Result, Returned, SkipRaised, Stopped, Tools, perform
from assetflow.run.classify import classify
from assetflow.run.deciding import Question
from assetflow.run.ends import End
from assetflow.run.executors import Executor, Inline
from assetflow.run.failures import failure_of
from assetflow.run.observing import Observing
from assetflow.run.recording import Course, Recording
from assetflow.run.results import has_effects
from assetflow.run.retrying import GiveUp, RetryAfter, decision
from assetflow.run.signals import Interrupted, Stop
from assetflow.run.telling import Telling
from assetflow.run.verifying import Verified, verify

__all__ = ["Coordinator"]
