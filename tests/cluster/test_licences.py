"""The chain of licences: known, stated, missing, forbidding, and taken on by somebody."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.journal import Journal
from cluster.licence_settings import LicenceSettings
from cluster.licences import chain_of, check_licences, links_of, note_override, unstated
from cluster.store import Store
from generation.errors import UserError
from generation.licences import terms_of
from generation.records import rows_table
from tests.cluster.cases import LABELS, RUN_ID, add_verdicts, begin_round, config

EMBEDDED = {"seeds": "not stated", "generator": "Apache-2.0", "encoder": "Apache-2.0"}


def told(settings: dict[str, Any], **stated: str) -> dict[str, str]:
    return {link.part: link.told for link in links_of(settings, LicenceSettings(**stated))}


def problems(settings: dict[str, Any], **stated: str) -> dict[str, str | None]:
    links = links_of(settings, LicenceSettings(**stated))
    return {link.part: link.problem for link in links if link.problem}


def make(store: Store, **settings: Any) -> Store:
    store.write_json("run.json", {"run_id": RUN_ID, "name": "mood", "labels": LABELS, "config": settings})
    return store


def test_the_embedded_models_need_nothing() -> None:
    assert told({}) == told(config().model_dump(mode="json")) == EMBEDDED
    assert problems({}) == {} and unstated(config()) == []
    assert told({}, seeds="CC-BY-4.0", generator="MIT") == {
        "seeds": "CC-BY-4.0 (name the authors)",
        "generator": "MIT",
        "encoder": "Apache-2.0",
    }


@pytest.mark.parametrize(
    ("settings", "stated", "expected"),
    [
        ({"model": "m"}, {}, {"generator": "is not stated"}),
        ({"model": "m"}, {"generator": "mit"}, {}),
        ({"model": "m"}, {"generator": "ours"}, {"generator": "'ours' is not known here"}),
        (
            {"model": "m"},
            {"generator": "llama2"},
            {"generator": "'llama2': its texts must not improve language models other than Llama"},
        ),
        ({}, {"seeds": "CC-BY-NC-4.0"}, {"seeds": "'CC-BY-NC-4.0': no commercial use"}),
        ({"server": {"url": "http://a/v1", "model": "g"}}, {}, {"generator": "is not stated"}),
        (
            {"server": {"url": "http://a/v1", "model": "g"}},
            {"generator": "openai"},
            {"generator": "'openai': its texts must not train models that compete with the maker's"},
        ),
        ({"generation": {"adapters": {"*": "lora"}}}, {}, {"adapters": "is not stated"}),
        ({"student": {"model": "e"}}, {}, {}),
        ({"student": {"model": "e"}}, {"encoder": "mrl"}, {"encoder": "'mrl': research and no commercial use"}),
    ],
)
def test_what_keeps_an_export_back(settings: dict, stated: dict, expected: dict) -> None:
    assert problems(settings, **stated) == expected


def test_trained_adapters_go_by_their_base() -> None:
    links = links_of({"model": "m", "generation": {"method": "lora"}}, LicenceSettings(generator="gemma"))
    assert [(link.part, link.what) for link in links][1:3] == [
        ("generator", "m"),
        ("generator", "adapters trained on the seeds, of m"),
    ]
    assert {link.licence for link in links[1:3]} == {"gemma"}


def test_rows_that_a_feed_brought_are_in_the_chain_once_they_are_kept(store: Store) -> None:
    make(store)
    begin_round(store, {"pos": 1})
    store.commit(0, "generated", "f", rows_table([{"id": "p0", "request_id": "p0", "source": "pool"}]), RUN_ID)
    held = {"id": "p0", "revision": 0, "label": "pos", "status": "held", "weight": 0.0}
    add_verdicts(store, [held])
    assert [link.part for link in chain_of(store)] == ["seeds", "generator", "encoder"]
    add_verdicts(store, [held | {"revision": 1, "status": "accepted"}], "again")
    assert [link.part for link in chain_of(store)] == ["seeds", "pool", "generator", "encoder"]
    Journal(store.root, print).note("licences", **LicenceSettings(pool="CC-BY-NC-4.0").model_dump())
    with pytest.raises(UserError, match=r"licences.pool: of unlabelled texts 'CC-BY-NC-4.0': no commercial use"):
        check_licences(store)


def test_names_in_any_case_and_form() -> None:
    assert terms_of(" Apache-2.0 ") == terms_of("MIT")
    assert terms_of("GPL-3.0-or-later") == terms_of("gpl-3.0")
    assert terms_of("LicenseRef-x") is None


def test_a_warning_of_what_will_be_asked_for() -> None:
    assert unstated(config(model="m")) == [
        "licences.generator: of m is not stated; `labelmill export` asks for it",
    ]


def test_a_licence_may_be_stated_later(store: Store) -> None:
    make(store, model="m")
    Journal(store.root, print).note("licences", **LicenceSettings(generator="mit").model_dump())
    assert [link.licence for link in chain_of(store)] == [None, "mit", "Apache-2.0"]
    assert check_licences(store)[1] == ()


def test_an_override_is_recorded_and_holds_for_these_terms_only(store: Store) -> None:
    make(store, model="m", licences={"generator": "llama2"})
    with pytest.raises(UserError, match=r"licences.generator: of m 'llama2': its texts must not improve"):
        check_licences(store)
    with pytest.raises(UserError, match=r'--accept-licence: must say "who: why"; got \'ann\''):
        check_licences(store, "ann")
    links, overrides = check_licences(store, "ann: counsel says so")
    assert [(each.who, each.why, each.terms) for each in overrides] == [
        ("ann", "counsel says so", {"generator": "llama2"})
    ]
    assert not Journal(store.root, print).events("licence")
    note_override(store, "ann: counsel says so")
    assert check_licences(store) == (links, overrides)
    Journal(store.root, print).note("licences", generator="openai")
    with pytest.raises(UserError, match="'openai'"):
        check_licences(store)
