"""Differences of corpus BLEU under resampling of seeds and of sentences.

BLEU is not a mean over sentences, but a function of sums of counts over sentences: all here works on these counts.
"""

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics import BLEU

from nmt_attn.spec import SpecError

ORDERS = 4
COLUMNS = 2 + 2 * ORDERS
SEED = 12345  # as sacreBLEU's
TRIALS = 10_000
CHUNK = 250
ROUNDING = 1e-9


def sentence_statistics(hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False) -> np.ndarray:
    """sacreBLEU's counts of each sentence (Post 2018), as :func:`corpus_bleu` takes them: [sentences, 10].

    Columns: tokens of the hypothesis and of the reference; n-grams of 1 to 4 tokens that match; all of the hypothesis.
    Raises SpecError if the two have not the same number of sentences, or none.
    """
    if len(hypotheses) != len(references) or not references:
        raise SpecError(
            "hypotheses and references must have the same number of sentences, at least one, "
            f"not {len(hypotheses)} and {len(references)}"
        )
    metric = BLEU(lowercase=lowercase, effective_order=True)  # counts do not depend on the order; no warnings
    scores = [metric.sentence_score(line, [wanted]) for line, wanted in zip(hypotheses, references, strict=True)]
    return np.array([[each.sys_len, each.ref_len, *each.counts, *each.totals] for each in scores], dtype=np.int64)


def corpus_bleu(statistics: np.ndarray) -> np.ndarray:
    """BLEU in percent of summed counts [..., 10], with sacreBLEU's default smoothing ("exp") and brevity penalty.

    BLEU = 100 min(1, exp(1 - r/h)) (prod_n p_n)^(1/4) (Papineni et al. 2002); the i-th order without a match counts as
    2^-i matches; without any match, or too short for 4-grams, BLEU is 0.
    """
    counts = np.asarray(statistics, dtype=np.float64)
    if not counts.ndim or counts.shape[-1] != COLUMNS:
        raise SpecError(f"statistics must have {COLUMNS} columns, not the shape {counts.shape}")
    hypothesis, reference = counts[..., 0], counts[..., 1]
    matched, total = counts[..., 2 : 2 + ORDERS], counts[..., 2 + ORDERS :]
    defined = matched.any(-1) & total.all(-1)
    missed = matched == 0
    smoothed = np.where(missed, 0.5 ** missed.cumsum(-1), matched)
    precision = np.log(smoothed / np.where(total == 0, 1, total)).mean(-1)
    penalty = np.minimum(0, 1 - reference / np.where(hypothesis == 0, 1, hypothesis))
    return np.where(defined, 100 * np.exp(penalty + precision), 0.0)


def two_level_bootstrap(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], resamples: int = 1000, seed: int = SEED
) -> np.ndarray:
    """Mean BLEU of the first system minus that of the second in each resample: [resamples].

    first, second: sentence statistics [sentences, 10], one array a run. In a resample, runs of each system are drawn
    with replacement, and one draw of sentences serves all runs of both (rows and columns of a table drawn apart: Owen
    2007, Ann. Appl. Stat. 1:386).

    Drawing all k runs would give only (k-1)/k of the variance between seeds. So k - 1 of the k are drawn, which makes
    the variance of a mean right (McCarthy & Snowden 1985, Vital Health Stat. 2:95; Rao & Wu 1988, JASA 83:231).

    Two errors are left, measured in the tests. Percentiles know no t distribution: where the seeds make nearly all of
    the variance, 90 % intervals cover 80 % with 2 runs, 85 % with 3. And the noise of a single run on a single
    sentence is counted up to three times (Owen 2007), as there is no bootstrap without error for such tables
    (McCullagh 2000, Bernoulli 6:285): where it makes most of the variance, they cover 98 %.

    Raises SpecError for fewer than two runs of a system, and if the numbers of sentences differ.
    """
    for runs in (first, second):
        if len(runs) < 2:
            raise SpecError(f"a bootstrap over seeds must have at least 2 runs of each system, not {len(runs)}")
    shapes = {np.shape(run) for run in (*first, *second)}
    if len(shapes) > 1 or any(len(shape) != 2 or not shape[0] or shape[1] != COLUMNS for shape in shapes):
        given = ", ".join(map(str, sorted(shapes)))
        raise SpecError(f"all runs must have statistics of the same sentences, [sentences, {COLUMNS}], not {given}")
    draw = np.random.default_rng(seed)
    table = np.stack([np.asarray(run, dtype=np.float64) for run in (*first, *second)])  # [runs, sentences, columns]
    scores = np.concatenate([_resampled(table, size, draw) for size in _chunks(resamples)])  # [resamples, runs]
    return _drawn_mean(scores[:, : len(first)], draw) - _drawn_mean(scores[:, len(first) :], draw)


def _chunks(resamples: int) -> list[int]:
    """Sizes that together are the resamples: their weights at once would fill the memory."""
    if resamples < 1:
        raise SpecError(f"resamples must be at least 1, not {resamples}")
    return [min(CHUNK, resamples - start) for start in range(0, resamples, CHUNK)]


def _resampled(table: np.ndarray, resamples: int, draw: np.random.Generator) -> np.ndarray:
    """BLEU of every run on draws of the sentences with replacement: [resamples, runs]."""
    runs, sentences, columns = table.shape
    drawn = draw.integers(sentences, size=(resamples, sentences))
    weights = np.stack([np.bincount(row, minlength=sentences) for row in drawn]).astype(np.float64)
    flat = table.transpose(1, 0, 2).reshape(sentences, runs * columns)
    return corpus_bleu((weights @ flat).reshape(resamples, runs, columns))


def _drawn_mean(scores: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Mean of k - 1 of the k runs [resamples, k], drawn with replacement: [resamples]."""
    resamples, runs = scores.shape
    return np.take_along_axis(scores, draw.integers(runs, size=(resamples, runs - 1)), axis=1).mean(axis=1)


def interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """The percentiles between which this share of the resamples lies (Efron 1979, Ann. Statist. 7:1)."""
    if not 0 < level < 1:
        raise SpecError(f"level must lie between 0 and 1, not {level}")
    if not np.size(values) or not np.isfinite(values).all():
        raise SpecError("values of a resampling must be finite numbers, at least one")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_test(
    baseline: Sequence[str], system: Sequence[str], references: Sequence[str], lowercase: bool = False
) -> float:
    """Two-sided p of paired approximate randomisation (Riezler & Maxwell 2005) of two single runs.

    In each of 10,000 trials the two outputs of a sentence are swapped or not, by a coin; p is the share of trials with
    a difference of BLEU at least as large as the real one, the real one among them. The coins are those of sacreBLEU
    (--paired-ar, Post 2018) with its own seed, and so is p, but for ties: sacreBLEU does not count a trial that only
    equals the real difference, and calls identical outputs different with p 0.0001 (multeval issue 5, whose test it
    took over). SACREBLEU_SEED has no influence.
    Raises SpecError if the three have not the same number of sentences, or none.
    """
    one = sentence_statistics(baseline, references, lowercase).astype(np.float64)
    other = sentence_statistics(system, references, lowercase).astype(np.float64)
    real = abs(_bleu_difference(one.sum(0), other.sum(0)))
    coins = np.random.default_rng(SEED).integers(2, size=(TRIALS, len(references)), dtype=bool)
    both = one.sum(0) + other.sum(0)
    reached = 0
    for start in range(0, TRIALS, CHUNK):
        swapped = other.sum(0) + coins[start : start + CHUNK] @ (one - other)
        reached += int((np.abs(_bleu_difference(swapped, both - swapped)) >= real - ROUNDING).sum())
    return (reached + 1) / (TRIALS + 1)


def _bleu_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return corpus_bleu(first) - corpus_bleu(second)
