"""Tests against real databases and storages: `make test-servers` installs them."""
