"""Plan, queue, move bytes, verify: knows the Storage protocol and no provider."""
