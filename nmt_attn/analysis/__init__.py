"""What a model costs and what happens inside it."""
