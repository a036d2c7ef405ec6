# Loads the filter of system calls that a unit says, by the library that systemd itself uses, then becomes the program.
#   unit-filter.py {"allow": […], "families": […], "noNamespaces": true} PROGRAM ARGS…
import ctypes
import json
import os
import socket
import sys

ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM, ENOSYS
EQUAL, MASKED_EQUAL = 4, 7
# sched.h: every CLONE_NEW… flag that clone(2) takes.
NAMESPACES = 0x7E020000


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
wanted, program = json.loads(sys.argv[1]), sys.argv[2:]
context = ctypes.c_void_p(library.seccomp_init(REFUSE))


def rule(action, name, *comparisons):
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number < 0:  # Another architecture's.
        return
    array = (Comparison * max(1, len(comparisons)))(*comparisons)
    failed = library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), array)
    if failed:
        sys.exit(f"unit-filter: no rule for {name}: {os.strerror(-failed)}")


allowed = set(wanted["allow"])
if wanted["noNamespaces"]:
    allowed -= {"unshare", "setns", "clone", "clone3"}
    rule(ALLOW, "clone", Comparison(0, MASKED_EQUAL, NAMESPACES, 0))
    # Its flags lie in memory, which no filter sees: libraries fall back to clone.
    rule(UNKNOWN, "clone3")
if "families" in wanted:
    allowed -= {"socket"}
    for family in wanted["families"]:
        rule(ALLOW, "socket", Comparison(0, EQUAL, getattr(socket, family), 0))
for name in sorted(allowed):
    rule(ALLOW, name)
if library.seccomp_load(context):
    sys.exit("unit-filter: the kernel refused the filter")
os.execvp(program[0], program)
