"""Measurements that ship with the package, so that a claim can be checked on the reader's own machine."""
