"""Makes the toy world importable by the laws beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
