"""Which image belongs to which mask, and in which split."""
