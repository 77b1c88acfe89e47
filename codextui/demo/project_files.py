"""The files that the demo's three threads write: a small program, its tests, its README.

As first written, the program counts `The` and `the` as two words and splits `don't`; the tests
find both errors.
"""

SAMPLE = """\
The keeper of the lamp climbs the stairs when the sun goes down.
The stairs don't creak, for the keeper knows each one of them.
Don't ask the keeper why the lamp is lit: ships don't ask, they only look for the lamp.
"""
"""`sample.txt`, which the project starts with."""

PROGRAM = '''\
"""Counts the words of a text file and shows the most common ones."""

import argparse
import re
from collections import Counter
from pathlib import Path

WORD = re.compile(r"[A-Za-z]+")


def tally(text):
    """Returns how often each word occurs."""
    return Counter(WORD.findall(text))


def chart(counts, top):
    """Returns the most common words as the lines of a bar chart."""
    rows = counts.most_common(top)
    width = max((len(word) for word, _ in rows), default=0)
    return [f"{word:<{width}}  {'#' * count} {count}" for word, count in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--top", type=int, default=10, help="how many words to show")
    options = parser.parse_args()
    counts = tally(options.file.read_text(encoding="utf-8"))
    print("\\n".join(chart(counts, options.top)))


if __name__ == "__main__":
    main()
'''
"""`wordtally.py` as the builder first writes it."""

TESTS = """\
import unittest

from wordtally import chart, tally


class TallyTest(unittest.TestCase):
    def test_each_word_is_counted(self):
        self.assertEqual(tally("one two two"), {"one": 1, "two": 2})

    def test_case_does_not_matter(self):
        self.assertEqual(tally("The the THE"), {"the": 3})

    def test_an_apostrophe_belongs_to_its_word(self):
        self.assertEqual(tally("don't and won't"), {"don't": 1, "and": 1, "won't": 1})

    def test_nothing_makes_an_empty_chart(self):
        self.assertEqual(chart(tally(""), 10), [])


if __name__ == "__main__":
    unittest.main()
"""
"""`test_wordtally.py`."""

FIX = """\
*** Begin Patch
*** Update File: wordtally.py
@@
-WORD = re.compile(r"[A-Za-z]+")
+WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
@@
     \"\"\"Returns how often each word occurs.\"\"\"
-    return Counter(WORD.findall(text))
+    return Counter(WORD.findall(text.lower()))
*** End Patch
"""
"""The patch that makes the tests pass."""

JSON_OPTION = """\
*** Begin Patch
*** Update File: wordtally.py
@@
 import argparse
+import json
 import re
@@
     parser.add_argument("--top", type=int, default=10, help="how many words to show")
+    parser.add_argument("--json", action="store_true", help="print one JSON object")
     options = parser.parse_args()
     counts = tally(options.file.read_text(encoding="utf-8"))
-    print("\\n".join(chart(counts, options.top)))
+    if options.json:
+        print(json.dumps(dict(counts.most_common(options.top))))
+    else:
+        print("\\n".join(chart(counts, options.top)))
*** End Patch
"""
"""The patch of the follow-up turn."""

README = """\
# wordtally

Counts the words of a text file and shows the most common ones.

    python3 wordtally.py sample.txt --top 3

- A word is letters and the apostrophes between them: `don't` is one word.
- Case does not matter: `The` and `the` are the same word.
- `--top N` shows the N most common words, ten where it is not given.

Run the tests with `python3 -m unittest`.
"""
"""`README.md`."""
