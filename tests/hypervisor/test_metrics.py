# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon tells a real Prometheus, and the rules and the dashboard that are made of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest
import urllib.parse
import urllib.request

from host import KSM, host_values, put_back, wait_for
from test_daemon import Base

METRICS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf", "metrics")
ALERTS = os.path.join(METRICS, "alerts.yml")
PATIENCE = 60


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def get(url, accept="text/plain"):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=PATIENCE) as answer:
        return answer.read().decode()


def metric_names(expression):
    return set(re.findall(r"\bkvm_tune_\w+", expression))


def dashboard():
    with open(os.path.join(METRICS, "dashboard.json"), encoding="utf-8") as file:
        return json.load(file)


def dashboard_expressions():
    return [target["expr"].replace("$instance", ".*") for panel in dashboard()["panels"] for target in panel["targets"]]


def alert_expressions():
    with open(ALERTS, encoding="utf-8") as file:
        return re.findall(r"^\s+expr: (.*)$", file.read(), re.MULTILINE)


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, check=False,
                          timeout=10 * PATIENCE)


class Metrics(Base):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("promtool") or not shutil.which("prometheus"):
            raise unittest.SkipTest("prometheus isn't installed (tests/install --run)")
        super().setUpClass()
        cls.host.define("kt-told", "--vcpus", "1", "--nic", "none")

    def setUp(self):
        super().setUp()
        if os.path.exists(f"{KSM}/run"):
            self.addCleanup(put_back, host_values())
        self.start("kt-told")
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}/metrics"
        self.running = self.daemon(self.host.profile("[host]\nksm.mode = auto\n"), "--metrics", self.address)
        self.assertTrue(wait_for(lambda: 'kvm_tune_ksm_governor_state{state="active"} 1' in get(self.url), PATIENCE),
                        self.running.said())

    def prometheus(self):
        """One that scrapes the daemon each second and has our rules; its URL."""
        directory = os.path.join(self.host.directory, "prometheus")
        self.addCleanup(shutil.rmtree, directory, True)
        os.makedirs(directory)
        config, address = os.path.join(directory, "prometheus.yml"), f"127.0.0.1:{free_port()}"
        write_text(config, f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
                           f"rule_files: [{os.path.realpath(ALERTS)}]\n"
                           "scrape_configs:\n- job_name: kvm-tune\n"
                           f"  static_configs: [{{targets: ['{self.address}']}}]\n")
        self.assertEqual(promtool("check", "config", config).returncode, 0)
        with open(os.path.join(directory, "log"), "w", encoding="utf-8") as log:
            # pylint: disable-next=consider-using-with
            process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--web.listen-address={address}",
                                        f"--storage.tsdb.path={directory}/data"], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return f"http://{address}/api/v1"

    def test_scrape(self):
        """promtool finds nothing to complain of; the run of changes and the guests are told."""
        text = get(self.url)
        checked = promtool("check", "metrics", text=text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        self.assertIn("kvm_tune_hypervisor_up 1", text)
        self.assertIn("kvm_tune_running_domains 1", text)
        self.assertIn('domain="kt-told"', text)
        told = metric_names(text)
        for expression in dashboard_expressions() + alert_expressions():
            self.assertLessEqual(metric_names(expression), told, expression)

    def test_real_prometheus(self):
        """It understands a scrape (it asks for OpenMetrics), and each query of the dashboard and of the rules."""
        api = self.prometheus()

        def target():
            try:
                return json.loads(get(f"{api}/targets"))["data"]["activeTargets"][0]
            except (OSError, IndexError):
                return {"health": None}
        self.assertTrue(wait_for(lambda: target()["health"] == "up", PATIENCE), target())
        self.assertEqual(target()["lastError"], "")

        def query(expression):
            return json.loads(get(f"{api}/query?{urllib.parse.urlencode({'query': expression})}"))
        for expression in dashboard_expressions() + alert_expressions():
            self.assertEqual(query(expression)["status"], "success", expression)
        self.assertTrue(wait_for(lambda: query("kvm_tune_running_domains == 1")["data"]["result"], PATIENCE))
        self.assertTrue(query("kvm_tune_looks_total")["data"]["result"])
        groups = json.loads(get(f"{api}/rules"))["data"]["groups"]
        self.assertEqual({rule["health"] for group in groups for rule in group["rules"]} - {"unknown"}, {"ok"})

        self.running.kill()
        self.assertTrue(wait_for(lambda: target()["health"] == "down", PATIENCE), target())

    def test_rules(self):
        """Each alert is raised where it is meant."""
        checked = promtool("check", "rules", ALERTS)
        self.assertEqual(checked.returncode, 0, checked)
        tested = promtool("test", "rules", os.path.join(METRICS, "alerts.test.yml"))
        self.assertEqual(tested.returncode, 0, tested)

    def test_address_of_others(self):
        self.assertEqual(self.running.end(), 0, self.running.said())
        result = self.host.tune("daemon", self.host.profile(""), "--metrics", "0.0.0.0:9177")
        self.assertEqual(result.code, 1, result)
        self.assertIn("can be reached from other hosts", result.said)


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    unittest.main()
