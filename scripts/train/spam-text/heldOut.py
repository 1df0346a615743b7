"""Prints the held-out mails as JSON: label and text each. Needs nothing but numpy.

    heldOut.py CORPUS_FOLDER
"""

import json
import pathlib
import sys

import corpus

mails = [mail for mail in corpus.read_corpus(pathlib.Path(sys.argv[1])) if mail.held_out]
json.dump([{"label": mail.label, "text": mail.text} for mail in mails], sys.stdout)
