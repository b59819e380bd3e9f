"""Network building blocks shared by the search spaces."""

from gtn_nas.nets.blocks import ACTIVATIONS, NORMALISATIONS, OPERATORS, Block, Pool, kaiming_init, make_norm

__all__ = ["ACTIVATIONS", "NORMALISATIONS", "OPERATORS", "Block", "Pool", "kaiming_init", "make_norm"]
