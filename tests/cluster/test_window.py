"""Requests by prompt: what an engine is given first, and how much is looked ahead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.messages import EngineName
from cluster.store import RequestRef
from cluster.window import CLAIM, RUN, Window

ONE, TWO = EngineName(1, 0, 0), EngineName(1, 1, 0)


def request(prompt: str, number: int) -> RequestRef:
    return RequestRef(f"{prompt}{number}", "plan", number, 4, 10, prompt)


def draw(window: Window, engine: EngineName, count: int) -> list[str]:
    drawn = (window.draw(engine) for _ in range(count))
    return [each.request_id for each in drawn if each is not None]


def test_prompts_come_in_runs_and_each_request_once() -> None:
    plan = [request(prompt, number) for number in range(RUN + 2) for prompt in "ab"]
    names = draw(Window(plan), ONE, 100)
    assert names[: RUN + 1] == [*(f"a{number}" for number in range(RUN)), f"a{RUN}"]
    assert sorted(names) == sorted(each.request_id for each in plan)


def test_prompts_that_an_engine_has_take_turns() -> None:
    plan = [request(prompt, number) for number in range(2 * RUN) for prompt in "ab"]
    window = Window(plan)
    assert draw(window, ONE, 2 * RUN) == [f"a{number}" for number in range(2 * RUN)]  # b is nobody's yet
    assert draw(window, TWO, 1) == ["b0"]


def test_an_engine_keeps_its_prompts() -> None:
    first = [request(prompt, 0) for prompt in "abcd"]
    second = [request(prompt, 1) for prompt in "badc"]
    window = Window(first + second, size=4 * 4)
    assert [draw(window, engine, 1) for engine in (ONE, TWO, ONE, TWO)] == [["a0"], ["b0"], ["a1"], ["b1"]]
    assert draw(window, ONE, 1) == ["c0"]
    assert draw(window, ONE, 1) == ["c1"]
    assert draw(window, TWO, 9) == ["d0", "d1"]


def test_an_engine_without_prompts_takes_from_the_busiest() -> None:
    plan = [request("a", number) for number in range(CLAIM + 1)]
    window = Window(plan)
    assert draw(window, ONE, 1) == ["a0"]
    assert draw(window, TWO, 1) == [f"a{CLAIM}"]  # what ONE had not claimed
    assert draw(window, TWO, 1) == ["a1"]  # and then what ONE had
    assert len(draw(window, TWO, 2 * CLAIM) + draw(window, ONE, 2 * CLAIM)) == CLAIM + 1 - 3


def test_what_does_not_fit_stays_first() -> None:
    window = Window([request("a", 0), request("a", 1)])
    assert window.draw(ONE, lambda each: False) is None
    assert draw(window, ONE, 3) == ["a0", "a1"]


def test_what_is_put_back_comes_first_in_its_order() -> None:
    window = Window([request("a", number) for number in range(4)])
    lost = [window.draw(ONE), window.draw(ONE)]
    window.forget(ONE)
    window.put_back([each for each in lost if each is not None])
    assert draw(window, TWO, 9) == ["a0", "a1", "a2", "a3"]


def test_no_more_is_read_than_is_looked_ahead() -> None:
    read = 0

    def stream() -> Iterator[RequestRef]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield request("abc"[number % 3], number)

    window = Window(stream(), size=16 * 4)
    assert read == 0
    assert len(draw(window, ONE, 5)) == 5
    assert read == 16 + 4  # looked ahead once more with each draw but the first


def test_after_a_pause_nothing_more_is_read_before_all_is_drawn() -> None:
    stream = iter([request("a", 0), request("a", 1), None, None, request("a", 2)])
    window = Window(stream)
    assert draw(window, ONE, 1) == ["a0"]
    assert not window.awaits
    assert draw(window, ONE, 1) == ["a1"]
    assert draw(window, ONE, 1) == []  # the second None
    assert window.awaits
    assert draw(window, ONE, 2) == ["a2"]
    assert not window.awaits  # the stream has ended


def adapted(adapter: str, prompt: str, number: int) -> RequestRef:
    return RequestRef(f"{adapter}{prompt}{number}", "plan", number, 4, 10, prompt, adapter)


def mixed(adapters: str, prompts: str, each: int) -> list[RequestRef]:
    """Adapters and prompts take turns, as labels do in a plan."""
    return [adapted(adapter, prompt, number) for number in range(each) for adapter in adapters for prompt in prompts]


def loads(names: list[str], room: int) -> str:
    """The adapters that an engine with room for so many would load, in order."""
    loaded, held = "", list[str]()
    for adapter in (name[0] for name in names):
        if adapter not in held:
            loaded += adapter
        held = [*(each for each in held if each != adapter), adapter][-room:]
    return loaded


def test_one_prompt_with_two_adapters_is_two_prefixes() -> None:
    window = Window(mixed("AB", "p", 4), max_adapters=2)
    assert draw(window, ONE, 9) == ["Ap0", "Ap1", "Ap2", "Ap3", "Bp0", "Bp1", "Bp2", "Bp3"]


def test_engines_take_adapters_that_no_other_has() -> None:
    window = Window(mixed("ABCD", "pq", 4), max_adapters=2)
    first, second = draw(window, ONE, 8), draw(window, TWO, 8)
    assert (loads(first, 2), loads(second, 2)) == ("AB", "CD")


@pytest.mark.parametrize(
    ("adapters", "room", "loaded"),
    [("AB", 2, "AB"), ("AB", 1, "AB"), ("ABC", 2, "ABC"), ("ABC", 1, "ABCAB"), ("ABCDE", 2, "ABCDEABCDE")],
)
def test_an_engine_stays_with_its_adapters_while_they_have_work(adapters: str, room: int, loaded: str) -> None:
    """Requests of all adapters take turns in the plan; an engine that followed it would load one with each."""
    plan = mixed(adapters, "pqrs", 64)
    names = draw(Window(plan, size=256 * 4, max_adapters=room), ONE, len(plan))
    assert sorted(names) == sorted(each.request_id for each in plan)
    assert loads(names, room) == loaded


def test_the_base_model_takes_no_room() -> None:
    window = Window([adapted("", "p", 0), adapted("A", "p", 0), adapted("B", "p", 0)], max_adapters=1)
    assert sorted(draw(window, ONE, 2)) == ["Ap0", "p0"]
    assert draw(window, ONE, 9) == ["Bp0"]


def test_an_engine_without_work_takes_over_another_adapter() -> None:
    window = Window(mixed("A", "p", CLAIM + 4), max_adapters=1)
    assert draw(window, ONE, 1) == ["Ap0"]
    assert len(draw(window, TWO, 2 * CLAIM)) == CLAIM + 3
    assert draw(window, ONE, 1) == []


def test_adapters_of_an_engine_that_is_gone_are_free() -> None:
    window = Window(mixed("AB", "p", 2), max_adapters=1)
    assert draw(window, ONE, 1) == ["Ap0"]
    window.forget(ONE)
    assert draw(window, TWO, 9) == ["Bp0", "Bp1", "Ap1"]
