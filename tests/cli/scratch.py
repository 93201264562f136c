"""Files of a test, in folders that nobody else writes and that vanish with it."""

import os
import tempfile
import unittest
from pathlib import Path


def own_temporary_folder():
    """For setUpModule: temporary files of these tests, and of the programs they start, lie in a folder of their own."""
    own = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(own.cleanup)
    os.environ["TMPDIR"] = tempfile.tempdir = own.name


class ScratchTest(unittest.TestCase):
    """A test with a folder."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path
