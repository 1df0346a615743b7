"""Reads the SpamAssassin corpus into plain messages: text as a person would have posted it, label, cluster, split.

What a mail carries around its message is thrown away, because it would give the label away for the wrong reason:
headers, quoted replies, signatures, list footers, PGP blocks and HTML markup.
"""

import email
import email.policy
import hashlib
import html
import html.parser
import json
import pathlib
import re
import zlib
from dataclasses import dataclass

import numpy as np

GROUPS = {"easy-ham-1": 0, "easy-ham-2": 0, "hard-ham-1": 0, "spam-1": 1, "spam-2": 1}
HELD_OUT_PERCENT = 20
MAX_BYTES = 8128
"""UTF-8 bytes of the longest text that fits the manifest's 8192 bytes of ABI-encoded input; longer mails are cut."""


@dataclass
class Mail:
    id: str
    """`group/number`, as in the corpus."""
    label: int
    """0 ham, 1 spam."""
    subject: str
    body: str
    cluster: int = -1
    """Mails of one cluster are near-identical or share a subject; a cluster is never split."""
    held_out: bool = False

    @property
    def text(self) -> str:
        text = f"{self.subject}\n{self.body}".strip()
        return text.encode()[:MAX_BYTES].decode(errors="ignore")


class _TextOfHtml(html.parser.HTMLParser):
    HIDDEN = {"script", "style", "head", "title"}
    BREAKS = {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "table"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        if tag in self.HIDDEN:
            self.hidden += 1
        elif tag in self.BREAKS:
            self.parts.append("\n")
        elif tag == "td":
            self.parts.append(" ")

    def handle_endtag(self, tag):
        if tag in self.HIDDEN and self.hidden:
            self.hidden -= 1

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def _text_of_html(source: str) -> str:
    parser = _TextOfHtml()
    try:
        parser.feed(source)
        parser.close()
    except (AssertionError, ValueError):  # spam that is not HTML at all after its first bytes
        return html.unescape(re.sub(r"<[^>]*>", " ", source))
    return "".join(parser.parts)


def _payload(part) -> str:
    data = part.get_payload(decode=True) or b""
    charset = part.get_content_charset() or "latin-1"
    try:
        return data.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return data.decode("latin-1")


def _body(message) -> str:
    plain, marked = [], []
    for part in message.walk():
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/plain":
            text = _payload(part)
            # Much spam declares its HTML as plain text, or declares nothing.
            (marked if re.search(r"<(html|body|table|font|br|p)\b", text[:4000], re.I) else plain).append(text)
        elif kind == "text/html":
            marked.append(_payload(part))
    if any(text.strip() for text in plain):
        return "\n".join(plain)
    return "\n".join(_text_of_html(text) for text in marked)


_END = re.compile(r"^(--\s*|_{8,}.*|-{8,}.*|={8,}.*|-----BEGIN PGP SIGNATURE-----.*)$")
_DROP = re.compile(
    r"^\s*([>|:}#].*|\w{0,3}>.*|On .{5,120}wrote:?|.{0,80}(wrote|writes|said|schrieb):|-----BEGIN PGP.*|Hash: .*"
    r"|(From|To|Cc|Subject|Date|Sent|URL|Message-ID|Received|Return-Path|Importance|MIME-Version|X-[\w-]+"
    r"|Content-[\w-]+):.*|.*Original Message.*|.*Forwarded (Message|by).*"
    # Footers that list servers add to every mail.
    r"|.*(/mailman/|yahoogroups\.com|sf\.net email is sponsored|sourceforge\.net/lists|mailing list).*)\s*$",
    re.I,
)


def _printable(text: str) -> str:
    """Without control characters, and without the replacement marks that the corpus has for undecodable bytes."""
    text = text.replace("\\ufffd", "").replace("\ufffd", "")
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32 and not 0x7F <= ord(c) < 0xA0)


def _clean(body: str) -> str:
    lines = []
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.rstrip()
        if _END.match(line) and sum(len(kept) for kept in lines) > 40:
            break  # a rule near the top is decoration, further down it starts a signature or a footer
        if not _DROP.match(line) and not _END.match(line):
            lines.append(line)
    text = "\n".join(lines)
    text = _printable(text)
    text = re.sub(r"[ \t\xa0]+", " ", text)
    return re.sub(r"\n\s*\n+", "\n", text).strip()


def _subject(message) -> str:
    raw = str(message.get("subject") or "")
    raw = _printable(raw).replace("\n", " ")
    previous = None
    while previous != raw:
        previous = raw
        raw = re.sub(r"^\s*((re|fw|fwd|aw|sv)(\[\d+\])?:|\[[^\]]{1,40}\]|\(fwd\))\s*", "", raw, flags=re.I)
    # Spam pads its subject with a random tail.
    return re.sub(r"\s{3,}\S*$", "", raw).strip()


def _shingles(text: str) -> set:
    words = re.findall(r"[a-z0-9$]+", text.lower())
    return {zlib.crc32(" ".join(words[i : i + 4]).encode()) for i in range(max(1, len(words) - 3))}


class _Sets:
    """Union-find over mail indices."""

    def __init__(self, size):
        self.parent = list(range(size))

    def find(self, i):
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, a, b):
        a, b = self.find(a), self.find(b)
        self.parent[max(a, b)] = min(a, b)


def _near_duplicates(mails: list) -> list:
    """Pairs (earlier, later) that share a MinHash band and have a Jaccard similarity of at least 0.6."""
    rng = np.random.RandomState(7)
    a = rng.randint(1, 2**31, 64).astype(np.uint64)
    b = rng.randint(0, 2**31, 64).astype(np.uint64)
    sets = [_shingles(mail.text) for mail in mails]
    pairs, bands = set(), {}
    for index, shingles in enumerate(sets):
        values = np.fromiter(sorted(shingles), dtype=np.uint64)
        # 32-bit multiply-shift hashing; wrap-around is intended.
        signature = ((values[None, :] * a[:, None] + b[:, None]) >> np.uint64(20)).astype(np.uint32).min(axis=1)
        for band in range(16):
            bands.setdefault((band, signature[band * 4 : band * 4 + 4].tobytes()), []).append(index)
    for members in bands.values():
        first = members[0]
        for other in members[1:]:
            if (first, other) not in pairs:
                union = len(sets[first] | sets[other])
                if len(sets[first] & sets[other]) >= 0.6 * union:
                    pairs.add((first, other))
    return sorted(pairs)


def read_corpus(folder: pathlib.Path) -> list:
    """Every usable mail once: cleaned, near-duplicates removed, clustered and split by hash."""
    mails = []
    for group, label in GROUPS.items():
        for path in sorted((folder / group).glob("*.json")):
            entry = json.loads(path.read_text(encoding="utf-8"))
            message = email.message_from_string(entry["text"], policy=email.policy.compat32)
            mail = Mail(f"{group}/{entry['id']}", label, _subject(message), _clean(_body(message)))
            if len(re.findall(r"[A-Za-z]{2,}", mail.text)) >= 3:
                mails.append(mail)

    duplicates = _near_duplicates(mails)
    sets = _Sets(len(mails))
    for a, b in duplicates:
        sets.join(a, b)
    by_subject = {}
    for index, mail in enumerate(mails):
        words = re.findall(r"[a-z]{2,}", mail.subject.lower())
        if len(words) >= 2:
            sets.join(by_subject.setdefault(" ".join(words), index), index)

    dropped = {later for _, later in duplicates}
    kept = []
    for index, mail in enumerate(mails):
        if index in dropped:
            continue
        root = sets.find(index)
        mail.cluster = root
        digest = hashlib.sha256(f"split:{mails[root].id}".encode()).digest()
        mail.held_out = int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT
        kept.append(mail)
    return kept
