"""Judge buckets on a Dask cluster: processes of this machine, or those of a scheduler. One bucket is one task.

A task may be done twice, such as after a worker was lost: its file is the same, and appears whole.
"""

import logging
from collections.abc import Callable, Sequence

import dask
from distributed import Client, LocalCluster, Security, Worker, WorkerPlugin, as_completed, get_worker

from cds_service.population.rows import Written
from cds_service.population.running import Judging
from cds_service.population.work import OpenedWork, Work

_RETRIES = 2
_CONNECT_TIMEOUT = "10s"
_PLUGIN = "population"
_NO_PROFILE = {"distributed.worker.profile.enabled": False}
"""A worker would look at its stack a hundred times a second, and keep what it saw for an hour: its memory grew."""


class Preparation(WorkerPlugin):
    """Opens the work once in each worker, also in one that joins late or is started again."""

    name = _PLUGIN

    def __init__(self, work: Work) -> None:
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
        with (
            dask.config.set(_NO_PROFILE),
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                security=security,
                dashboard_address=None,
                worker_dashboard_address=None,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, security=security) as client,
        ):
            return judge_buckets(client, work, buckets, done)

    return judge


def on_cluster(address: str) -> Judging:
    """Return what judges buckets on the workers of a scheduler (tcp://… or tls://…).

    It raises OSError if the scheduler cannot be reached.
    """

    def judge(work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]) -> dict[int, str]:
        with Client(address, timeout=_CONNECT_TIMEOUT) as client:
            return judge_buckets(client, work, buckets, done)

    return judge


def judge_buckets(
    client: Client, work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]
) -> dict[int, str]:
    """Judge buckets; `done` gets each one and what it gave, as they end. Return those that failed, with the reason.

    Raise OtherPoliciesError and what else keeps a worker from opening the work.
    """
    client.register_plugin(Preparation(work))
    failed: dict[int, str] = {}
    try:
        futures = {
            client.submit(_judge, bucket, key=f"bucket-{bucket}-{id(work)}", pure=False, retries=_RETRIES): bucket
            for bucket in buckets
        }
        for future in as_completed(futures):
            bucket = futures.pop(future)
            written = future.result() if future.status == "finished" else None
            if written is None:
                failed[bucket] = type(future.exception()).__name__
            future.release()  # a result that is lost from now on is not made again
            if written is not None:
                done(bucket, written)
    finally:
        client.unregister_worker_plugin(_PLUGIN)
    return failed


def _judge(bucket: int) -> Written:
    prepared = get_worker().plugins[_PLUGIN]
    if not isinstance(prepared, Preparation) or prepared.opened is None:
        raise RuntimeError("the worker has not opened the work")
    return prepared.opened.do(bucket)
