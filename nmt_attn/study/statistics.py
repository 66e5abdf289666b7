"""What may be said of differences of BLEU between models that were trained several times each.

D is the difference of expected scores over training seeds. The scores of a cell (a model on a corpus) are taken as
independent draws around the cell's mean with a variance that is the same in every cell of a pool, so that these cells
together estimate it: s^2 = sum_i sum_j (y_ij - m_i)^2 / df, df = sum_i (n_i - 1), i in the pool. A contrast
sum_i w_i m_i then has the standard error s sqrt(sum_i w_i^2 / n_i) and a t distribution with df degrees of freedom.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import fsum, inf, isfinite, isinf, sqrt
from statistics import variance

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from nmt_attn.spec import SpecError

TERMS = ("E1", "E2", "E3", "E4")
CODES = ["".join(digits) for digits in product("01", repeat=len(TERMS))]
POOLED_FROM = 0.5  # of the reference's mean


@dataclass(frozen=True)
class Contrast:
    """An estimated D with its standard error and degrees of freedom.

    Without an estimate of the variance the standard error is infinite: every p is 1, no interval has an end. Where it
    is zero, p is 0 or 1. doubt: why scores look as if runs had been repeated, or nothing. Raises SpecError for NaN.
    """

    difference: float
    standard_error: float
    degrees: float
    doubt: str = ""

    def __post_init__(self) -> None:
        known = self.standard_error >= 0 and self.degrees > 0
        if not (isfinite(self.difference) and (known or isinf(self.standard_error))):
            raise SpecError(
                "a contrast must be a finite difference with a standard error from 0 and degrees of freedom above 0, "
                f"not {self.difference}, {self.standard_error} and {self.degrees}"
            )

    def interval(self, level: float = 0.90) -> tuple[float, float]:
        """The two-sided interval that covers D with this probability: difference -+ t SE."""
        if not 0 < level < 1:
            raise SpecError(f"level must lie between 0 and 1, not {level}")
        if isinf(self.standard_error):
            return -inf, inf
        half = float(stats.t.isf((1 - level) / 2, self.degrees)) * self.standard_error if self.standard_error else 0.0
        return self.difference - half, self.difference + half

    @property
    def lower_bound(self) -> float:
        """D lies above it with a probability of 95 %."""
        return self.interval(0.90)[0]

    def p_equivalent(self, margin: float) -> float:
        """Of two one-sided tests, for D > -margin and for D < margin, the larger p (Schuirmann 1987, J. Pharmacokinet.
        Biopharm. 15:657); it is below 5 % exactly where the 90 % interval lies inside the margin.
        """
        return max(self._p_positive(self.difference + margin), self._p_positive(margin - self.difference))

    def p_above(self, margin: float) -> float:
        """One-sided, of the hypothesis that D is at most the margin."""
        return self._p_positive(self.difference - margin)

    @property
    def p_different(self) -> float:
        """Two-sided, of the hypothesis that D is 0."""
        return min(1.0, 2 * self._p_positive(abs(self.difference)))

    def _p_positive(self, distance: float) -> float:
        """p of the hypothesis that what was estimated as this distance is not above 0."""
        if isinf(self.standard_error):
            return 1.0
        if self.standard_error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(stats.t.sf(distance / self.standard_error, self.degrees))


class Cells:
    """Models of one corpus with their scores over seeds: cell means, one variance for all of them.

    pool: the models whose scores estimate the variance (default: all); contrasts may be of others too. deviation: the
    pooled standard deviation s (None if no model of the pool has two scores); degrees: its degrees of freedom. Raises
    SpecError for no model, a model without scores, scores that are not finite, and a pool of other models or of none.
    """

    def __init__(self, scores: Mapping[str, Sequence[float]], pool: Collection[str] | None = None) -> None:
        if not scores:
            raise SpecError("scores must be of at least one model, not of none")
        self.scores = {model: [float(score) for score in row] for model, row in scores.items()}
        for model, row in self.scores.items():
            if not row or not all(map(isfinite, row)):
                raise SpecError(f"scores of {model} must be finite numbers, at least one, not {row}")
        self.pool = list(self.scores) if pool is None else [model for model in self.scores if model in pool]
        if not self.pool or (pool is not None and not set(pool) <= set(self.scores)):
            raise SpecError(f"pool must be among {', '.join(self.scores)}, not {', '.join(pool or ()) or 'none'}")
        pooled = [self.scores[model] for model in self.pool]
        self.degrees = sum(len(row) - 1 for row in pooled)
        self._means = {model: _mean(row) for model, row in self.scores.items()}
        self._fit = self._fitted() if any(len(set(row)) > 1 for row in pooled) else None
        self._variance = self._pooled_variance(self._fit) if self._fit else 0.0
        self.deviation = sqrt(self._variance) if self.degrees else None

    def _fitted(self) -> OLS:
        """Least squares on one dummy variable a cell."""
        counts = [len(row) for row in self.scores.values()]
        dummies = np.repeat(np.eye(len(counts)), counts, axis=0)
        return OLS([score for row in self.scores.values() for score in row], dummies).fit()

    def _pooled_variance(self, fit: OLS) -> float:
        members = [model in self.pool for model, row in self.scores.items() for _ in row]
        return float(np.square(fit.resid[members]).sum()) / self.degrees

    def contrast(self, weights: Mapping[str, float]) -> Contrast:
        """Sum of weights times cell means, with the pooled variance."""
        self._check(*weights)
        if not any(weights.values()) or not all(map(isfinite, weights.values())):
            raise SpecError(f"weights must be finite numbers, not all of them 0, not {dict(weights)}")
        difference = fsum(weight * self._means[model] for model, weight in weights.items())
        error = 0.0 if self.degrees else inf
        if self._fit:
            covariance = self._fit.normalized_cov_params * self._variance
            row = [weights.get(model, 0.0) for model in self.scores]
            error = float(self._fit.t_test(row, cov_p=covariance).sd.item())
        return Contrast(difference, error, self.degrees, self._doubt([m for m, weight in weights.items() if weight]))

    def difference(self, first: str, second: str) -> Contrast:
        """Mean of the first minus mean of the second."""
        return self.contrast(_sum([(first, 1), (second, -1)]))

    def interaction(self, first: tuple[str, str], second: tuple[str, str]) -> Contrast:
        """Difference of the first two minus difference of the second two; a model that is in both counts once."""
        return self.contrast(_sum([(first[0], 1), (first[1], -1), (second[0], -1), (second[1], 1)]))

    def welch(self, first: str, second: str) -> Contrast:
        """Mean of the first minus mean of the second, from the variances v of these two alone, which may differ.

        SE^2 = v_1/n_1 + v_2/n_2, df = SE^4 / sum_i (v_i/n_i)^2 / (n_i - 1) (Welch 1947, Biometrika 34:28).
        """
        self._check(first, second)
        rows, difference = (self.scores[first], self.scores[second]), self._means[first] - self._means[second]
        counts = [len(row) for row in rows]
        if min(counts) < 2:
            return Contrast(difference, inf, 0)
        parts = [float(variance(row)) / len(row) for row in rows]
        total = sum(parts)
        weights = [(part / total) ** 2 / (count - 1) for part, count in zip(parts, counts, strict=True) if total]
        degrees = 1 / sum(weights) if weights else sum(counts) - 2
        return Contrast(difference, sqrt(total), degrees, self._doubt([first, second]))

    def unequal_variances(self) -> float | None:
        """p of the hypothesis that all variances of the pool are equal: one-way analysis of variance of the distances
        from the cells' medians (Brown & Forsythe 1974, JASA 69:364).

        Over cells with at least three scores: two are always equally far from their median. None where there are not
        two such cells, or none whose scores differ. With three scores, of which one is the median, the test finds next
        to nothing: then compare with :meth:`welch` instead of trusting it.
        """
        rows = [self.scores[model] for model in self.pool if len(self.scores[model]) > 2]
        if len(rows) < 2 or not any(len(set(row)) > 1 for row in rows):
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            p = float(stats.levene(*rows, center="median").pvalue)
        return p if isfinite(p) else None

    def _check(self, *models: str) -> None:
        for model in models:
            if model not in self.scores:
                raise SpecError(f"a model of a contrast must be one of {', '.join(self.scores)}, not {model}")

    def _doubt(self, models: Sequence[str]) -> str:
        """Scores that several trainings hardly give, but the same training twice, or an ablation that did nothing."""
        several = {model: sorted(self.scores[model]) for model in models if len(self.scores[model]) > 1}
        tied = [model for model, row in several.items() if row[0] == row[-1]]
        if tied:
            return f"the runs of {', '.join(tied)} do not differ at all"
        twins = [f"{one} and {other}" for one, other in combinations(several, 2) if several[one] == several[other]]
        return f"{twins[0]} have the same scores in all runs" if twins else ""


def varying(scores: Mapping[str, Sequence[float]], reference: str) -> list[str]:
    """The models whose scores may estimate a common variance: mean at least half of the reference's.

    BLEU near zero cannot vary as it does elsewhere: models that did not learn would add degrees of freedom and no
    variance. All where the reference has no scores.
    """
    if reference not in scores:
        return list(scores)
    least = POOLED_FROM * _mean(scores[reference])
    return [model for model, row in scores.items() if model == reference or _mean(row) >= least]


def _mean(row: Sequence[float]) -> float:
    """That of equal scores is that score, which a rounded sum would not give."""
    return row[0] if len(set(row)) == 1 else fsum(row) / len(row)


def _sum(terms: Sequence[tuple[str, float]]) -> dict[str, float]:
    weights = dict.fromkeys((model for model, _ in terms), 0.0)
    for model, weight in terms:
        weights[model] += weight
    return weights


def main_effects(cells: Cells, codes: Mapping[str, str]) -> dict[str, Contrast]:
    """For each of the terms E1 to E4 the mean of the 8 cells with it minus the mean of the 8 cells without.

    codes: model -> four digits. Raises SpecError unless they are the 16 codes of the factorial, each once.
    """
    given = list(codes.values())
    wrong = {
        "missing": [code for code in CODES if code not in given],
        "twice": [code for code in CODES if given.count(code) > 1],
        "unknown": [str(code) for code in given if code not in CODES],
    }
    if any(wrong.values()):
        found = "; ".join(f"{what}: {', '.join(which)}" for what, which in wrong.items() if which)
        raise SpecError(f"main effects must come from each of the 16 codes once ({found})")
    half = len(CODES) / 2
    return {
        term: cells.contrast({model: (1 if code[place] == "1" else -1) / half for model, code in codes.items()})
        for place, term in enumerate(TERMS)
    }


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p adjusted so that the probability of any false rejection stays below the level, whatever their dependence: the
    i-th smallest of n times n - i + 1, never below an adjusted smaller one (Holm 1979, Scand. J. Statist. 6:65).

    Raises SpecError for anything but probabilities.
    """
    for name, p in p_values.items():
        if not 0 <= p <= 1:
            raise SpecError(f"p of {name} must be between 0 and 1, not {p}")
    adjusted = multipletests(list(p_values.values()), method="holm")[1] if p_values else []
    return dict(zip(p_values, map(float, adjusted), strict=True))
