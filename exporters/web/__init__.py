"""The HTTP server: small, strict and bounded."""
