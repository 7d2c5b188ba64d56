"""Long campaigns against the store: run one as ``python -m tests.campaigns.kill --cycles 200``; a sample is a test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' fakes are imported as the tests import them
