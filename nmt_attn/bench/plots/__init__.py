"""Pictures of a benchmark's record."""
