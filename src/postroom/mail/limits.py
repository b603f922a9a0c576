"""The bounds of the reader: what is cut, and where, so that any bytes are read in bounded time. Not a policy on what we accept.

Each cut raises a flag on the letter (`header-limit`, `mime-limit`); the raw letter is always kept whole.
"""

HEADER_BYTES = 100_000
"""One header field, unfolded, in bytes."""
HEADERS_BYTES = 1_000_000
"""The whole header block of a letter or part, in bytes."""
HEADER_LINES = 1_000
"""Header fields in one block, after unfolding."""
DEPTH = 50
"""Levels of nested multiparts and attached messages; what is deeper stays one attachment."""
PARTS = 1_000
"""Parts in one letter; the rest stays one attachment."""
FALSE_BOUNDARIES = 20_000
"""Lines in one multipart that begin like its boundary but are not it."""
ADDRESSES = 10_000
"""Addresses read from one field."""
ADDRESS_CHARS = 1_000
"""Length of one address or display name that is kept."""
IDS = 500
"""Message ids read from References or In-Reply-To."""
ID_CHARS = 998
"""Length of one message id (one line, RFC 5322 section 2.1.1)."""
FILENAME_CHARS = 255
"""Length of a file name that is kept, extension included."""
DETECT_BYTES = 32_768
"""How much of an undeclared text the charset detector sees."""
SUBJECT_CHARS = 20_000
"""Length of a decoded subject."""
CHECKED_BYTES = 262_144
"""A base64 body up to this size is checked for foreign characters when the flags of a letter are asked for."""
