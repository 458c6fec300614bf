"""scripts/hostile_load: what the service does wrong is noticed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from hostile_load.connections import Answer, Connection, chunked, request
from hostile_load.load import Played, named_scenes, play_one, program
from hostile_load.run import Found, faults_of_figures
from hostile_load.truth import Truth, WrongAnswerError, check_refusal

import npbert

TEXTS = ["I love this film.", "I want my two hours back."]
REFUSAL = {"error": "the body is no JSON", "error_type": "Validation"}


def answer_of(value: object, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(value).encode())


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(TEXTS, seed=0)


def test_the_answers_of_classify_are_right(truth: Truth) -> None:
    rows = npbert.classify(TEXTS, model="mini", top_k=None)
    truth.check(answer_of(rows[0]), TEXTS[0])
    truth.check(answer_of(rows), *TEXTS)


def test_other_answers_are_wrong(truth: Truth) -> None:
    first, last = npbert.classify(TEXTS, model="mini", top_k=None)
    changed = [{**first[0], "score": first[0]["score"] - 1e-4}, first[1]]
    for answer in (
        None,
        answer_of(first, status=500),
        answer_of(last),
        answer_of(first[::-1]),
        answer_of(changed),
    ):
        with pytest.raises(WrongAnswerError):
            truth.check(answer, TEXTS[0])
    with pytest.raises(WrongAnswerError):
        truth.check(answer_of([last, first]), *TEXTS)


def test_refusals() -> None:
    check_refusal(answer_of(REFUSAL, 400), (400, 422))
    for answer in (
        None,
        answer_of(REFUSAL, 200),
        answer_of(REFUSAL, 500),
        answer_of({"detail": "no"}, 400),
        answer_of({**REFUSAL, "error": "\x1b[2J"}, 400),
        answer_of({**REFUSAL, "error": "x" * 1001}, 400),
    ):
        with pytest.raises(WrongAnswerError):
            check_refusal(answer, (400, 422))


def test_a_wrong_answer_is_a_fault(truth: Truth) -> None:
    async def scene(_: Connection, truth: Truth) -> None:
        truth.check(None, TEXTS[0])

    played = Played()
    asyncio.run(play_one("one text", scene, Connection(0), truth, played))
    assert played.faults == [f"one text: WrongAnswerError the end in answer to {(TEXTS[0],)}"]
    assert played.scenes.total() == 1


def test_one_in_ten_is_wrong_and_each_in_its_turn() -> None:
    names = [name for name, _ in program(10 * len(named_scenes()), seed=0)]
    assert sorted(names[::10]) == sorted(named_scenes())
    assert not named_scenes().keys() & {*names} - {*names[::10]}


def test_figures_that_are_too_large() -> None:
    good = Found(Played(), 1.0, [3.0, 90.0], [100, 200, 210, 215], [])
    assert [*faults_of_figures(good)] == []
    assert [*faults_of_figures(replace(good, memory_mib=[]))] == []
    good.health_ms.append(1500)
    good.memory_mib.append(262)
    assert [*faults_of_figures(good)] == [
        "/health took up to 1500 ms",
        "the memory grew by 52 MiB in the second half",
    ]


def test_the_bytes_of_a_request() -> None:
    assert request(b"{}", headers=("X: 1",)) == (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert b"Content-Length" not in request(headers=("Transfer-Encoding: chunked",))
    assert chunked(b"abc", b"d") == b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
    assert chunked(b"abcdefgh", ends=False) == b"8\r\nabcd"
