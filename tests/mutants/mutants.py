"""The sixteen historical bugs, as changes of the package's source."""

from tests.mutants import of_masks, of_parameters, of_positions

MUTANTS = (*of_positions.MUTANTS, *of_masks.MUTANTS, *of_parameters.MUTANTS)
BUGS = tuple(dict.fromkeys(mutant.bug for mutant in MUTANTS))
