"""Where denoising runs: the steps of a wave, the heavy ones as three Ray Data executions.

The driver walks the order of steps and holds sketches, edges and verdicts; filters and signatures, the comparison
of each band, and the judge run on workers. No result depends on how rows are spread over them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from denoise.datasets import BATCH, as_dataset, collect, quiet, with_shared
from denoise.dedup.compare import compare_band
from denoise.dedup.exact import exact_survivors
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.survivors import survivors
from denoise.dedup.texts import Shingles
from denoise.filters.base import Filter
from denoise.filters.table import build_filters
from denoise.ledger import Ledger
from denoise.meanings import Meanings, compare_meanings
from denoise.noise.agreement import Agreement, agreements, unjudged
from denoise.noise.calibration import ALONE, Evidence, numbers_of
from denoise.noise.decision import decide
from denoise.noise.judging import JudgeLike, Judging, SecondOpinion
from denoise.noise.keeping import leaning, leant, share_kept
from denoise.noise.margin import LikelihoodLike, Margining, compared_labels, with_margin
from denoise.noise.set_agreement import set_agreements
from denoise.noise.soft import label_shares
from denoise.settings import DenoiseSettings
from denoise.sketch import KNOWN_SCHEMA, SKETCH_SCHEMA, know, near_settings, reading_of, sketch
from denoise.spans import Spans, span_opinions
from denoise.steps import build_pool, drop_duplicates, drop_filtered, settle, told
from generation.records import KEPT
from generation.task import Task

BLOCK_ROWS = 2048
_JUDGE_BATCH = 256


def denoise_wave(
    rows: pa.Table,
    task: Task,
    settings: DenoiseSettings,
    load_judge: Callable[[], JudgeLike] | None,
    kept: pa.Table,
    remaining: Mapping[str, int],
    *,
    banned: Sequence[str] = (),
    block_rows: int = BLOCK_ROWS,
    load_likelihood: Callable[[], LikelihoodLike] | None = None,
    sets: Collection[str] | None = None,
    known: pa.Table | None = None,
    meanings: Meanings | None = None,
    second: SecondOpinion | None = None,
    audited: pa.Table | None = None,
    spans: Spans | None = None,
) -> pa.Table:
    """One verdict (VERDICT_SCHEMA, revision 0) on each of `rows` (ROW_SCHEMA), in their order.

    `kept` (`id`, `text`) are the rows accepted earlier: they always stand, and so do those of `known` (KNOWN_SCHEMA),
    whose texts need not be read again. `remaining` is the number of rows still wanted per label, `banned` strings that
    no row may hold. `load_judge` runs once on a worker (such as `partial(Judge.load, folder)`), and so does
    `load_likelihood` where the settings ask for label margins; without a judge rows keep the labels they were made
    for. `sets` are the sets of labels that rows are made for, joined, where rows have several: then the judge tells of
    each label by itself; `second` has a say on other rows' shares of labels, and on what happens to them where the
    settings state a noise to aim at. `audited` (`text`, `intended`, `label`) are rows whose labels people have settled:
    they move how far the opinions are trusted. `meanings` are used where the settings ask for semantic duplicates,
    `spans` where rows have tags and no judge. A task takes about `block_rows` rows. The verdicts, but for their time,
    do not depend on the order of rows, on `block_rows` or on the number of workers. Raises ValueError on repeated ids
    and unknown labels. Needs an initialised Ray with one free CPU or more.
    """
    ids = rows["id"].to_pylist()
    old = pa.concat_tables([know(kept), KNOWN_SCHEMA.empty_table() if known is None else known]).sort_by("id")
    pool = build_pool(rows, old)
    ledger = Ledger(dict(zip(ids, rows["intended_label"].to_pylist(), strict=True)))
    filters = build_filters(task, settings, banned, rows["mean_logprob"])
    sketches = sketch_pool(pool.slice(old.num_rows), filters, block_rows)
    standing = drop_filtered(sketches["reason"].to_pylist(), pool, ledger)
    read = reading_of(pa.concat_tables([old, sketches.select(KNOWN_SCHEMA.names)]))

    twins = exact_survivors(read.hashes[standing])
    standing = drop_duplicates(twins, standing, pool, ledger, "exact")

    fixed = int(np.searchsorted(standing, old.num_rows))
    compared = read.shingles.take(standing)
    edges = compare_bands(compared, near_settings(settings.near_duplicate), fixed, block_rows)
    standing = drop_duplicates(survivors(len(standing), edges, fixed), standing, pool, ledger, "near")

    if meanings is not None and settings.semantic_duplicate is not None:
        meant = told(pool["id"].take(pa.array(standing)), rows, meanings.kept)
        edges = compare_meanings(meant, task.seeds, settings.semantic_duplicate, meanings.load_encoder, block_rows)
        fixed = int(np.searchsorted(standing, old.num_rows))
        standing = drop_duplicates(survivors(len(standing), edges, fixed), standing, pool, ledger, "semantic")

    judged = pool.take(pa.array(standing[standing >= old.num_rows]))
    names, candidates = task.label_names, judged["id"].to_pylist()
    intended = [ledger.intended[id] for id in candidates]
    if load_judge is None:
        opinions = unjudged(intended) if spans is None else span_opinions(candidates, rows, spans, settings)
    else:
        probabilities = judge_texts(judged, names, load_judge, block_rows)
        if sets is not None:
            opinions = set_agreements(intended, probabilities, names, sets, settings)
        else:
            evidence, calibration = Evidence((probabilities,), numbers_of(intended, names)), ALONE
            if second is not None:
                heard = judge_texts(judged, names, second.load, block_rows)
                evidence, calibration = evidence.joined(heard), second.calibration
            leaned = probabilities
            if settings.lm_keeps == "estimated":
                share = share_kept(evidence, calibration)
                leaned, calibration = leant(probabilities, evidence.intended, share), leaning(calibration, share)
            if audited is not None and audited.num_rows:
                told_by_people = hear_audited(audited, names, load_judge, second, block_rows)
                calibration = calibration.fitted([(*told_by_people, 1.0)])
            opinions = (
                agreements(intended, leaned, names, settings)
                if settings.target_noise is None
                else decide(evidence, candidates, names, calibration, settings.target_noise)
            )
            shares = label_shares(evidence, calibration, names)
            opinions = [replace(each, shares=told) for each, told in zip(opinions, shares, strict=True)]
        if load_likelihood is not None and settings.takes_margins:
            opinions = take_margins(judged, opinions, probabilities, names, settings, load_likelihood, block_rows)
    settle(dict(zip(candidates, opinions, strict=True)), remaining, ledger, settings.rerank)
    return ledger.table(ids)


def sketch_pool(pool: pa.Table, filters: Sequence[Filter], block_rows: int) -> pa.Table:
    """SKETCH_SCHEMA of the new rows of a pool (denoise.steps), in its order."""
    import ray

    if pool.num_rows == 0:
        return SKETCH_SCHEMA.empty_table()
    sketches = as_dataset(pool, block_rows).map_batches(with_shared, fn_args=(sketch, ray.put((filters,))), **BATCH)
    return collect(sketches).sort_by("position")


def compare_bands(shingles: Shingles, settings: DedupSettings, fixed: int, block_rows: int) -> np.ndarray:
    """Verified near-duplicate edges, int64 [m, 2], each once; the first `fixed` texts are not compared with each other.

    Bands are compared independently, over shingles shared through the object store. On two cores that has a fixed cost
    of 1 s a wave, where a shuffle by band key has 3.5 s.
    """
    import ray

    if len(shingles) < 2:
        return np.zeros((0, 2), np.int64)
    tasks = quiet(ray.data.range(BANDS, override_num_blocks=min(BANDS, 1 + len(shingles) // block_rows)))
    shared = ray.put((shingles, settings, fixed))
    edges = collect(tasks.map_batches(with_shared, fn_args=(_edges_of_bands, shared), **BATCH))
    return np.unique(np.column_stack([edges["earlier"].to_numpy(), edges["later"].to_numpy()]), axis=0)


def _edges_of_bands(batch: pa.Table, shingles: Shingles, settings: DedupSettings, fixed: int) -> pa.Table:
    firsts, bands = np.array([0, len(shingles)]), batch["id"].to_pylist()
    settled = np.ones(fixed, bool)
    found = [compare_band(band, [lambda: shingles], firsts, settled, settings).pairs for band in bands]
    edges = np.concatenate(found)
    return pa.table({"earlier": edges[:, 0], "later": edges[:, 1]})


def judge_texts(
    rows: pa.Table, labels: Sequence[str], load_judge: Callable[[], JudgeLike], block_rows: int
) -> np.ndarray:
    """The judge's probabilities of `rows` (`position` ascending, `text`), float64 [n, labels]: one actor loads it."""
    from ray.data import ActorPoolStrategy

    if rows.num_rows == 0:
        return np.zeros((0, len(labels)))
    options: dict[str, Any] = {"compute": ActorPoolStrategy(size=1), "batch_size": _JUDGE_BATCH}
    judging = as_dataset(rows.select(["position", "text"]), block_rows).map_batches(
        Judging, fn_constructor_args=(load_judge, labels), **{**BATCH, **options}
    )
    column = collect(judging).sort_by("position")["probabilities"].combine_chunks()
    return np.asarray(column.flatten()).reshape(-1, len(labels))


def hear_audited(
    audited: pa.Table,
    labels: Sequence[str],
    load_judge: Callable[[], JudgeLike],
    second: SecondOpinion | None,
    block_rows: int,
) -> tuple[Evidence, np.ndarray]:
    """What the opinions say of rows whose labels people have settled, and those labels, int [n]."""
    asked = audited.select(["text"]).append_column("position", pa.array(np.arange(audited.num_rows)))
    evidence = Evidence(
        (judge_texts(asked, labels, load_judge, block_rows),), numbers_of(audited["intended"].to_pylist(), labels)
    )
    if second is not None:
        evidence = evidence.joined(judge_texts(asked, labels, second.load, block_rows))
    return evidence, numbers_of(audited["label"].to_pylist(), labels)


def take_margins(
    rows: pa.Table,
    opinions: Sequence[Agreement],
    probabilities: np.ndarray,
    labels: Sequence[str],
    settings: DenoiseSettings,
    load_likelihood: Callable[[], LikelihoodLike],
    block_rows: int,
) -> list[Agreement]:
    """The opinions on `rows` with label margins, which only rows that the judge lets pass get: one actor has the LM."""
    from ray.data import ActorPoolStrategy

    passing = [place for place, opinion in enumerate(opinions) if opinion.status in KEPT]
    if not passing:
        return list(opinions)
    own = [str(opinions[place].label) for place in passing]
    asked = rows.select(["position", "text"]).take(pa.array(passing))
    asked = asked.append_column("label", pa.array(own, pa.string()))
    among = compared_labels(own, probabilities[passing], labels)
    asked = asked.append_column("among", pa.array(among, pa.list_(pa.string())))
    options: dict[str, Any] = {"compute": ActorPoolStrategy(size=1), "batch_size": _JUDGE_BATCH}
    margining = as_dataset(asked, block_rows).map_batches(
        Margining, fn_constructor_args=(load_likelihood,), **{**BATCH, **options}
    )
    margins = collect(margining).sort_by("position")["margin"].to_numpy()
    found = list(opinions)
    for place, margin in zip(passing, margins, strict=True):
        found[place] = with_margin(found[place], float(margin), settings)
    return found
