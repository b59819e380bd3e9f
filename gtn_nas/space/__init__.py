"""What a search space is: named parameters, and how to build a network from their values."""

from gtn_nas.space.base import Architecture, ImageTask, SearchSpace
from gtn_nas.space.cost import Cost
from gtn_nas.space.encoding import encode
from gtn_nas.space.loading import available_spaces, load_space

__all__ = ["Architecture", "Cost", "ImageTask", "SearchSpace", "available_spaces", "encode", "load_space"]
