#!/usr/bin/python3
"""Measures the window as built: first paint, the processor time until then, and the
memory of all its processes.

    gui/scripts/measure.py target/release/sesshoku-gui [RUNS]

Needs Xvfb and WebKitWebDriver. There is no daemon: the window says so. On a machine
that does other things, the least of several runs says most, and the processor time."""

import collections
import glob
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
TICKS = os.sysconf("SC_CLK_TCK")


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


def processes(group):
    """The window's processes, by id and name."""
    for status in glob.glob("/proc/[0-9]*/stat"):
        pid = int(status.split("/")[2])
        try:
            name = open(f"/proc/{pid}/comm").read().strip()
            if os.getpgid(pid) == group and name != "WebKitWebDriver":
                yield pid, name
        except (FileNotFoundError, ProcessLookupError):
            continue


def cpu_seconds(group):
    total = 0
    for pid, _ in processes(group):
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mib(group):
    total, files = 0, collections.Counter()
    for pid, name in processes(group):
        own, file = 0, ""
        for line in open(f"/proc/{pid}/smaps"):
            words = line.split()
            if words[0] == "Pss:":
                own += int(words[1])
                files[file] += int(words[1])
            elif not words[0].endswith(":"):
                file = os.path.basename(words[5]) if len(words) > 5 else "no file"
        print(f"  {name}: {own / 1024:.0f} MiB")
        total += own
    for file, kib in files.most_common(6):
        print(f"    of all, {file}: {kib / 1024:.0f} MiB")
    return total / 1024


def main():
    binary = os.path.abspath(sys.argv[1])
    display = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24"], stdout=subprocess.PIPE, text=True
    )
    home = tempfile.mkdtemp()
    environment = os.environ | {
        "DISPLAY": f":{display.stdout.readline().strip()}",
        "TAURI_WEBVIEW_AUTOMATION": "true",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        "NO_AT_BRIDGE": "1",
        "HOME": home,
        "SESSHOKU_BUS": "unix:path=/nonexistent",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
        "LC_ALL": "ja_JP.UTF-8",
    }
    driver = subprocess.Popen(
        ["WebKitWebDriver", f"--port={PORT}"], env=environment, start_new_session=True
    )
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    paints, cpus = [], []
    try:
        for run in range(runs + 1):
            capabilities = {"webkitgtk:browserOptions": {"binary": binary}}
            deadline = time.time() + 30
            while True:
                try:
                    begun = time.time()
                    session = ask(
                        "POST", "/session", {"capabilities": {"alwaysMatch": capabilities}}
                    )["sessionId"]
                    break
                except OSError:
                    if time.time() > deadline:
                        raise
                    time.sleep(0.1)
            script = (
                "const paint = performance.getEntriesByType('paint').at(-1);"
                "return document.querySelector('h1') && paint"
                " ? performance.timeOrigin + paint.startTime : null"
            )
            while (paint := ask("POST", f"/session/{session}/execute/sync", {"script": script, "args": []})) is None:
                time.sleep(0.02)
            group = os.getpgid(driver.pid)
            cpu = cpu_seconds(group)
            seconds = paint / 1000 - begun
            print(f"{'warm' if run else 'cold'}: first paint after {seconds:.2f} s, {cpu:.2f} s of processor time")
            if run:
                paints.append(seconds)
                cpus.append(cpu)
            if run == runs:
                time.sleep(2)
                print(f"PSS: {pss_mib(group):.0f} MiB in all")
            ask("DELETE", f"/session/{session}")
        for what, values in (("first paint", paints), ("processor time", cpus)):
            least, middle = min(values), statistics.median(values)
            print(f"{what}, warm: least {least:.2f} s, median {middle:.2f} s")
    finally:
        os.killpg(driver.pid, 15)
        display.terminate()


main()
