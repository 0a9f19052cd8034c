"""Take rights away from this process for good: files, network, programs, memory. Linux only.

Landlock decides about files, seccomp about system calls, resource limits about the rest. None of
them needs another user, a container or rights of an administrator.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import site
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["enter", "missing", "readable"]

MEMORY = 2 * 2**30  # bytes, beyond what the process has when it enters
LARGEST_FILE = 16 * 2**20  # bytes
OPEN_FILES = 64

# Numbers of Landlock's system calls, the same on all architectures: linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_WRITE = 1 << 1 | 1 << 5 | 1 << 8  # write to a file, remove one, make one
_TRUNCATE = 1 << 14
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights each version knows; later ones 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # seccomp.h
_UNKNOWN_CALL = 0x00050000 | errno.ENOSYS
_CLONE_THREAD = 0x00010000
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
# What would start, stop or look into processes, reach a network, or change what Landlock does not
# look after: modes, owners, times, memory that belongs to no process.
_REFUSED = (
    *("fork", "vfork", "execve", "execveat", "kill", "tkill", "tgkill"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"),
    *("socket", "connect", "bind", "listen", "sendto", "sendmsg"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"),
    *("setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
    *("memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "msgget", "semget", "mq_open"),
    *("setrlimit", "setpriority", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot"),
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key"),
    *("open_by_handle_at",),
)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def missing() -> str:
    """Say what this system lacks to run strangers' code, or nothing."""
    if not sys.platform.startswith("linux"):
        return "Linux"
    if _landlock_version() < 1:
        return "a Linux kernel with Landlock (5.13 or later, switched on)"
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return "libseccomp (package libseccomp2, or libseccomp)"
    return ""


def readable() -> list[Path]:
    """Give what Python itself reads: its library, its packages but the project's, the system's."""
    places = [Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")]
    places += [Path(p) for p in ("/dev/null", "/dev/urandom", "/dev/zero", "/etc/ld.so.cache")]
    packages = {Path(p).resolve() for p in (*site.getsitepackages(), *_paths("purelib", "platlib"))}
    for folder in packages:
        places += [p for p in _listed(folder) if not p.name.lower().startswith(("cozad", "__ed"))]
    library = Path(sysconfig.get_path("stdlib")).resolve()
    places += [p for p in _listed(library) if p.resolve() not in packages]
    return [p for p in places if p.exists() and not any(_holds(p, q) for q in packages)]


def enter(folder: Path, places: Iterable[Path], *, seconds: int) -> None:
    """Leave this process, until its end, one folder to write to and a few places to read.

    Parameters
    ----------
    folder : pathlib.Path
        Files in it may be made, written and removed.
    places : iterable of pathlib.Path
        May be read, with all that lies below.
    seconds : int
        Of computing time, then the process is stopped.

    Raises
    ------
    OSError
        If a step fails; the process must not run strangers' code then.
    """
    _limit(seconds)
    libc = ctypes.CDLL(None, use_errno=True)
    _drop_capabilities(libc)
    _check(libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    _restrict_files(libc, folder, places)
    _restrict_calls()


def _paths(*names: str) -> Iterator[str]:
    return (sysconfig.get_path(name) for name in names)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _holds(place: Path, other: Path) -> bool:
    return other.is_relative_to(place.resolve())


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _landlock_version() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def _limit(seconds: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    used = int(sum(os.times()[:2]))
    # The first limit of time tells why it stops a process, the second stops it whatever it does.
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds + 1))
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Of an administrator too: limits and modes of files hold for who has no capability."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # third version, this process
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()))


def _restrict_files(libc: ctypes.CDLL, folder: Path, places: Iterable[Path]) -> None:
    version = _landlock_version()
    handled = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    rules = _Ruleset(handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    made = _check(libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    read = _READ_FILE | _READ_FOLDER
    for place, rights in [*((p, read) for p in places), (folder, read | _WRITE | _TRUNCATE)]:
        with _opened(place) as handle:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                rights &= ~_READ_FOLDER
            rule = _Beneath(rights & handled, handle)
            _check(libc.syscall(_ADD_RULE, made, 1, ctypes.byref(rule), 0))
    _check(libc.syscall(_RESTRICT_SELF, made, 0))
    os.close(made)


@contextlib.contextmanager
def _opened(place: Path) -> Iterator[int]:
    handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _restrict_calls() -> None:
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_ALLOW)))

    def refuse(name: str, action: int, *comparisons: _Comparison) -> None:
        call = seccomp.seccomp_syscall_resolve_name(name.encode())
        if call == -1:  # an older libseccomp, which does not know it, or another architecture
            return
        array = (_Comparison * len(comparisons))(*comparisons)
        result = seccomp.seccomp_rule_add_array(
            rules, ctypes.c_uint32(action), call, ctypes.c_uint(len(comparisons)), array
        )
        if result < 0 and call >= 0:
            raise OSError(-result, os.strerror(-result))

    for name in _REFUSED:
        refuse(name, _REFUSE)
    # Threads may be begun, processes not; of `clone3` the arguments cannot be seen, and the C
    # library takes `clone` where there is none.
    refuse("clone3", _UNKNOWN_CALL)
    refuse("clone", _REFUSE, _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, 0))
    refuse("prlimit64", _REFUSE, _Comparison(2, _NOT_EQUAL, 0, 0))
    result = seccomp.seccomp_load(rules)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
