"""Real data in: every source returns checked arrays."""

from gtn_nas.data.arrays import RawData
from gtn_nas.data.sources import SOURCES, read_source, split_size

__all__ = ["SOURCES", "RawData", "read_source", "split_size"]
