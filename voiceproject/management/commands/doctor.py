"""`manage.py doctor`: what is wrong with this site, and what to do about it."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from voiceproject.database import serve_session
from voiceproject.doctor.examination import Area, examine
from voiceproject.doctor.findings import Finding, Level, Options, count


class Command(BaseCommand):
    requires_system_checks = []  # it runs them itself
    help = "Say what is wrong with this site, and what to do about it. The exit code is 1 if anything is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offline", action="store_true", help="ask nobody on the internet: no keys, no addresses")
        parser.add_argument("--mail", metavar="ADDRESS", default="", help="send a mail there")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        areas = []
        with serve_session():  # so that a database that hangs is not waited for
            for area in examine(Options(offline=options["offline"], mail_to=options["mail"])):
                areas.append(area)
                if not options["json"]:
                    self._print(area)
        problems = sum(area.problem_count for area in areas)
        if options["json"]:
            self._print_json(areas, problems)
        else:
            style = self.style.ERROR if problems else self.style.SUCCESS
            self.stdout.write("\n" + style(f"{count(problems, 'problem')}." if problems else "All is well."))
        if problems:
            raise SystemExit(1)

    def _print(self, area: Area) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(area.name))
        for finding in area.findings:
            self._print_finding(finding)
        self.stdout.flush()

    def _print_finding(self, finding: Finding) -> None:
        style = {
            Level.FINE: self.style.SUCCESS,
            Level.NOTE: self.style.WARNING,
            Level.PROBLEM: self.style.ERROR,
        }[finding.level]
        self.stdout.write(f"  {style(f'{finding.level:<8}')} {finding.text}")
        if finding.advice:
            self.stdout.write(f"           → {finding.advice}")

    def _print_json(self, areas: list[Area], problems: int) -> None:
        findings = [{"area": area.name, **asdict(finding)} for area in areas for finding in area.findings]
        self.stdout.write(json.dumps({"ok": not problems, "findings": findings}, ensure_ascii=False, indent=2))
