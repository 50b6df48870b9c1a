"""Writes the regular expression of a URL in the form of ``path()``."""

from __future__ import annotations

import re

__all__ = ["readable"]

_TOKENS = re.compile(
    r"""
    (?P<anchor> \^ | \$ | \\[AZbB] )                 # where it begins and ends
  | (?P<kind> \\[dDsSwW] | \. | \[ \^? \]? (?:\\.|[^\]\\])* \] )  # any of several characters
  | \\(?P<escaped> . )                               # a character that would mean something else
  | \(\?P<(?P<name> \w+ )>                           # an argument with a name
  | (?P<aside> \(\? (?: <?[=!] | \# | P= ) )         # what is looked at and not taken
  | (?P<flags> \(\? [aiLmsux]+ \) )
  | (?P<plain> \(\? [aiLmsux-]* : | \(\?> )          # a group that is no argument
  | (?P<open> \( )                                   # an argument without a name
  | (?P<close> \) )
  | (?P<times> [?*+] | \{ \d* ,? \d* \} )
  | (?P<literal> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_NONE_WILL_DO = ("?", "*", "??", "*?", "{0", "{,")


def readable(regex: str) -> str:
    """``^personen/(?P<bsn>\\d{9})/$`` as ``personen/<bsn>/``.

    An argument without a name is ``<var>``. A group that may be left out, and is no argument itself, is left out. A kind of characters
    outside any argument is written as it is: ``jaar/\\d{4}/``.
    """
    written: list[str] = []
    groups: list[tuple[bool, int]] = []  # those that are open: whether what is in it is not written, and where it began
    kept = False  # whether the last token was a kind of characters, whose number belongs to it
    closed = None  # where the group began that the last token closed, when it is no argument
    for token in _TOKENS.finditer(regex):
        what, inside = token.lastgroup, any(hidden for hidden, _ in groups)
        if closed is not None and what == "times" and token[0][:2] in _NONE_WILL_DO:
            del written[closed:]
        closed = None
        if what in ("name", "open", "aside", "plain"):
            if not inside and what in ("name", "open"):
                written.append(f"<{token['name'] or 'var'}>")
            groups.append((what != "plain", len(written)))
        elif what == "close":
            hidden, closed = groups.pop()
            closed = None if hidden else closed
        elif not inside and (what in ("escaped", "literal", "kind") or (what == "times" and kept)):
            written.append(token[0] if what != "escaped" else token["escaped"])
        kept = what == "kind"
    return "".join(written)
