"""Who joins, who goes, and what an engine that cannot start means, without Ray: starts end when the test says so."""

from __future__ import annotations

import pytest

from cluster.dispatch import Dispatcher
from cluster.fleet import Fleet
from cluster.member import Member
from cluster.messages import EngineName, Ready
from cluster.scaling import IDLE_SECONDS
from cluster.store import RequestRef
from generation.errors import UserError
from tests.cluster.fakes import SPEC


class HandEngine:
    """Notes whether it was killed."""

    def __init__(self) -> None:
        self.killed = False

    def kill(self) -> None:
        self.killed = True


class HandLauncher:
    """Starts by number; `broken` ones cannot."""

    def __init__(self) -> None:
        self.starting: dict[int, Member] = {}
        self.broken: set[int] = set()
        self.begun: list[int] = []

    def begin(self, number: int) -> None:
        name = EngineName(1, number, self.begun.count(number))
        self.begun.append(number)
        self.starting[len(self.begun)] = Member(name, HandEngine())  # type: ignore[arg-type]

    def finish(self, waiting: int) -> tuple[Member, Ready]:
        member = self.starting.pop(waiting)
        if len(self.begun) in self.broken:
            raise UserError("model: too large")
        member.node = f"node {member.name.engine}"
        return member, Ready(member.name, [], "hash", 0.0, member.node)

    def stop(self) -> None:
        self.starting.clear()


class Scene:
    """A fleet of one engine, two at most, that is up."""

    def __init__(self) -> None:
        self.launcher, self.dispatcher, self.log = HandLauncher(), Dispatcher(8), list[str]()
        self.fleet = Fleet(SPEC, 1, 2, self.launcher, self.dispatcher, self.log.append, lambda up: None)  # type: ignore[arg-type]
        self.fleet.begin_start()
        self.join()

    def join(self) -> None:
        self.fleet.join(self.fleet.starting)

    def names(self) -> list[str]:
        return [str(name) for name in self.fleet.members]

    def give(self, count: int) -> list[RequestRef]:
        """Requests for the first engine, which takes what it has room for."""
        self.dispatcher.begin([RequestRef(f"r{number}", "plan", number, 1, 10, "p") for number in range(count)])
        return self.dispatcher.take(next(iter(self.fleet.members)))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_one_more_joins_while_much_waits_and_goes_when_it_idles(scene: Scene) -> None:
    scene.give(100)
    scene.fleet.scale()
    scene.fleet.scale()  # one at a time
    assert scene.launcher.begun == [0, 1]
    scene.join()
    assert scene.names() == ["d0001-e000-i000", "d0001-e001-i000"]
    scene.give(0)
    second = scene.fleet.members[EngineName(1, 1, 0)]
    second.busy_at -= IDLE_SECONDS
    second.produced = 7
    scene.fleet.scale()
    assert scene.names() == ["d0001-e000-i000"]
    assert second.engine.killed  # type: ignore[attr-defined]
    assert scene.fleet.produced == 7
    assert scene.log == ["engine d0001-e001-i000 has nothing to do and is ended"]


def test_one_more_that_cannot_start_is_left_out(scene: Scene) -> None:
    scene.launcher.broken = {2}
    scene.give(100)
    scene.fleet.scale()
    scene.join()
    scene.fleet.scale()
    assert scene.launcher.begun == [0, 1]  # nor is it tried again
    assert scene.log == ["model: too large; going on with 1 engine(s)"]


def test_an_engine_with_notice_finishes_while_another_starts(scene: Scene) -> None:
    (given, *_) = scene.give(1)
    scene.fleet.retire_on(frozenset(["node 0"]))
    scene.fleet.retire_on(frozenset(["node 0"]))
    scene.join()
    assert scene.names() == ["d0001-e000-i000", "d0001-e000-i001"]
    scene.fleet.let_go()
    assert len(scene.names()) == 2
    scene.dispatcher.finished(EngineName(1, 0, 0), [given.request_id], 0)
    scene.fleet.let_go()
    assert scene.names() == ["d0001-e000-i001"]


def test_without_a_successor_the_run_ends(scene: Scene) -> None:
    """An engine that is about to go does not count as one that the others go on with."""
    scene.launcher.broken = {2}
    scene.fleet.retire_on(frozenset(["node 0"]))
    with pytest.raises(UserError, match=r"^model: too large$"):
        scene.join()


def test_an_engine_is_hung_only_while_it_has_work(scene: Scene) -> None:
    fleet = scene.fleet
    (member,) = fleet.members.values()
    member.moved_at -= SPEC.hang_seconds + 1
    assert fleet.hung() == []
    scene.give(1)
    member.moved_at -= SPEC.hang_seconds + 1
    assert fleet.hung() == [member]
