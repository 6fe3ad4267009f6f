"""Reading processes from /proc."""
