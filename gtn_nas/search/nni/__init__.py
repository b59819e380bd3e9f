"""NNI as a search engine: its tuners and strategies propose, our evaluator scores, the one ledger records.

Nothing here imports ``nni`` before it is used.
"""

from gtn_nas.search.nni.choose import NNI_SAMPLERS, make_nni_sampler

__all__ = ["NNI_SAMPLERS", "make_nni_sampler"]
