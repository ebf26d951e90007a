"""`python tools/translations update|check`: see README.md beside this file."""

from __future__ import annotations

import sys

from catalogs import check, update

if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        print(update())
    elif sys.argv[1:] == ["check"]:
        faults = check()
        print("\n".join(faults) or "complete")
        sys.exit(1 if faults else 0)
    else:
        sys.exit("usage: python tools/translations update|check")
