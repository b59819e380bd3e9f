"""Claim: ``mixed`` gives the exact meta-gradient in no more time than ``higher`` and a fraction of its memory.

The same as ``gtn-nas bench meta-step``; takes its options, ``--json FILE`` among them.
"""

import sys

from gtn_nas.cli.app import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "meta-step"]
    main()
