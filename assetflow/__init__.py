"""A build system for data: declare assets as typed functions, see what is stale and why, rebuild exactly that."""
