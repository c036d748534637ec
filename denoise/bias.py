"""Whether labels hang on who is spoken of: terms for groups of people against labels, and labels under swapped terms.

An alarm is a question to people, no verdict: a label may rightly go with a group.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import pyarrow as pa
import pyarrow.compute as pc

from denoise.audit.intervals import wilson
from denoise.normal import normalise

# normal forms; words that mostly mean something else ("black", "straight", "old") are left out
_TERMS = {
    "women": "she, her, hers, herself, woman, women, girl, girls, female, mother, wife, daughter, sister, girlfriend, "
    "mrs, lady",
    "men": "he, him, his, himself, man, men, boy, boys, male, father, husband, son, brother, boyfriend, mr, gentleman",
    "christians": "christian, christians, catholic, catholics, protestant, protestants",
    "muslims": "muslim, muslims, islam, islamic, mosque, hijab",
    "jews": "jew, jews, jewish, synagogue",
    "hindus": "hindu, hindus, hinduism",
    "Africans": "african, africans, african american, african americans, black people, nigerian, nigerians",
    "Asians": "asian, asians, chinese, japanese, korean, koreans, vietnamese, indian, indians",
    "Latin Americans": "latino, latinos, latina, hispanic, hispanics, mexican, mexicans",
    "Arabs": "arab, arabs, arabic, turkish, turks, iranian, iranians",
    "gay people": "gay, gays, lesbian, lesbians, bisexual, transgender, queer, lgbt",
    "disabled people": "disabled, disability, blind, deaf, wheelchair, autistic, autism",
    "old people": "elderly, pensioner, pensioners, senior citizen, senior citizens, grandmother, grandfather",
    "migrants": "immigrant, immigrants, refugee, refugees, migrant, migrants, foreigner, foreigners",
}
TERMS: Mapping[str, tuple[str, ...]] = {group: tuple(terms.split(", ")) for group, terms in _TERMS.items()}
LEAST_ROWS = 20  # rows with a group's terms, or swapped ones, from which there is something to say
MOST_ODDS = 3.0  # times that the odds of a label may differ with a group's terms
MOST_FLIPS = 0.1  # share of rows whose label may change with a swap
_LEVEL = 0.05

_PAIRS = {
    **{"he": "she", "himself": "herself", "his": "her", "him": "her", "man": "woman", "men": "women", "boy": "girl"},
    **{
        "boys": "girls",
        "male": "female",
        "father": "mother",
        "husband": "wife",
        "son": "daughter",
        "brother": "sister",
    },
    **{"boyfriend": "girlfriend", "mr": "mrs", "sir": "madam", "gentleman": "lady", "dad": "mum", "uncle": "aunt"},
    **{"grandfather": "grandmother", "christian": "muslim", "christians": "muslims", "church": "mosque"},
}
_SWAPS = {**_PAIRS, **{other: one for one, other in _PAIRS.items()}, "hers": "his", "mom": "dad"}
_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_SWAPS, key=len, reverse=True))})\b", re.IGNORECASE)
_OBJECT = re.compile(r"\bher\b(?=\s*(?:[^\w\s]|$|(?:and|or|to|for|that|if|when|because|but|at|on|in|with)\b))", re.I)


@dataclass(frozen=True)
class Association:
    """Odds of `label` in the `rows` that speak of a group, over those in the others, as a logarithm with interval.

    `information` is the pointwise mutual information in nats; counts are taken with a half added (Haldane).
    """

    group: str
    label: str
    rows: int
    log_odds: float
    low: float
    high: float
    information: float

    @property
    def alarms(self) -> bool:
        """Whether the whole interval is beyond MOST_ODDS either way."""
        return max(self.low, -self.high) > math.log(MOST_ODDS)

    def __str__(self) -> str:
        more = "more" if self.log_odds > 0 else "less"
        times = math.exp(abs(self.log_odds))
        said = f"label {self.label!r} is {times:.1f} times {more} likely"
        return f"{said} in the {self.rows} rows that speak of {self.group}"


@dataclass(frozen=True)
class Flips:
    """Of `rows` whose identity terms were swapped, so many got another label; some of them, as (text, swapped)."""

    rows: int
    flipped: int
    examples: tuple[tuple[str, str], ...] = ()

    @property
    def alarms(self) -> bool:
        """Whether more than MOST_FLIPS flip, by the lower end of Wilson's interval, with rows enough."""
        return self.rows >= LEAST_ROWS and wilson(self.flipped / self.rows, self.rows)[0] > MOST_FLIPS

    def __str__(self) -> str:
        share = self.flipped / self.rows if self.rows else 0
        return f"{share:.0%} of {self.rows} rows change their label when identity terms are swapped"


def associations(texts: Sequence[str], labels: Sequence[str]) -> list[Association]:
    """All groups that LEAST_ROWS texts or more speak of, with each label; intervals hold together (Bonferroni)."""
    normal = normalise(pa.array(texts, pa.string()))
    padded = pc.binary_join_element_wise(" ", normal, " ", "")
    holds = {name: pc.match_substring_regex(padded, f" (?:{'|'.join(terms)}) ") for name, terms in TERMS.items()}
    spoken = {group: held.to_pylist() for group, held in holds.items() if held.true_count >= LEAST_ROWS}
    names = sorted(set(labels))
    if len(names) < 2 or not spoken:
        return []
    quantile = NormalDist().inv_cdf(1 - _LEVEL / (2 * len(names) * len(spoken)))
    of_label = Counter(labels)
    found = []
    for group, held in spoken.items():
        both = Counter(label for label, here in zip(labels, held, strict=True) if here)
        for label in names:
            found.append(_association(group, label, both[label], sum(held), of_label[label], len(texts), quantile))
    return found


def _association(
    group: str, label: str, both: int, of_group: int, of_label: int, rows: int, quantile: float
) -> Association:
    cells = (both, of_group - both, of_label - both, rows - of_group - of_label + both)
    a, b, c, d = (cell + 0.5 for cell in cells)
    odds, error = math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    information = math.log(a * (a + b + c + d) / ((a + b) * (a + c)))
    return Association(group, label, of_group, odds, odds - quantile * error, odds + quantile * error, information)


def swapped(text: str) -> str | None:
    """The text with each identity term that has a counterpart swapped for it; None where there is none.

    "her" becomes "him" at the end of a clause and before small words, else "his".
    """
    objects = {match.start() for match in _OBJECT.finditer(text)}
    found = _WORD.sub(lambda match: _swap(match, match.start() in objects), text)
    return found if found != text else None


def _swap(match: re.Match[str], is_object: bool) -> str:
    word = match[0]
    other = _SWAPS[word.lower()]
    if word.lower() == "her":
        other = "him" if is_object else "his"
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def flips(texts: Sequence[str], others: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Flips:
    """Texts and the same swapped, with the judge's labels of both."""
    changed = [place for place, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    return Flips(len(texts), len(changed), tuple((texts[place], others[place]) for place in changed[:3]))
