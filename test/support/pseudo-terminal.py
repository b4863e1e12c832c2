"""Runs a command on a pseudo-terminal of its own: argv is ROWS COLUMNS COMMAND... What it writes goes to standard output as it comes,
standard input is what the user types. At the end standard error gets one line of JSON: the exit code, and whether the terminal was
left as it was found."""
import fcntl, json, os, pty, select, struct, subprocess, sys, termios

rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
before = termios.tcgetattr(slave)


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal)
typing = [0]
while True:
    ready, _, _ = select.select([master] + typing, [], [], 0.1)
    if 0 in ready:
        keys = os.read(0, 1024)
        if keys == b"":
            typing = []
        # A line of its own kind: signals the child instead of typing.
        elif keys.startswith(b"\x00"):
            child.send_signal(int(keys[1:]))
        else:
            os.write(master, keys)
    if master in ready:
        os.write(1, os.read(master, 65536))
    elif child.poll() is not None:
        break
after = termios.tcgetattr(slave)
sys.stderr.write(json.dumps({"code": child.returncode, "isRestored": before == after}) + "\n")
