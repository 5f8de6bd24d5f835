#!/usr/bin/env python3
"""Adds up the suites' JUnit files and closes with the plain line `N passed, N failed, N skipped`.

usage: tally.py RESULTS SUITE…      RESULTS holds SUITE.xml for each suite (ctest, lit, integration), and gtest/*.xml

ctest counts a gtest program as one test: the tests inside, from the program's own file, are counted in its place. A suite that
left no file, or ran no test, counts as one failure: it must not vanish unnoticed.
"""
import collections
import pathlib
import sys
import xml.etree.ElementTree as ET

Outcome = collections.namedtuple("Outcome", "suite name state reason")


def state(case):
    """('passed' | 'failed' | 'skipped', reason) of a JUnit testcase, in the dialects of ctest, lit, pytest and gtest."""
    for tag in ("failure", "error"):
        if (found := case.find(tag)) is not None:
            return "failed", found.get("message") or (found.text or "").strip()[:200]
    if (found := case.find("skipped")) is not None:
        # gtest puts the source line before the reason.
        lines = (found.get("message") or found.text or "").strip().splitlines()
        return "skipped", lines[-1] if lines else "no reason given"
    if case.get("status") in ("disabled", "notrun"):
        return "skipped", "disabled"
    return ("failed", "ctest says so") if case.get("status") == "fail" else ("passed", "")


def cases(suite, file):
    for case in ET.parse(file).iter("testcase"):
        group = case.get("classname") or ""
        name = case.get("name") or ""
        yield Outcome(suite, name if group in ("", name) else f"{group}::{name}", *state(case))


def unfold(programs, folder):
    """ctest's outcomes with each gtest program replaced by its own tests, unless it died without telling which failed."""
    for program in programs:
        file = folder / f"{program.name.removeprefix('unit.')}.xml"
        inner = list(cases("unit", file)) if file.exists() else []
        told = any(o.state == "failed" for o in inner)
        if inner and (told or program.state != "failed"):
            yield from inner
        else:
            yield program


def collect(results, suites):
    for suite in suites:
        file = results / f"{suite}.xml"
        if not file.exists():
            yield Outcome(suite, "(the suite)", "failed", "it left no result file")
            continue
        found = list(cases(suite, file))
        if suite == "ctest":
            found = list(unfold(found, results / "gtest"))
        if not any(o.state != "skipped" for o in found):
            yield Outcome(suite, "(the suite)", "failed", "it ran no test")
        yield from found


def main():
    outcomes = list(collect(pathlib.Path(sys.argv[1]), sys.argv[2:]))
    by_state = collections.Counter(o.state for o in outcomes)
    for suite in dict.fromkeys(o.suite for o in outcomes):
        count = collections.Counter(o.state for o in outcomes if o.suite == suite)
        print(f"{suite:12} {count['passed']:5} passed {count['failed']:5} failed {count['skipped']:5} skipped")
    reasons = collections.Counter((o.suite, o.reason.splitlines()[0][:160]) for o in outcomes if o.state == "skipped")
    for (suite, reason), times in sorted(reasons.items()):
        print(f"skipped {times:4} × {suite}: {reason}")
    for o in outcomes:
        if o.state == "failed":
            print(f"FAILED {o.suite}: {o.name}: {(o.reason.splitlines() or [''])[0][:200]}")
    print(f"{by_state['passed']} passed, {by_state['failed']} failed, {by_state['skipped']} skipped")
    return 1 if by_state["failed"] or not by_state["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
