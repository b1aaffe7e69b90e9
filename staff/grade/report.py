"""Results for people: a table for the learning platform, a summary, a page for each student."""

import csv
import html
import urllib.parse
from collections import Counter
from pathlib import Path

from staff.grade.records import Record

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; }
th, td { border-bottom: 1px solid #ccc; }
td p { margin: 0 0 .5rem; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; white-space: pre-wrap; }
.bar { background: #ddd; width: 16rem; height: 1rem; }
.bar div { background: #0072B2; height: 100%; }
"""


def write_reports(records: list[Record], out: Path) -> None:
    """Write gradebook.csv, totals.csv, summary.html and feedback/<student>/<lesson>.html."""
    _write_gradebook(records, out / "gradebook.csv")
    _write_totals(records, out / "totals.csv")
    (out / "summary.html").write_text(_summary(records), encoding="utf-8")
    for record in records:
        folder = out / "feedback" / file_name(record.student)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{record.lesson}.html").write_text(_feedback(record), encoding="utf-8")


def file_name(student: str) -> str:
    """Return a student's name as the name of a folder, wherever it comes from."""
    name = urllib.parse.quote(student, safe=" @+,")
    return name.replace(".", "%2E") if not name.strip(".") else name


def exercises(records: list[Record]) -> list[str]:
    """Return the exercises of all records in the order of the course."""
    found = {(record.lesson, name) for record in records for name in record.points}
    order = {name: i for record in records for i, name in enumerate(record.points)}
    return [name for _, name in sorted(found, key=lambda pair: (pair[0], order[pair[1]]))]


def _total(record: Record) -> int:
    return sum(earned for earned, _ in record.points.values())


def _write_gradebook(records: list[Record], path: Path) -> None:
    columns = exercises(records)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["student", "lesson", *columns, "total", "findings"])
        for record in records:
            earned = [record.points.get(name, [""])[0] for name in columns]
            # Points of a submission that is still to be tried again are not known.
            total = "" if record.status == "retry" else _total(record)
            findings = "; ".join(record.findings)
            table.writerow([_text(record.student), record.lesson, *earned, total, _text(findings)])


def _write_totals(records: list[Record], path: Path) -> None:
    """Write one row a student and one column a lesson, as learning platforms import it.

    Canvas takes the columns as they are; in Moodle, map the login onto the user. What waits
    for a human is left blank.
    """
    lessons = sorted({record.lesson for record in records})
    students = list(dict.fromkeys(record.student for record in records))
    totals = {
        (record.student, record.lesson): _total(record)
        for record in records
        if record.status == "graded"
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *lessons])
        for student in students:
            earned = [totals.get((student, lesson), "") for lesson in lessons]
            table.writerow([_text(student), "", "", _text(student), "", *earned])


def _text(value: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}</html>\n"
    )


def _row(*cells: str, tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>\n"


def _summary(records: list[Record]) -> str:
    """Return a page with a bar for each exercise, and the submissions that need somebody."""
    counted = [record for record in records if record.status != "retry"]
    numbers = Counter(record.status for record in records)
    body = (
        f"<p>{len(records)} submissions: {numbers['graded']} graded, {numbers['human']} need "
        f"review, {numbers['retry']} to be tried again.</p>\n<table>\n"
    )
    body += _row("exercise", "share of the points earned", "", tag="th")
    for name in exercises(counted):
        pairs = [record.points[name] for record in counted if name in record.points]
        share = sum(earned for earned, _ in pairs) / sum(of for _, of in pairs)
        bar = f'<div class="bar"><div style="width: {share:.0%}"></div></div>'
        body += _row(html.escape(name), bar, f"{share:.0%} of {len(pairs)} submissions")
    body += "</table>\n<h2>Submissions that need review</h2>\n"
    waiting = [record for record in records if record.status != "graded"]
    rows = [
        _row(
            *(html.escape(text) for text in (r.student, r.lesson, r.status, "; ".join(r.findings)))
        )
        for r in waiting
    ]
    heading = _row("student", "lesson", "status", "findings", tag="th")
    body += f"<table>\n{heading}{''.join(rows)}</table>\n" if rows else "<p>Nothing.</p>\n"
    return _page("Summary of grading", body)


def _feedback(record: Record) -> str:
    """Return a student's page: points, why some were lost, what the public checks say."""
    if record.status == "retry":
        return _page(record.lesson, "<p>This submission is not graded yet.</p>\n")
    possible = sum(of for _, of in record.points.values())
    body = f"<p>{html.escape(record.student)}: {_total(record)} of {possible} points.</p>\n"
    body += f"<table>\n{_row('exercise', 'points', 'why', tag='th')}"
    for name, (earned, of) in record.points.items():
        why = "".join(f"<p>{html.escape(words)}</p>" for words in record.words.get(name, []))
        message = record.messages.get(name, "")
        if earned < of and message:
            why += (
                f"<p>The public check, on your own notebook:</p><pre>{html.escape(message)}</pre>"
            )
        body += _row(html.escape(name), f"{earned} of {of}", why)
    body += "</table>\n"
    if record.findings:
        body += "<h2>What was noticed</h2>\n<ul>\n"
        body += "".join(f"<li>{html.escape(text)}</li>\n" for text in record.findings) + "</ul>\n"
    return _page(record.lesson, body)
