"""Reading what the kernel tells of processes."""
