"""The only door to other programs, the clock, locks and files that must not break.

Everything here either happens whole or not at all, or says why.
"""

from lvsnat.system.clock import Clock, SystemClock, boot_id
from lvsnat.system.ends import interrupted_by_every_end, uninterrupted
from lvsnat.system.files import (
    StagedFile,
    read_file,
    remove_file,
    stamp,
    sweep,
    write_file,
)
from lvsnat.system.locks import is_locked, locked
from lvsnat.system.programs import Completed, port_number, run

__all__ = [
    "Clock",
    "Completed",
    "StagedFile",
    "SystemClock",
    "boot_id",
    "interrupted_by_every_end",
    "is_locked",
    "locked",
    "port_number",
    "read_file",
    "remove_file",
    "run",
    "stamp",
    "sweep",
    "uninterrupted",
    "write_file",
]
