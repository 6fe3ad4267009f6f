"""What the kernel's socket tables say of the service."""
