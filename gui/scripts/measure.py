#!/usr/bin/python3
"""Measures the window as built: first paint, and the memory of all its processes.

    gui/scripts/measure.py target/release/sesshoku-gui

Needs Xvfb and WebKitWebDriver. There is no daemon: the window says so."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

PORT = 4871


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


def pss_kib(group):
    total = 0
    for status in glob.glob("/proc/[0-9]*/stat"):
        try:
            pid = status.split("/")[2]
            if os.getpgid(int(pid)) != group:
                continue
            name = open(f"/proc/{pid}/comm").read().strip()
            rollup = open(f"/proc/{pid}/smaps_rollup").read()
            pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            if name != "WebKitWebDriver":
                print(f"  {name}: {pss / 1024:.0f} MiB")
                total += pss
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue
    return total


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
        "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
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
    try:
        for run in ("cold", "warm", "warm"):
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
            print(f"{run}: first paint {paint / 1000 - begun:.2f} s after the start")
            if run == "warm":
                time.sleep(2)
                print(f"  PSS in all: {pss_kib(os.getpgid(driver.pid)) / 1024:.0f} MiB")
            ask("DELETE", f"/session/{session}")
    finally:
        os.killpg(driver.pid, 15)
        display.terminate()


main()
