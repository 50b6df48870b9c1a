"""Dead letters: records that a register refuses for good. They are kept apart with the reason, and never thrown away."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from verwerkingenlogging.logs.outbox._storage.disk import sync_folder, synced, write_whole
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, Frame, Seal, frame
from verwerkingenlogging.logs.outbox._storage.segment_files import NEW, SEGMENT, header, segments_in
from verwerkingenlogging.support.ids import new_ordered_id

__all__ = ["DeadLetter", "dead_letters", "keep_dead_letters", "put_back"]

DeadLetter = tuple[Frame, bytes, str]
"""A record, its body in clear, and why it was refused."""


def keep_dead_letters(folder: Folder, refusals: Sequence[DeadLetter], seal: Seal | None) -> None:
    """Keep ``refusals`` apart; safe when this returns. Raises OSError."""
    path = folder.refused / (str(new_ordered_id()) + SEGMENT)
    new = path.with_suffix(NEW)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_whole(descriptor, header())
        for record, body, reason in refusals:
            write_whole(descriptor, frame(body, time=record.time, key=record.key, span=record.span, reason=reason, seal=seal))
        synced(descriptor)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    finally:
        os.close(descriptor)
    sync_folder(folder.refused)


def dead_letters(folder: Folder, on_damage: Callable[[str], object] = lambda _: None) -> Iterator[Frame]:
    """The records that were refused and not put back, the oldest refusal first. Raises OSError.

    ``on_damage`` is told the name of each file that cannot be read whole: some of its records are not among these.
    """
    gaps: list[object] = []
    for path in segments_in(folder.refused):
        gaps.clear()
        end = HEADER_SIZE
        try:
            for frame in frames_in(path, path.stem, HEADER_SIZE, lambda *gap: gaps.append(gap)):
                end = frame.end
                yield frame
            damaged = bool(gaps) or path.stat().st_size > end
        except FileNotFoundError:  # put back meanwhile
            continue
        except OSError:
            damaged = True
        if damaged:
            on_damage(path.name)


def put_back(folder: Folder) -> int:
    """Let all refused records be delivered again, under the keys that they had; gives how many. Raises OSError.

    They have the form of a segment whose process is gone, so nothing has to be copied. What of them cannot be read is set aside, as
    with any other.
    """
    count = sum(1 for _ in dead_letters(folder))
    for path in segments_in(folder.refused):
        with suppress(FileNotFoundError):
            path.replace(folder.segment(path.stem))
    sync_folder(folder.path)
    return count
