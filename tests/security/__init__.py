"""What must hold against hostile servers, other users of the machine, and our own faults."""
