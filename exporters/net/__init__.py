"""The service's connections, from the kernel's socket tables."""
