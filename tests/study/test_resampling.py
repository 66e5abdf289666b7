"""Corpus BLEU from counts, the bootstrap over seeds and sentences, and the paired test, held against sacreBLEU."""

import random
from collections.abc import Sequence
from functools import cache
from math import sqrt

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

from nmt_attn.corpora.fragment import generate
from nmt_attn.spec import SpecError
from nmt_attn.study.resampling import corpus_bleu, interval, paired_test, sentence_statistics, two_level_bootstrap

ODD = ["", "  ", "Ja.", "don't — “so”, 3,5 % (z.B.)", "A A A A A a a", "日本 x", "Ende!"]


@cache
def _references(count: int = 300) -> list[str]:
    lines = [pair.target_text for pair in generate(count, 7)]
    return [*lines[: -len(ODD)], "x", "Nein.", "Ja.", "don't - “so”, 3.5 % (e.g.)", "A a a a A A", "日本 y", "Ende !"]


@cache
def _hypotheses(wrong: float, seed: int = 3, count: int = 300) -> list[str]:
    """The references with this share of their words replaced."""
    draw = random.Random(seed)
    references = _references(count)
    words = [word for line in references for word in line.split()]
    lines = [
        " ".join(draw.choice(words) if draw.random() < wrong else word for word in line.split()) for line in references
    ]
    return lines[: -len(ODD)] + ODD


# Corpus BLEU from counts


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.5, 0.9])
def test_summed_counts_give_sacrebleus_score(wrong: float, lowercase: bool) -> None:
    for lines in (slice(None), slice(0, 40), slice(-3, None), slice(-7, -5)):
        hypotheses, references = _hypotheses(wrong)[lines], _references()[lines]
        wanted = BLEU(lowercase=lowercase).corpus_score(hypotheses, [references]).score
        counts = sentence_statistics(hypotheses, references, lowercase)
        assert counts.shape == (len(references), 10)
        assert float(corpus_bleu(counts.sum(0))) == pytest.approx(wanted, abs=1e-9)


def test_any_counts_give_sacrebleus_score() -> None:
    """Orders without a match, without n-grams, hypotheses too short or empty, all at once in one array."""
    draw = np.random.default_rng(11)
    counts = np.zeros((40, 50, 10), dtype=np.int64)
    counts[..., 0] = draw.integers(0, 12, counts.shape[:2])
    counts[..., 1] = draw.integers(1, 12, counts.shape[:2])
    for order in range(4):
        counts[..., 6 + order] = np.maximum(0, counts[..., 0] - order)
        ceiling = counts[..., 6 + order] if order == 0 else np.minimum(counts[..., 1 + order], counts[..., 6 + order])
        counts[..., 2 + order] = draw.integers(0, ceiling + 1)
    values = corpus_bleu(counts)
    assert values.shape == (40, 50)
    for row, value in zip(counts.reshape(-1, 10).tolist(), values.ravel(), strict=True):
        wanted = BLEU.compute_bleu(row[2:6], row[6:], row[0], row[1], smooth_method="exp").score
        assert value == pytest.approx(wanted, abs=1e-9)
    assert 0 < (values == 0).mean() < 0.9


def test_bleu_worked_by_hand() -> None:
    """One of five words wrong in the middle: 4/5 2/4, then no match among 3 and 2, smoothed to 1/2 and 1/4; r/h 6/5."""
    (counts,) = sentence_statistics(["a b x d e"], ["a b c d e f"])
    assert counts.tolist() == [5, 6, 4, 2, 0, 0, 5, 4, 3, 2]
    product = 4 / 5 * 2 / 4 * (1 / 2) / 3 * (1 / 4) / 2
    assert float(corpus_bleu(counts)) == pytest.approx(100 * np.exp(1 - 6 / 5) * product**0.25)


def test_counts_of_another_shape_are_refused() -> None:
    for wrong in (np.zeros((3, 9)), np.zeros(())):
        with pytest.raises(SpecError, match=r"statistics must have 10 columns, not the shape \("):
            corpus_bleu(wrong)
    for hypotheses, references in ((["a"], ["a", "b"]), ([], [])):
        with pytest.raises(SpecError, match=r"must have the same number of sentences, at least one, not \d and \d"):
            sentence_statistics(hypotheses, references)


# Bootstrap


def _counts(wrong: Sequence[float], seed: int = 3) -> list[np.ndarray]:
    return [sentence_statistics(_hypotheses(share, seed + run), _references()) for run, share in enumerate(wrong)]


def test_a_bootstrap_is_the_same_each_time_and_centred_on_the_difference() -> None:
    first, second = _counts([0.1, 0.12, 0.11]), _counts([0.2, 0.22], seed=9)
    values = two_level_bootstrap(first, second)
    assert values.shape == (1000,)
    assert np.array_equal(values, two_level_bootstrap(first, second))
    assert not np.array_equal(values, two_level_bootstrap(first, second, seed=1))
    means = [np.mean([float(corpus_bleu(run.sum(0))) for run in runs]) for runs in (first, second)]
    assert values.mean() == pytest.approx(means[0] - means[1], abs=0.3)
    low, high = interval(values, 0.9)
    assert low < means[0] - means[1] < high
    assert values.std() > 0.5


def test_one_draw_of_sentences_serves_all_runs_of_both_systems() -> None:
    """Runs that are all the same differ in no resample, however the sentences fall."""
    run = _counts([0.3])[0]
    assert two_level_bootstrap([run] * 2, [run] * 3, resamples=300).tolist() == [0.0] * 300


def _uniform(matches: Sequence[int], sentences: int = 5) -> list[np.ndarray]:
    """Runs whose sentences are all alike: nothing but the draw of runs can change their score."""
    return [np.array([[20, 20, hit, hit - 1, hit - 2, hit - 3, 20, 19, 18, 17]] * sentences) for hit in matches]


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_the_variance_between_seeds_is_neither_under_nor_overestimated(runs: int) -> None:
    """Drawing all k runs would give (k - 1)/k of it, a half for two."""
    first, second = [12, 17, 15, 13, 19][:runs], [9, 14, 12, 13, 18][:runs]
    values = two_level_bootstrap(_uniform(first), _uniform(second), resamples=40_000)
    scores = [[float(corpus_bleu(run.sum(0))) for run in _uniform(each)] for each in (first, second)]
    wanted = sum(np.var(each, ddof=1) / runs for each in scores)
    assert values.var() == pytest.approx(wanted, rel=0.03)
    assert values.mean() == pytest.approx(np.mean(scores[0]) - np.mean(scores[1]), abs=4 * sqrt(wanted / 40_000))


def test_the_variance_over_sentences_is_that_of_sacrebleus_bootstrap() -> None:
    """Of one run against a system that never matches, so that only the first one's score varies."""
    run, nothing = _counts([0.3])[0], np.zeros((300, 10))
    values = two_level_bootstrap([run] * 2, [nothing] * 2, resamples=4000)
    metric = BLEU()
    result = metric.corpus_score(_hypotheses(0.3), [_references()], n_bootstrap=4000)
    low, high = interval(values, 0.95)
    assert values.mean() == pytest.approx(result._mean, abs=0.1)
    assert (high - low) / 2 == pytest.approx(result._ci, rel=0.05)


def test_what_cannot_be_resampled_is_refused() -> None:
    runs = _uniform([12, 17])
    for wrong in ([runs[0]], []):
        with pytest.raises(SpecError, match=rf"must have at least 2 runs of each system, not {len(wrong)}"):
            two_level_bootstrap(runs, wrong)
    for other in (_uniform([12, 17], sentences=6), [run[:, :9] for run in runs], [run[0] for run in runs]):
        with pytest.raises(SpecError, match=r"statistics of the same sentences, \[sentences, 10\], not \("):
            two_level_bootstrap(runs, other)
    with pytest.raises(SpecError, match="resamples must be at least 1, not 0"):
        two_level_bootstrap(runs, runs, resamples=0)
    for level in (0, 1, float("nan")):
        with pytest.raises(SpecError, match="level must lie between 0 and 1, not "):
            interval(np.arange(5.0), level)
    for values in (np.array([]), np.array([1, float("nan")])):
        with pytest.raises(SpecError, match="values of a resampling must be finite numbers, at least one"):
            interval(values, 0.9)


def test_an_interval_lies_between_percentiles() -> None:
    assert interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))
    assert interval(np.full(7, 3.0), 0.95) == (3, 3)


def _simulated(draw: np.random.Generator, runs: int, sentences: int, spread: float) -> tuple[list[np.ndarray], ...]:
    """Two systems that are equal but for chance: lengths and difficulties of sentences, seeds, and both together."""
    lengths = draw.integers(5, 40, sentences)
    ease = draw.normal(1.0, 0.6, sentences)
    systems: tuple[list[np.ndarray], ...] = ([], [])
    for system in systems:
        for seed in draw.normal(0, spread, runs):
            chance = 1 / (1 + np.exp(-ease - seed - draw.normal(0, 0.5, sentences)))
            totals = np.maximum(lengths[:, None] - np.arange(4), 0)
            matches = draw.binomial(totals, chance[:, None] ** np.arange(1, 5))
            system.append(np.column_stack([lengths, lengths, matches, totals]))
    return systems


def _coverage(runs: int, replicates: int, sentences: int = 200, spread: float = 0.1) -> float:
    """How often the 90 % interval covers the true difference, 0.

    BLEU is about 46; a spread of 0.1 is a deviation over seeds of 2.4, one of 0.02 of 0.5, less than the noise of 200
    sentences.
    """
    draw = np.random.default_rng(2024)
    covered = 0
    for replicate in range(replicates):
        first, second = _simulated(draw, runs, sentences, spread)
        low, high = interval(two_level_bootstrap(first, second, resamples=400, seed=replicate), 0.9)
        covered += low <= 0 <= high
    return covered / replicates


def test_an_interval_over_seeds_and_sentences_covers_the_truth_about_as_often_as_it_says() -> None:
    assert _coverage(5, 300) == pytest.approx(0.9, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runs", "sentences", "spread", "share"),
    [
        *((2, 200, 0.1, 0.85), (3, 200, 0.1, 0.89), (5, 200, 0.1, 0.91)),
        *((2, 1000, 0.1, 0.79), (3, 1000, 0.1, 0.85), (2, 200, 0.02, 0.98), (3, 200, 0.02, 0.985)),
    ],
)
def test_it_covers_less_with_few_runs_if_seeds_matter_most_and_more_if_they_do_not(
    runs: int, sentences: int, spread: float, share: float
) -> None:
    """Over 1,000 sentences nearly all of the variance lies between seeds."""
    assert _coverage(runs, 1000, sentences, spread) == pytest.approx(share, abs=0.035)


# Paired test


def _sacrebleu(baseline: list[str], system: list[str], lowercase: bool = False) -> float:
    systems = [("baseline", baseline), ("system", system)]
    test = PairedTest(systems, {"BLEU": BLEU(lowercase=lowercase)}, [_references()], test_type="ar")
    (p,) = (result.p_value for result in test()[1]["BLEU"][1:])
    return float(p)


@pytest.mark.parametrize(("shares", "lowercase"), [((0.1, 0.1), False), ((0.1, 0.1), True), ((0.3, 0.34), False)])
def test_a_paired_test_is_sacrebleus_in_every_digit(
    shares: tuple[float, float], lowercase: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    baseline, system = _hypotheses(shares[0]), _hypotheses(shares[1], seed=4)
    p = paired_test(baseline, system, _references(), lowercase)
    assert p == _sacrebleu(baseline, system, lowercase)
    assert 0.001 < p < 0.999


@pytest.mark.parametrize("seed", ["none", "0", "77", "x"])
def test_a_paired_test_is_the_same_whatever_the_environment(seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _hypotheses(0.1), _hypotheses(0.115, seed=4), _references()
    p = paired_test(*texts)
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    assert paired_test(*texts) == p


@pytest.mark.parametrize(("worse", "p"), [(0, 1.0), (1, 1.0), (2, 0.5), (3, 0.25), (5, 1 / 16)])
def test_a_few_sentences_that_got_worse_have_the_p_of_their_coins(
    worse: int, p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 of 2^n swaps reach the difference; sacreBLEU, which wants it exceeded, says 0.0001 each time."""
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    baseline, system = _references(), list(_references())
    system[:worse] = [" ".join(reversed(line.split())) for line in system[:worse]]
    assert paired_test(baseline, system, _references()) == pytest.approx(p, abs=0.015)
    assert _sacrebleu(baseline, system) == pytest.approx(1 / 10_001)


def test_a_large_difference_has_the_smallest_p() -> None:
    assert paired_test(_hypotheses(0.1), _hypotheses(0.5), _references()) == 1 / 10_001


def test_texts_that_do_not_belong_together_are_not_compared() -> None:
    for baseline, system in ((["a"], ["a", "b"]), (["a", "b"], ["a"])):
        with pytest.raises(SpecError, match="hypotheses and references must have the same number of sentences"):
            paired_test(baseline, system, ["a", "b"])
