"""The whole stack on one machine, around a stand-in Auditor with injectable faults."""
