"""Peak memory and time of each stage of a qopt command: stages.py [--json FILE] qopt quantize MODEL … (figures on standard output).

Stages are the lines that qopt prints as each ends when its standard error output is no terminal; memory is the process's resident set, read 50 times a second.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

PAGE = 4096


def resident(pid):
    """(all, file-backed and shared) bytes."""
    try:
        _, total, shared, *_ = map(int, pathlib.Path(f"/proc/{pid}/statm").read_text().split())
    except (OSError, ValueError):
        return 0, 0
    return total * PAGE, shared * PAGE


class Watch(threading.Thread):
    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.rows, self.lock = process, [["", time.monotonic(), 0, 0]], threading.Lock()

    def end_stage(self, name):
        with self.lock:
            self.rows[-1][0] = name
            self.rows.append(["afterwards", time.monotonic(), 0, 0])

    def run(self):
        while self.process.poll() is None:
            now = resident(self.process.pid)
            with self.lock:
                row = self.rows[-1]
                if now[0] > row[2]:
                    row[2:] = now
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    a = parser.parse_args()
    process = subprocess.Popen(a.command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    watch = Watch(process)
    watch.start()
    for line in process.stderr:
        if re.match(r"[a-z].*: [0-9.]+ (s|min|h)", line):
            watch.end_stage(line.rpartition(":")[0])
        else:
            sys.stderr.write(line)
    process.wait()
    watch.join()
    ends = [row[1] for row in watch.rows[1:]] + [time.monotonic()]
    rows = [{"stage": name, "seconds": round(end - begin, 2), "peak_mb": peak / 1e6, "of_it_mapped_mb": shared / 1e6}
            for (name, begin, peak, shared), end in zip(watch.rows, ends)]
    for row in rows:
        print(f"{row['seconds']:8.2f} s {row['peak_mb']:9.1f} MB ({row['of_it_mapped_mb']:7.1f} mapped)  {row['stage']}")
    print(f"greatest: {max(row['peak_mb'] for row in rows):.1f} MB, exit status {process.returncode}")
    if a.json:
        a.json.write_text(json.dumps(rows, indent=1))
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
