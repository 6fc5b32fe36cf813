"""Commands that measure and check what the tests are too small for."""
