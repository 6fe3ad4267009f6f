"""Which processes are the Auditor's workers, and which slot each one has."""
