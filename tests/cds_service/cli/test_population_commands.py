"""`cds-service population`: what the command line takes, and a run in processes of which some are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from errno import ENOSPC
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from cds_service.cli import population, population_run
from cds_service.cli.main import main
from cds_service.population import cluster
from tests.support.bulk_export import sample_charts, write_export
from tests.support.population_runs import EARLIER, FUSION, judge_here, rows_in

WANTED = ("population", "run", "--policy", FUSION, "--at", "2026-03-02")
COPIES = 6
KEY = "a key for the pseudonyms of this test"


@pytest.fixture(name="export", scope="module")
def _export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_export(folder, sample_charts()[:8])  # one has a record of somebody else, whose Patient it lacks
    return folder


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population_run, "on_this_machine", lambda _workers: judge_here)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*WANTED, *map(str, arguments)], env={"CDS_PSEUDONYM_KEY": KEY, "COLUMNS": "200"})


def test_a_run_prints_its_counts_and_a_report_draws_them(export: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = run("--order", "27279", "--input", export, "--output", output, "--compare", EARLIER)
    assert done.exit_code == 0, done.output
    assert "27279, as of 2026-03-02T12:00-05:00: 9 orders of 9 patients" in done.output
    assert f"{EARLIER} → {FUSION}: another outcome for 0 of 8 orders" in done.output
    assert "II.D.faber Was the FABER" in done.output
    assert not (output / "charts").exists()
    reported = CliRunner().invoke(main, ["population", "report", str(output)], env={"COLUMNS": "200"})
    assert reported.output == f"{done.output}Picture: {output / 'report.svg'}\n"
    assert "CP.MP.126@2025-04: 9 orders as of 2026-03-02" in (output / "report.svg").read_text(encoding="utf-8")


def test_the_output_has_ids_only_if_they_are_asked_for(export: Path, tmp_path: Path) -> None:
    ids = set()
    for name, options in (("hidden", ()), ("shown", ("--with-ids",))):
        run("--order", "27279", "--input", export, "--output", tmp_path / name, *options)
        ids.add(frozenset(row["patient"] for row in rows_in(tmp_path / name / "rows")))
    hidden, shown = sorted(ids, key=lambda each: "sij-rich-chart" in each)
    assert "sij-rich-chart" in shown
    assert all(len(each) == 64 for each in hidden)


def test_an_order_may_be_a_file_and_needs_no_subject(export: Path, tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    code = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27279"}]}
    order.write_text(json.dumps({"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "code": code}))
    done = run("--order", order, "--input", export, "--output", tmp_path / "out")
    assert "order.json (" in done.output
    assert {row["code"] for row in rows_in(tmp_path / "out" / "rows") if not row["failure"]} == {"27279"}


def test_orders_of_a_file_are_those_of_their_patients_and_a_faulty_row_is_named(export: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("patient,code\nsij-rich-chart,27279\nnobody,27279\n,27279\n", encoding="utf-8")
    done = run("--orders", orders, "--input", export, "--output", tmp_path / "out")
    assert "orders of a file, as of 2026-03-02T12:00-05:00: 2 orders of 2 patients" in done.output
    assert "1 order not judged: the export has no Patient resource for this patient" in done.output
    assert "1 line could not be used:\n  orders.csv:4: a row needs a patient and a code" in done.output


def test_a_run_that_is_resumed_does_not_do_again_what_is_done(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []

    def half(work, buckets, done):
        asked.append(list(buckets))
        judge_here(work, buckets[: len(buckets) // 2], done)
        return dict.fromkeys(buckets[len(buckets) // 2 :], "KilledWorker")

    options = ("--order", "27279", "--input", export, "--output", tmp_path / "out")
    monkeypatch.setattr(population_run, "on_this_machine", lambda _workers: half)
    failed = run(*options)
    assert failed.exit_code == 1
    assert "8 of 16 buckets failed (KilledWorker). The others are done; --resume does the failed ones again." in (
        failed.output
    )
    kept = sorted(path.name for path in (tmp_path / "out" / "charts").glob("bucket-*"))
    assert kept == [f"bucket-{number:04d}" for number in range(8, 16)]
    report = CliRunner().invoke(main, ["population", "report", str(tmp_path / "out")], env={"COLUMNS": "200"})
    assert "The run is not finished: 8 of 16 buckets are left." in report.output
    monkeypatch.setattr(population_run, "on_this_machine", lambda _workers: judge_here)
    assert "Add --resume" in run(*options).output
    assert "holds another run: --order differs" in run(*options, "--order", "27280", "--resume").output
    done = run(*options, "--resume")
    assert asked == [list(range(16))]
    assert "9 orders of 9 patients" in done.output
    assert run(*options, "--resume").output == done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Give one of --order and --orders."),
        (("--order", "27279", "--workers", "2", "--scheduler", "tcp://localhost:1"), "--workers and --scheduler"),
        (("--order", "27279", "--scheduler", "http://localhost:8786"), "tcp://host:8786 or tls://host:8786"),
        (("--order", "27279", "--scheduler", "tcp://localhost"), "tcp://host:8786 or tls://host:8786"),
    ],
)
def test_contradictory_options_are_a_wrong_command_line(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run(*arguments, "--input", tmp_path, "--output", tmp_path / "out")
    assert (done.exit_code, says in done.output) == (2, True)


def test_what_cannot_be_used_is_said_in_one_sentence(export: Path, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "patient.json").write_text('{"resourceType": "Patient"}', encoding="utf-8")
    for arguments, says in (
        (("--order", "99999", "--input", export), "99999"),
        (("--order", tmp_path / "list.json", "--input", export), "holds no order"),
        (("--order", tmp_path / "patient.json", "--input", export), "holds no order"),
        (("--order", tmp_path / "other.json", "--input", export), "There is no file"),
        (("--orders", export / "Condition.ndjson", "--input", export), "would be read as charts"),
        (("--order", "27279", "--input", tmp_path), "There is no file of a bulk export in"),
        (("--order", "27279", "--input", export, "--compare", "CP.MP.126@1999-01"), "CP.MP.126@1999-01"),
    ):
        done = run(*arguments, "--output", tmp_path / "out")
        assert (done.exit_code, says in done.output) == (1, True), done.output
    assert not (tmp_path / "out").exists()


def test_a_report_on_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["population", "report", str(tmp_path)])
    assert (done.exit_code, "There is no run in" in done.output) == (1, True)


def test_without_the_extra_the_command_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "find_spec", lambda _name: None)
    done = run("--order", "27279", "--input", tmp_path, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "pip install 'cds-coverage-policies[population]'" in done.output


def command(*arguments: object) -> "subprocess.Popen[str]":
    program = "import sys; from cds_service.cli.main import main; main(sys.argv[1:])"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, *WANTED, *map(str, arguments)],
        env={**os.environ, "CDS_PSEUDONYM_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until_rows(folder: Path, count: int, process: "subprocess.Popen[str]") -> None:
    """Wait until so many buckets are done."""
    for _ in range(3_000):
        if len(list(folder.glob("rows-*.parquet"))) >= count:
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    pytest.fail("the buckets are not done")


def judging_processes(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The workers of a run, which are the processes of it that have read the policies."""
    return [each for each in psutil.Process(process.pid).children() if "spawn_main" in " ".join(each.cmdline())]


@pytest.mark.process
@pytest.mark.slow
def test_killed_workers_and_a_killed_run_change_no_row(tmp_path: Path) -> None:
    export, output = tmp_path / "export", tmp_path / "out"
    patients = write_export(export, sample_charts(), COPIES)
    options = ("--order", "27279", "--input", export)
    running = command(*options, "--output", output, "--workers", 2)
    until_rows(output / "rows", 2, running)
    judging_processes(running)[0].kill()
    until_rows(output / "rows", 5, running)
    for each in [*judging_processes(running), psutil.Process(running.pid)]:
        each.kill()
    running.communicate()
    kept = {path: path.stat().st_mtime_ns for path in (output / "rows").glob("rows-*.parquet")}
    assert 5 <= len(kept) < 16
    resumed = command(*options, "--output", output, "--workers", 2, "--resume")
    said, _ = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, said
    assert all(path.stat().st_mtime_ns == time_then for path, time_then in kept.items())
    assert not (output / "charts").exists()
    alone = run(*options, "--output", tmp_path / "alone")
    assert alone.exit_code == 0, alone.output
    rows = rows_in(output / "rows")
    assert len({row["patient"] for row in rows}) >= patients
    assert rows == rows_in(tmp_path / "alone" / "rows")


def test_a_scheduler_that_does_not_answer_is_said_in_one_sentence(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_TIMEOUT", "200ms")
    done = run("--order", "27279", "--input", export, "--output", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    assert done.exit_code == 1
    assert "tcp://127.0.0.1:1" in done.output
    assert "Traceback" not in done.output


def test_processes_start_deaf_to_ctrl_c_and_this_one_hears_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []

    def starting(**_options: object) -> None:
        heard.append(signal.getsignal(signal.SIGINT))
        raise ConnectionError

    monkeypatch.setattr(cluster, "LocalCluster", starting)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ConnectionError):
        cluster.on_this_machine(1)(None, [], None)  # type: ignore[arg-type]
    assert (heard, signal.getsignal(signal.SIGINT)) == ([signal.SIG_IGN], before)


def test_a_full_disk_is_said_with_what_to_do(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(work, buckets, done):
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(population_run, "on_this_machine", lambda _workers: full)
    done = run("--order", "27279", "--input", export, "--output", tmp_path / "out")
    assert f"The disk of {tmp_path / 'out'} is full. Make room, and add --resume." in done.output


def test_a_scheduler_with_tls_needs_certificates(export: Path, tmp_path: Path) -> None:
    done = run("--order", "27279", "--input", export, "--output", tmp_path / "out", "--scheduler", "tls://127.0.0.1:1")
    assert (done.exit_code, "tls://127.0.0.1:1 needs certificates." in done.output) == (1, True), done.output
