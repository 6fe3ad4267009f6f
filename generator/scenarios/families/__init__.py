"""The scenarios themselves, a module for each family of alerts or kind of fault."""
