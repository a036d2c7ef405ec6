# Makes the file system what a unit says, step by step, in the mount namespace it is started in; then becomes the program after `--`.
#   unit-mounts.py RUN UMASK COREDUMP_FILTER STEP PATH… -- PROGRAM ARGS…
# RUN is the directory of the lab's run: it stays where it is, also when what is around it is hidden. systemd.exec(5) has the settings. One
# process for all of it: a lab starts several at once, and mount(8) for each step would cost a second on a busy machine.
import ctypes
import os
import re
import sys

READ_ONLY, NOSUID, NODEV, REMOUNT, BIND, MOVE, RECURSIVE = 1, 2, 4, 32, 4096, 8192, 16384
LEFT_ALONE = re.compile(r"/(proc|sys|dev|run/netns/.*)(/|$)")
HARMLESS = ["null", "zero", "full", "random", "urandom", "tty"]
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, flags, kind=None, options=None):
    words = [word and word.encode() for word in (source, target, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options and options.encode()):
        sys.exit(f"unit-mounts: {source} on {target}: {os.strerror(ctypes.get_errno())}")


def bind(source, target):
    mount(source, target, BIND | RECURSIVE)


def remount(path, flags):
    mount(None, path, REMOUNT | BIND | flags)


def freeze(path):
    bind(path, path)
    remount(path, READ_ONLY)


def mask(path):
    if os.path.isdir(path):
        mount("tmpfs", path, NOSUID, "tmpfs", "mode=000,nr_inodes=2")
    else:
        bind("/dev/null", path)


def devices(path):
    mount("tmpfs", "/mnt", NOSUID, "tmpfs", "mode=755")
    for name in HARMLESS:
        open(f"/mnt/{name}", "w").close()
        bind(f"/dev/{name}", f"/mnt/{name}")
    mount("/mnt", path, MOVE)


def strict(_path):
    """Every mount that can be seen becomes read-only, but for those that the setting leaves alone."""
    with open("/proc/self/mountinfo") as table:
        escaped = [line.split(" ")[4] for line in table]
    for point in {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), one) for one in escaped}:
        if not LEFT_ALONE.match(point) and os.path.ismount(point):
            remount(point, READ_ONLY)


def back(path):
    os.makedirs(path, exist_ok=True)
    # The working directory is still what was there before it was hidden.
    bind(".", path)


STEPS = {
    "tmp": lambda path: mount("tmpfs", path, NOSUID | NODEV, "tmpfs", "mode=1777"),
    "mask": mask,
    "devices": devices,
    "back": back,
    "freeze": freeze,
    "keep": lambda path: bind(path, path),
    "strict": strict,
    "write": lambda path: remount(path, 0),
}
OPTIONAL = ["mask", "freeze"]

began = os.getcwd()
run, umask, dumped, *rest = sys.argv[1:]
os.chdir(run)
at = 0
while rest[at] != "--":
    step, path = rest[at], rest[at + 1]
    if step == "show":
        bind(path, rest[at + 2])
        at += 1
    elif step not in OPTIONAL or os.path.exists(path):
        STEPS[step](path)
    at += 2
os.chdir(began)
with open("/proc/self/coredump_filter", "w") as own:
    own.write(dumped)
os.umask(int(umask, 8))
os.execvp(rest[at + 1], rest[at + 1 :])
