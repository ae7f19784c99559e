"""Group commit: what several threads want to write at the same time goes into one transaction.

A commit waits for the disk, and between its statements a writer waits for the busy threads of its process: threads that
share both wait for them once. None of them is a thread of its own: the one whose turn it is writes for all that wait.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")


class BusyError(Exception):
    """A thread did not get its turn in time, and nothing of its job was begun."""


class _Waiter:
    """A thread that waits for its turn."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.is_done = False


class _Job(_Waiter, Generic[Result]):
    """A thread that waits for its turn, or for another one to run its job."""

    def __init__(self, run: Callable[[Connection], Result], wait_seconds: float) -> None:
        super().__init__()
        self.run = run
        self.deadline = time.monotonic() + wait_seconds
        self.outcome: Future[Result] = Future()

    def end(self) -> None:
        """Wake the thread; without an outcome the job was not run."""
        if not self.outcome.done():
            self.outcome.set_exception(BusyError())
        self.is_done = True
        self.woken.set()


class GroupCommit:
    """Lets one thread at a time use a database, in the order in which they come. Safe to use from several threads.

    `transaction` opens a transaction and commits it, or rolls it back after an exception. Nobody waits longer than
    `wait_seconds` for a transaction to begin. `computing` makes a context around the statements of a group, but not
    around its commit.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        wait_seconds: float,
        computing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._transaction = transaction
        self._wait_seconds = wait_seconds
        self._computing = computing
        self._lock = threading.Lock()
        self._waiting: list[_Waiter] = []
        self._is_taken = False

    def write(self, job: Callable[[Connection], Result]) -> Result:
        """Return the result of a job once it is committed, together with the jobs of other threads.

        The job may run a second time, in another transaction, and in another thread. What it raises is raised here and
        concerns no other job. Raises BusyError if the job was not begun in time.
        """
        ours = _Job(job, self._wait_seconds)
        if self._has_turn(ours):
            try:
                self._write_group(ours)
            finally:
                self._pass_on()
        return ours.outcome.result()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep every other thread waiting while the context lasts. Raises BusyError if it is not our turn in time."""
        self._has_turn(_Waiter())
        try:
            yield
        finally:
            self._pass_on()

    def _has_turn(self, waiter: _Waiter) -> bool:
        """Wait until it is our turn, and return True, or until another thread is done with our job."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            self._waiting.append(waiter)
        if not waiter.woken.wait(self._wait_seconds):
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                    raise BusyError
            waiter.woken.wait()  # it is our turn, or our job was begun: that ends soon
        return not waiter.is_done

    def _pass_on(self) -> None:
        with self._lock:
            self._is_taken = bool(self._waiting)
            if self._is_taken:
                self._waiting.pop(0).woken.set()

    def _waiting_jobs(self) -> list[_Job[Any]]:
        """Return the jobs that wait; from now on their threads cannot give up."""
        with self._lock:
            found = [each for each in self._waiting if isinstance(each, _Job)]
            self._waiting = [each for each in self._waiting if not isinstance(each, _Job)]
        return found

    def _write_group(self, ours: _Job[Any]) -> None:
        """Run our job and those that wait when the transaction has begun, and wake their threads."""
        group = [ours]
        results: list[object] = []
        try:
            with self._transaction() as connection, self._computing():
                group += self._waiting_jobs()
                results += [each.run(connection) for each in group]
        except Exception as error:
            if results or len(group) == 1:
                for each in group:
                    each.outcome.set_exception(error)
            else:
                self._write_singly(group)
        else:
            for each, result in zip(group, results, strict=True):
                each.outcome.set_result(result)
        finally:
            for each in group:
                each.end()

    def _write_singly(self, group: list[_Job[Any]]) -> None:
        """Run each in a transaction of its own, because one of them failed in the common one, which left nothing."""
        for each in group:
            if time.monotonic() > each.deadline:
                continue
            try:
                with self._transaction() as connection:
                    result = each.run(connection)
            except Exception as error:
                each.outcome.set_exception(error)
            else:
                each.outcome.set_result(result)
