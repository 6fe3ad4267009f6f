"""Which processes are the Auditor's workers, and what each is called."""
