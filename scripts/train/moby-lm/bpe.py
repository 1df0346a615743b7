"""Byte-level BPE, trained here and written in the format that `@huggingface/tokenizers` reads."""

import collections
import json
import re

END = "<|endoftext|>"
PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
"""The ByteLevel pre-tokenizer's pattern in Python's words."""


def byte_letters():
    """A printable letter for each byte, as ByteLevel tokenizers write them."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    letters, extra = {byte: chr(byte) for byte in plain}, 256
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(extra)
            extra += 1
    return letters


class Bpe:
    def __init__(self, merges):
        self.letters = byte_letters()
        self.merges = merges
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        tokens = [END, *sorted(self.letters.values()), *(left + right for left, right in merges)]
        self.ids = {token: at for at, token in enumerate(tokens)}
        self.known = {}

    def encode(self, text):
        return [self.ids[token] for piece in PIECES.findall(text) for token in self.tokens(piece)]

    def tokens(self, piece):
        if piece not in self.known:
            parts = [self.letters[byte] for byte in piece.encode()]
            while len(parts) > 1:
                pairs = [(self.ranks.get(pair, len(self.ranks)), at) for at, pair in enumerate(zip(parts, parts[1:]))]
                rank, at = min(pairs)
                if rank == len(self.ranks):
                    break
                parts[at : at + 2] = [parts[at] + parts[at + 1]]
            self.known[piece] = parts
        return self.known[piece]

    def tokenizer_json(self):
        end = {"id": 0, "content": END, "single_word": False, "lstrip": False, "rstrip": False}
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{**end, "normalized": False, "special": True}],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": self.ids,
                "merges": [" ".join(pair) for pair in self.merges],
            },
        }

    def write(self, path):
        path.write_text(json.dumps(self.tokenizer_json(), ensure_ascii=False, indent=None))


def train(text, size):
    """Merges the most frequent pair until there are `size` tokens; of equally frequent ones the first in order."""
    letters = byte_letters()
    words = collections.Counter(PIECES.findall(text))
    parts = {word: [letters[byte] for byte in word.encode()] for word in words}
    merges = []
    while 1 + 256 + len(merges) < size:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(parts[word], parts[word][1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, letters_of in parts.items():
            if best[0] in letters_of:
                parts[word] = merged(letters_of, best)
    return Bpe(merges)


def merged(parts, pair):
    out, at = [], 0
    while at < len(parts):
        if at + 1 < len(parts) and (parts[at], parts[at + 1]) == pair:
            out.append(pair[0] + pair[1])
            at += 2
        else:
            out.append(parts[at])
            at += 1
    return out
