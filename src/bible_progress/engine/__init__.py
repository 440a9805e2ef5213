"""What keeps the numbers right while others write: drain, worker, audit."""
