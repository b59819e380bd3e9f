"""``python -m gtn_nas`` is the same program as ``gtn-nas``."""

from gtn_nas.cli.app import main

if __name__ == "__main__":
    main()
