"""The parts of a study's report: facts, how they are found in the store, how they are put in words and tables."""
