"""Run one command that must not outlive the process that asked for it.

embedded.py starts this file as a script (`python -I -S`), so it uses the standard library only:

    supervisor.py PARENT UID GID [FOLDER...] -- COMMAND...

Standard input is one end of a socket pair. The pid of the command is written to it as a line;
a byte from the other end, or its closing, asks for the end of the command. The command gets
SIGINT (PostgreSQL: fast shutdown) then and when PARENT is gone, SIGQUIT and SIGKILL if that
does not help. The folders are removed if PARENT no longer lives to do it. Exits with the
command's code, 128 + n after signal n.

Why a process of its own, instead of `preexec_fn` or the kernel's parent-death signal alone:
that signal follows the thread that started the child, so a server started from a short-lived
thread would stop with it, `preexec_fn` may deadlock where threads run, and macOS has no such
signal. Here any thread may start a server and every platform has the same path. On Linux the
command still gets the parent-death signal, from this single-threaded process, so that killing
both pythons leaves no server either.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress

LIFELINE = 0
LOOK_SECONDS = 1.0
# Signal, and how many seconds it has before the next one. The last is used first.
ESCALATION = [(signal.SIGKILL, math.inf), (signal.SIGQUIT, 10.0), (signal.SIGINT, 20.0)]
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    parent, uid, gid = (int(number) for number in arguments[:3])
    folders, command = arguments[3:split], arguments[split + 1 :]
    # Before the change of user, after which the library might be out of reach.
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    wake = listen_for_signals()
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    own_pid = os.getpid()
    child = os.fork()
    if child == 0:
        become(command, own_pid, libc)
    with suppress(OSError):  # the parent is gone; the loop below sees it
        os.write(LIFELINE, b"%d\n" % child)
    code = watch(child, parent, wake)
    if os.getppid() != parent:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def listen_for_signals() -> int:
    """Make signals readable from the returned descriptor instead of ending this process."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    wake, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    return wake


def _ignore(number: int, frame: object) -> None:
    """Handle a signal without ignoring it: an ignored one would not be written to the pipe."""


def become(command: list[str], parent: int, libc: ctypes.CDLL | None) -> None:
    """Turn this process, a fresh child of `parent`, into `command`. Never returns."""
    try:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() == parent:  # else it died before the kernel was asked
            os.dup2(os.open(os.devnull, os.O_RDWR), LIFELINE)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # python ignores them
                signal.signal(number, signal.SIG_DFL)
            os.execv(command[0], command)  # noqa: S606
    except Exception as error:
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    finally:
        os._exit(127)


def watch(child: int, parent: int, wake: int) -> int:
    """Wait for `child`, ending it when asked or when `parent` is gone; return its exit code."""
    due = math.inf
    remaining = list(ESCALATION)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= due:
            number, patience = remaining.pop()
            os.kill(child, number)
            due = time.monotonic() + patience
        asked_before = len(remaining) < len(ESCALATION)
        watched = [wake] if asked_before else [wake, LIFELINE]
        ready = select.select(watched, [], [], LOOK_SECONDS)[0]
        asked = LIFELINE in ready
        if wake in ready:
            asked |= any(number != signal.SIGCHLD for number in os.read(wake, 512))
        # A fork of the parent may hold the socket open, so that its closing is not enough.
        asked |= os.getppid() != parent
        if asked and not asked_before:
            due = time.monotonic()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
