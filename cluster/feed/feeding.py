"""`labelmill feed`: score a pool, pick rows of it, label them, and let the sure ones join the run.

Every step first looks at what is committed in `feeds/NNN/` and does only the rest, so that running again is resuming.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.feed.asking import Ask, ask_lm, choice_spec
from cluster.feed.drift import MOST, SAMPLE, drift_of
from cluster.feed.joined import Joined
from cluster.feed.joining import decide_picks, looks_for_all
from cluster.feed.known import Known, make_lens, what_is_known
from cluster.feed.lens import Lens
from cluster.feed.opinions import OPINIONS, Opinions, asked_about, gathered, likeliest
from cluster.feed.picks import PICKS, choose, listed_texts, pick_id
from cluster.feed.pool import Pool, Wish, open_pool
from cluster.feed.record import (
    FOR_PEOPLE,
    OUT_OF_SCOPE,
    WAITS,
    fed_rows,
    folder_of,
    read_table,
    write_table,
)
from cluster.feed.scoring import OPEN, Scoring, read_lens, read_scored, score_pool
from cluster.feed.settings import FeedSettings
from cluster.feed.shortlist import Shortlist, shortlist
from cluster.job import Job
from cluster.rounds import fed_round
from cluster.store import Store
from denoise.noise.agreement import WRONG
from denoise.picking import RANDOM
from denoise.redact import redact
from denoise.shift import Batch
from generation.kinds.pair import text_columns
from generation.location import Location, address_of
from generation.models import model_hash
from training.folders import local_folder

Told = Callable[[str], None]


class Feed:
    """One pool on its way into a run; `score` scores it and `ask` makes of a spec what asks the LM."""

    def __init__(
        self,
        job: Job,
        store: Store,
        wish: Wish,
        number: int,
        digest: str,
        student: int,
        told: Told,
        score: Callable[[Scoring, int], list[str]] = score_pool,
        ask: Callable[[object], Ask] = ask_lm,
    ) -> None:
        self.job, self.store, self.wish, self.number, self.told = job, store, wish, number, told
        self._score, self._ask = score, ask
        self.folder, self.digest = folder_of(number), digest
        self._joined = Joined(store, number, job.run_id, job.kind)
        self.plan = self._begun(student)
        self.settings = FeedSettings.model_validate(self.plan["settings"])

    def run(self) -> dict[str, Any]:
        """All steps that are left."""
        columns = text_columns(self.job.kind.name, self.plan["text"])
        source = self.plan.get("source", self.wish.source)
        pool = open_pool(self.wish.files, columns, source, self.digest, self.store, self.folder, self._clean)
        lens = self._lens()
        listed = self._listed(pool)
        picks = self._picks(pool, listed)
        drift = self._drift(pool, listed, lens)
        opinions = self._opinions(picks, lens)
        self._join(picks, opinions, lens)
        return self._finish(pool, listed, picks, drift)

    # what it begins with

    def _begun(self, student: int) -> dict[str, Any]:
        name = f"{self.folder}/plan.json"
        if (plan := self.store.read_json(name)) is None:
            plan = {
                "pool": self.digest,
                "files": [str(file) for file in self.wish.files],
                "text": self.wish.text,
                "source": self.wish.source,
                "student": student,
                "student_hash": model_hash(local_folder(self.store.folder(student, "student"))),
                "settings": self.job.config.feed.model_dump(mode="json"),
                "began": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            self.store.write_json(name, plan)
        return plan

    @functools.cached_property
    def _known(self) -> Known:
        return what_is_known(self.job, self.store)

    @property
    def _student_folder(self) -> Location:
        return self.store.folder(self.plan["student"], "student")

    @functools.cached_property
    def _student(self) -> Any:
        from training.predict import Student

        return Student.load(local_folder(self._student_folder))

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return self._encoder.embed(texts)

    @functools.cached_property
    def _encoder(self) -> Any:
        from training.encoder import Encoder

        return Encoder.load(self.job.encoder_folder, self.job.config.student.max_length)

    def _lens(self) -> Lens:
        place = self.store.root / self.folder / "lens.npz"
        if not place.is_file():
            made = make_lens(self.job, self._known, self._embed, self.settings.scope_loss)
            real = pa.Table.from_pylist([{"text": text} for text, _ in self._known.real], SAMPLE)
            write_table(self.store, f"{self.folder}/known.parquet", real)
            self.store.write_bytes(f"{self.folder}/lens.npz", made.to_bytes())
        return read_lens(place)

    @functools.cached_property
    def _real(self) -> list[str]:
        """Texts of the real rows that the lens was made from, in its order."""
        return self._stored("known.parquet", SAMPLE)["text"].to_pylist()

    # scored and picked

    def _listed(self, pool: Pool) -> Shortlist:
        asked = Scoring(
            student=address_of(self._student_folder),
            encoder=str(self.job.encoder_folder),
            lens=address_of(self.store.root / self.folder / "lens.npz"),
            target=address_of(self.store.root / self.folder / "scored"),
            pool=pool,
            seed=int(self.digest[:12], 16) + self.number,
            max_length=self.job.config.student.max_length,
        )
        self.told(f"scoring {pool.rows} rows of {len(pool.pieces)} parts")
        parts = self._score(asked, self.wish.workers)
        return shortlist((read_scored(self.store, part) for part in parts), max(self.settings.take, MOST))

    def _picks(self, pool: Pool, listed: Shortlist) -> pa.Table:
        name = f"{self.folder}/picks.parquet"
        if (picks := read_table(self.store, name, PICKS)) is not None:
            return picks
        texts, near = self._texts(pool, listed.rows), self.job.config.denoise.near_duplicate
        known, test, gone = self._known.all, self._known.test, self._forgotten
        taken = choose(listed, texts, pool, self.settings, known, test, near, self._embed, gone)
        self.store.write_json(
            f"{self.folder}/left_out.json", {"near_known": taken.near_known, "near_test": taken.near_test}
        )
        write_table(self.store, name, taken.rows)
        return taken.rows

    def _texts(self, pool: Pool, rows: pa.Table) -> list[str]:
        return [self._clean(text) for text in listed_texts(pool, rows)]

    def _clean(self, text: str) -> str:
        """As the run keeps it: without personal data where the task asks for that."""
        return redact(text)[0] if self.job.config.denoise.redact else text

    @property
    def _forgotten(self) -> set[str]:
        """Ids of rows that were erased: their texts may still stand in the pool, and do not come back."""
        return {each["id"] for each in self.store.forgotten()}

    def _drift(self, pool: Pool, listed: Shortlist, lens: Lens) -> dict[str, Any]:
        name = f"{self.folder}/drift.json"
        if (found := self.store.read_json(name)) is None:
            drawn = listed.rows.take(pc.sort_indices(listed.rows["key"])).slice(0, MOST)
            gone = self._forgotten
            sample = [text for text in self._texts(pool, drawn) if pick_id(text) not in gone]
            write_table(self.store, f"{self.folder}/sample.parquet", pa.table({"text": sample}, SAMPLE))
            found = drift_of(self.store, self.number, sample, self._real, functools.partial(self._look, lens))
            self.store.write_json(name, found)
        return found

    def _look(self, lens: Lens, texts: Sequence[str]) -> Batch:
        vectors = self._embed(texts)
        return Batch(self._student.predict(texts)[0], vectors, lens.fence.outside(vectors))

    # labelled

    def _opinions(self, picks: pa.Table, lens: Lens) -> Opinions:
        name, labels = f"{self.folder}/opinions.parquet", len(self.job.task.label_names)
        if (table := read_table(self.store, name, OPINIONS)) is None:
            table = self._asked(picks, lens).table()
            write_table(self.store, name, table)
        return Opinions.of(table, labels)

    def _asked(self, picks: pa.Table, lens: Lens) -> Opinions:
        texts = picks["text"].to_pylist()
        student, plain = self._student.probabilities(texts), lens.views(self._embed(texts)).plain
        spec: Any = choice_spec(self.job, self.settings)
        places, logprobs = np.zeros(0, np.int64), None
        if spec is not None and texts:
            known, names = self._real, self.job.task.label_names
            of_known = likeliest(lens.left_out, names, self.settings.choices)
            places = asked_about(lens, known, of_known, spec.shown, names)
            among = [*likeliest(student, names, self.settings.choices), *(of_known[place] for place in places)]
            self.told(f"asking the LM about {len(texts)} rows in {self.settings.ways} ways")
            logprobs = self._ask(spec)([*texts, *(known[place] for place in places)], among)
        told = dict(zip(picks["id"].to_pylist(), texts, strict=True))
        return gathered(told, student, plain, lens, places, logprobs, self.job.task.label_names)

    # joined

    def _join(self, picks: pa.Table, opinions: Opinions, lens: Lens) -> None:
        """Commit rows and verdicts of the picks, and verdicts on rows that have waited, as far as they may join now."""
        if self._joined.round() is not None:
            return
        waiting = self._joined.waiting()
        texts, ids, names = waiting["text"].to_pylist(), waiting["id"].to_pylist(), self.job.task.label_names
        again = self._again(texts, ids, lens)
        decided = decide_picks(
            [*opinions.ids, *ids],
            [np.concatenate(pair) for pair in zip(opinions.each, again, strict=True)],
            opinions.calibration,
            np.concatenate([picks["scope"].to_numpy() > 0, lens.fence.outside(self._embed(texts))]),
            names,
            self.settings,
            self.settings.people,
            [len(picks) + place for place, reason in enumerate(waiting["reason"].to_pylist()) if reason == FOR_PEOPLE],
        )
        now = fed_round(self.store, names).number
        self._joined.commit_old(waiting, decided[len(picks) :])
        self._joined.commit_new(picks, decided[: len(picks)], now)

    def _again(self, texts: Sequence[str], ids: Sequence[str], lens: Lens) -> tuple[np.ndarray, ...]:
        """What is said of rows that have waited: by today's student, and by the LM as it said it then."""
        labels = len(self.job.task.label_names)
        told = fed_rows(self.store, OPINIONS, "opinions.parquet")
        lm = {row["id"]: row["lm"] for row in told.to_pylist() if row["id"]}
        if not texts:
            return (np.zeros((0, labels)),) * 3
        said = np.array([lm.get(id) or [1 / labels] * labels for id in ids], np.float64)
        return self._student.probabilities(texts), lens.views(self._embed(texts)).plain, said

    # told

    def _finish(self, pool: Pool, listed: Shortlist, picks: pa.Table, drift: dict[str, Any]) -> dict[str, Any]:
        """The summary is written last: with it the feed is finished."""
        round_ = self._joined.round()
        assert round_ is not None
        verdicts = self._joined.verdicts(round_).to_pylist()
        moved = [self._joined.verdicts(number, "-again")["status"] for number in self.store.rounds()]
        again = Counter(status for each in moved for status in each.to_pylist())
        counts = Counter(each["reason"] or "joined" for each in verdicts)
        wrong = {each["id"]: dict(each["scores"])[WRONG] for each in verdicts if each["reason"] != OUT_OF_SCOPE}
        joined = [wrong[each["id"]] for each in verdicts if each["status"] == "accepted"]
        drawn = picks.filter(pc.equal(picks["why"], RANDOM))
        opinions = Opinions.of(self._stored("opinions.parquet", OPINIONS), len(self.job.task.label_names))
        summary = {
            "feed": self.number,
            "round": round_,
            "student": self.plan["student"],
            "rows": pool.rows,
            "states": dict(listed.counts()),
            **(self.store.read_json(f"{self.folder}/left_out.json") or {}),
            "out_of_scope_share": listed.outside / max(1, listed.states[OPEN]),
            "labels": dict(sorted(listed.labels.items())),
            "picked": dict(Counter(picks["why"].to_pylist())),
            "inclusion": drawn["inclusion"][0].as_py() if len(drawn) else None,
            "joined": counts["joined"],
            "for_people": counts[FOR_PEOPLE],
            "waiting": counts[WAITS],
            "out_of_scope": counts[OUT_OF_SCOPE],
            "joined_from_earlier": again["accepted"],
            "for_people_from_earlier": again["held"],
            "expected_wrong": float(np.mean(joined)) if joined else None,
            "looks_for_all": looks_for_all(list(wrong.values()), self.settings.noise),
            "trust": list(opinions.calibration.trust),
            "drift": drift,
        }
        self.store.remove(f"{self.folder}/input")  # the pool stays with its owner
        self.store.write_json(f"{self.folder}/summary.json", summary)
        return summary

    def _stored(self, name: str, schema: pa.Schema) -> pa.Table:
        found = read_table(self.store, f"{self.folder}/{name}", schema)
        assert found is not None
        return found
