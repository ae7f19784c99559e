"""Calls of one process compute one after another, and none waits for long."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cds_service.hooks.turns import Turns

LONG = 30.0


def test_one_call_computes_at_a_time() -> None:
    turns, lock, computing, most = Turns(LONG), threading.Lock(), 0, 0

    def compute(_: int) -> None:
        nonlocal computing, most
        with turns.turn():
            with lock:
                computing += 1
                most = max(most, computing)
            threading.Event().wait(0.002)
            with lock:
                computing -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(compute, range(24)))
    assert most == 1


def test_another_call_computes_while_one_waits() -> None:
    turns = Turns(LONG)
    with turns.turn() as turn, turn.waiting(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_takes_a_turn, turns).result(LONG)


def test_a_call_that_has_waited_computes_in_turn_again() -> None:
    turns = Turns(0.01)
    with turns.turn() as turn, ThreadPoolExecutor(1) as pool:
        with turn.waiting():
            pass
        assert not pool.submit(_takes_a_turn, turns).result(LONG)


def test_a_call_whose_patience_ends_computes_beside_the_others() -> None:
    turns = Turns(0.01)
    with turns.turn(), ThreadPoolExecutor(1) as pool:
        assert not pool.submit(_takes_a_turn, turns).result(LONG)


def test_an_impatient_call_ends_no_turn_of_another() -> None:
    turns = Turns(0.01)
    with ThreadPoolExecutor(1) as pool, turns.turn():
        for _ in range(2):
            assert not pool.submit(_takes_a_turn, turns).result(LONG)


def test_a_call_that_fails_gives_its_turn_back() -> None:
    turns = Turns(0.01)
    with pytest.raises(RuntimeError), turns.turn():
        raise RuntimeError
    assert _takes_a_turn(turns)


def test_a_brief_turn_comes_before_those_of_the_calls_that_wait() -> None:
    turns, order = Turns(LONG), list[str]()
    begun = threading.Semaphore(0)

    def compute(name: str) -> None:
        begun.release()
        with turns.turn():
            order.append(name)
            threading.Event().wait(0.005)

    def write() -> None:
        begun.release()
        with turns.brief_turn():
            order.append("brief")

    with ThreadPoolExecutor(5) as pool:
        with turns.turn():
            calls = [pool.submit(compute, "call") for _ in range(4)]
            calls.append(pool.submit(write))
            for _ in calls:
                begun.acquire()
            threading.Event().wait(0.01)
        for each in calls:
            each.result(LONG)
    assert "brief" in order[:2]  # one call was next already


def test_nobody_computes_beside_a_brief_turn() -> None:
    turns = Turns(0.01)
    with turns.brief_turn(), ThreadPoolExecutor(1) as pool:
        assert not pool.submit(_takes_a_turn, turns).result(LONG)
    assert _takes_a_turn(turns)


def test_a_call_in_its_turn_takes_a_brief_one_at_once_and_keeps_its_own() -> None:
    turns = Turns(0.01)
    with turns.turn(), ThreadPoolExecutor(1) as pool:
        with turns.brief_turn():
            pass
        assert not pool.submit(_takes_a_turn, turns).result(LONG)


def test_a_brief_turn_that_does_not_come_soon_is_done_without() -> None:
    turns = Turns(LONG)

    def write() -> bool:
        with turns.brief_turn():
            return True

    with turns.turn(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(write).result(LONG)
    assert _takes_a_turn(turns)


def _takes_a_turn(turns: Turns) -> bool:
    with turns.turn() as turn:
        return turn.is_taken
