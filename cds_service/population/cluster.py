"""Judge buckets on a Dask cluster: processes of this machine, or those of a scheduler. One bucket is one task.

A task may be done twice, such as after a worker was lost: its file is the same, and appears whole.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex

import dask
from distributed import Client, LocalCluster, Security, Worker, WorkerPlugin, as_completed, get_worker

from cds_service.population.rows import Written
from cds_service.population.running import Judging
from cds_service.population.work import OpenedWork, Work

_RETRIES = 2
_CONNECT_TIMEOUT = "10s"
_NO_PROFILE = {"distributed.worker.profile.enabled": False}
"""A worker would look at its stack a hundred times a second, and keep what it saw for an hour: its memory grew."""


class Preparation(WorkerPlugin):
    """Opens the work once in each worker, also in one that joins late or is started again.

    `name` is of this run alone: a cluster may have several.
    """

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self._work = work
        self.opened: OpenedWork | None = None

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Load policies and rules; an error here is raised where the plugin was registered."""
        self.opened = self._work.open()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Close what was opened."""
        if self.opened is not None:
            self.opened.judge.shared.close()


def on_this_machine(workers: int) -> Judging:
    """Return what judges buckets in so many processes of this machine. Only who has the key of the run reaches them."""

    def judge(work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]) -> dict[int, str]:
        security = Security.temporary()
        with dask.config.set(_NO_PROFILE):
            with _deaf_to_interrupts():
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    security=security,
                    dashboard_address=None,
                    worker_dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            with cluster, Client(cluster, security=security) as client:
                return judge_buckets(client, work, buckets, done)

    return judge


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let processes that start meanwhile ignore Ctrl-C: a terminal sends it to all, and this process ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def on_cluster(address: str) -> Judging:
    """Return what judges buckets on the workers of a scheduler (tcp://… or tls://…).

    It raises OSError if the scheduler cannot be reached.
    """

    def judge(work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]) -> dict[int, str]:
        with _connected(address) as client:
            return judge_buckets(client, work, buckets, done)

    return judge


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=_CONNECT_TIMEOUT)
    except TypeError:  # what Dask raises without certificates
        raise ConnectionError(
            f"{address} needs certificates. Name them in Dask's configuration, under distributed.comm.tls."
        ) from None


def judge_buckets(
    client: Client, work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]
) -> dict[int, str]:
    """Judge buckets; `done` gets each one and what it gave, as they end. Return those that failed, with the reason.

    Raise OtherPoliciesError and what else keeps a worker from opening the work.
    """
    run = f"population-{token_hex(8)}"
    client.register_plugin(Preparation(run, work))
    failed: dict[int, str] = {}
    try:
        futures = {
            client.submit(_judge, run, bucket, key=f"{run}-{bucket}", pure=False, retries=_RETRIES): bucket
            for bucket in buckets
        }
        for future in as_completed(futures):
            bucket = futures.pop(future)
            try:
                written = future.result()
            except Exception as error:  # whatever it was, the other buckets are judged
                failed[bucket] = _reason(error)
            else:
                future.release()  # a result that is lost from now on is not made again
                done(bucket, written)
    finally:
        client.unregister_worker_plugin(run)
    return failed


def _reason(error: Exception) -> str:
    """Return what went wrong, such as `No space left on device`, without what a message may quote."""
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return type(error).__name__


def _judge(run: str, bucket: int) -> Written:
    prepared = get_worker().plugins[run]
    if not isinstance(prepared, Preparation) or prepared.opened is None:
        raise RuntimeError("the worker has not opened the work")
    return prepared.opened.do(bucket)
