#!/usr/bin/python3
"""Does what packaging/ gives to operators hold, as far as can be told without running it?

    scripts/operating.py

Prints what is wrong, and fails:

- Prometheus's sample, the alerts, and their unit tests: by promtool;
- an alert without its section in docs/alerts.md, and a section without its alert;
- a query of Grafana's dashboard that is none: by promtool;
- the samples for nginx and Caddy: by `nginx -t` and `caddy validate`;
- manifests for Kubernetes and the file for Compose: by their schemas, and where a container
  may do more than it needs, or is asked for what the servers do not answer.

tests/tests/operating.rs runs them, with the real servers, and tests/install/image the images.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

PACKAGING = Path(__file__).resolve().parent.parent / "packaging"
ALERTS = PACKAGING.parent / "docs/alerts.md"
# Where scripts/setup puts what comes from PyPI.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TOOLS = CACHE / "sesshoku/server-tests/bin"

COMPOSE = """
import json, sys
from compose_spec import PyCompose
PyCompose.from_json(sys.stdin.read()).validate()
"""

wrong = []


def run(what, *command, cwd=None, env=None, given=""):
    """Notes what `command` says where it fails."""
    path = {"PATH": os.environ["PATH"] + ":/usr/sbin:/usr/bin"}
    ended = subprocess.run(
        command, cwd=cwd, env=path | (env or {}), input=given, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    if ended.returncode:
        wrong.append(f"{what}: {ended.stdout.strip()}")


def check_prometheus():
    folder = PACKAGING / "prometheus"
    run("prometheus", "promtool", "check", "config", "prometheus.yml", cwd=folder)
    run("prometheus", "promtool", "test", "rules", "sesshoku.rules.test.yml", cwd=folder)
    groups = yaml.safe_load((folder / "sesshoku.rules.yml").read_text())["groups"]
    tests = yaml.safe_load((folder / "sesshoku.rules.test.yml").read_text())["tests"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    fired = {
        each["alertname"]
        for test in tests
        for each in test["alert_rule_test"]
        if each.get("exp_alerts")
    }
    sections = set(re.findall(r"^### (Sesshoku\w+)$", ALERTS.read_text(), re.M))
    for name in alerts.keys() ^ sections:
        wrong.append(f"{name}: an alert and its section in docs/alerts.md go together")
    for name in alerts.keys() - fired:
        wrong.append(f"{name}: no test sees it fire")
    for name, rule in alerts.items():
        if rule["labels"]["severity"] not in ("critical", "warning"):
            wrong.append(f"{name}: neither critical nor a warning")
        if rule["annotations"]["runbook"] != f"docs/alerts.md#{name.lower()}":
            wrong.append(f"{name}: does not name its section")
        if not {"summary", "summary_ja"} <= rule["annotations"].keys():
            wrong.append(f"{name}: does not say what is the matter in both languages")


def check_grafana(work):
    dashboard = json.loads((PACKAGING / "grafana/sesshoku.json").read_text())
    queries = [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    rules = [{"record": f"query:{place}", "expr": query} for place, query in enumerate(queries)]
    file = work / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run("grafana", "promtool", "check", "rules", "--lint=none", str(file))


def check_nginx(work):
    samples = sorted((PACKAGING / "nginx").glob("sesshoku-*.conf"))
    key, cert = work / "key.pem", work / "cert.pem"
    run(
        "openssl", "openssl", "req", "-x509", "-newkey", "ec", "-noenc", "-subj", "/CN=test",
        "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(cert),
    )

    def adapted(text):
        # It listens where it is only tested, too, which not everybody may at 443.
        text = re.sub(r"listen \[::\]:\d+.*;", "", text)
        place = hashlib.sha256(text.encode()).hexdigest()[:8]
        text = re.sub(r"listen (\d+)", rf"listen unix:{work}/{place}-\1", text)
        text = re.sub(r"/etc/[\w/-]+\.(pem|crt)", str(cert), text)
        text = re.sub(r"/etc/[\w/-]+\.key", str(key), text)
        return re.sub(r"/var/log/nginx|/tmp(?=/[a-z.]+;)", str(work), text)

    for sample in samples:
        (work / sample.name).write_text(adapted(sample.read_text()))
    whole = work / "whole.conf"
    whole.write_text(adapted((PACKAGING / "kubernetes/management/nginx.conf").read_text()))
    run("kubernetes: nginx", "nginx", "-t", "-q", "-e", "stderr", "-c", str(whole))
    temporary = "".join(
        f"{kind}_temp_path {work}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = work / "nginx.conf"
    config.write_text(
        f"pid {work}/pid; events {{}} http {{ {temporary} include {work}/sesshoku-*.conf; }}"
    )
    run("nginx", "nginx", "-t", "-q", "-e", "stderr", "-c", str(config))


def check_caddy(work):
    run(
        "caddy", "caddy", "validate", "--adapter", "caddyfile", "--config",
        str(PACKAGING / "caddy/Caddyfile"),
        env={"HOME": str(work), "XDG_DATA_HOME": str(work), "XDG_CONFIG_HOME": str(work)},
    )


def check_kubernetes():
    for folder in sorted((PACKAGING / "kubernetes").iterdir()):
        role = folder.name
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        files = [folder / name for name in kustomization["resources"]]
        tool = str(TOOLS / "kubernetes-validate")
        run("kubernetes", tool, "--strict", "--quiet", *map(str, files))
        objects = [each for file in files for each in yaml.safe_load_all(file.read_text())]
        kinds = {each["kind"]: each for each in objects}
        if missing := {"Service", "NetworkPolicy", "PodDisruptionBudget"} - kinds.keys():
            wrong.append(f"kubernetes: {role} lacks {missing}")
        deployment = kinds["Deployment"]["spec"]
        pod = deployment["template"]["spec"]
        labels = deployment["template"]["metadata"]["labels"]
        for kind in ("Service", "PodDisruptionBudget"):
            selector = kinds[kind]["spec"]["selector"]
            if selector.get("matchLabels", selector) != labels:
                wrong.append(f"kubernetes: the {kind} of {role} selects other pods")
        if not pod["securityContext"]["runAsNonRoot"]:
            wrong.append(f"kubernetes: {role} may be root")
        ports = {each["name"] for it in pod["containers"] for each in it["ports"]}
        used = [each["targetPort"] for each in kinds["Service"]["spec"]["ports"]]
        used += [
            each["port"]
            for rule in kinds["NetworkPolicy"]["spec"]["ingress"]
            for each in rule["ports"]
        ]
        for container in pod["containers"]:
            name = f"kubernetes: {container['name']} of {role}"
            context = container["securityContext"]
            if not context["readOnlyRootFilesystem"] or context["allowPrivilegeEscalation"] \
                    or context["capabilities"] != {"drop": ["ALL"]}:
                wrong.append(f"{name} may do more than it needs")
            if "memory" not in container["resources"]["limits"]:
                wrong.append(f"{name} may take all memory")
            probes = [it for key, it in container.items() if key.endswith("Probe")]
            for probe in (it["httpGet"] for it in probes if "httpGet" in it):
                used.append(probe["port"])
                if probe["path"] not in ("/healthz", "/readyz"):
                    wrong.append(f"{name} is asked for {probe['path']}")
        if strange := set(used) - ports:
            wrong.append(f"kubernetes: {role} has no ports {strange}")


def check_compose():
    file = yaml.safe_load((PACKAGING / "compose.yaml").read_text())
    run("compose", str(TOOLS / "python"), "-c", COMPOSE, given=json.dumps(file))
    for name, service in file["services"].items():
        if not service["read_only"] or service["cap_drop"] != ["ALL"]:
            wrong.append(f"compose: {name} may do more than it needs")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            is_sample = source.startswith("./") and source != "./certificates"
            if is_sample and not (PACKAGING / source).exists():
                wrong.append(f"compose: {name} is given {source}, which is not there")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        check_prometheus()
        check_grafana(work)
        check_nginx(work)
        check_caddy(work)
        check_kubernetes()
        check_compose()
    for words in wrong:
        print(words, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
