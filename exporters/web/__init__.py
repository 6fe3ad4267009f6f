"""A small, strict HTTP server with bounds on everything."""
