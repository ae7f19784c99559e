"""Puts this folder on the path, so that the tests of the operators find `coverage_fakes` too."""
