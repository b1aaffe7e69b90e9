"""Turn an executed lesson into the cells of a lecture deck: one idea a slide, prose in the notes.

Most of it goes by rules, so that a lesson needs no second version of itself:

- a heading is the title of the slides up to the next one;
- each formula, table, list and piece of code gets a slide, under the sentences that lead to it;
- each figure gets a slide, with the first sentence of its description;
- a cell's code is shown with what it prints; code that only draws, defines or sets up is not;
- *predict, then run* asks on one slide, and the next one answers beside the result;
- an exercise is one slide, without its hint and its answer;
- paragraphs that lead to none of these give their first sentences. The notes have all the text.

An instructor who wants something else says so in the cell's own metadata, as Jupyter does:
`slideshow={"slide_type": "skip"}` (or `slide`, `fragment`, `notes`) takes the whole cell as it is.
"""

import ast
import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from staff.source import without_magics

MARKDOWN = MarkdownIt("commonmark").enable("table")
KINDS = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "html_block": "details",
}
PICTURES = {"image/png", "image/gif"}
PREDICT = "Predict, then run"
ASKING = re.compile(rf"\*\*{PREDICT}[.:]\*\*\s+")
FIGURE = re.compile(r"\*Figure \d+\.\d+\.\*\s*")
# Ends a sentence: neither "K. Dillon" nor "e.g. this" is two.
END = re.compile(r"(?<![A-Z]\.)(?<!e\.g\.)(?<!i\.e\.)(?<=[.!?])[*)]*\s+(?=[A-Z*`$(\[])")
LABEL = re.compile(r"^\*\*[^*]+\*\*\s*")
ROOM = 180  # characters of prose beside a formula, code or a figure: two lines
POINTS = 4  # on a slide of sentences
FEW = 330  # characters on a slide: they are shown larger
TEXT_PX, LARGE_PX = 30, 38
SMALLEST_CODE_PX, CODE_PX = 18, 26


@dataclass
class Block:
    """A top-level piece of Markdown: text, heading, formula, list, table, code or details."""

    kind: str
    source: str


@dataclass
class Slide:
    """A slide to be: its title, what stands under it, and what the lecturer says."""

    title: str
    cells: list[NotebookNode] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    level: int = 2  # of its heading; 1 is the title of the lesson
    wants_caption: bool = False

    def write(self) -> list[NotebookNode]:
        """Return the slide as cells with the metadata of Jupyter's slide shows."""
        first = new_markdown_cell(f"{'#' * self.level} {self.title}", metadata=slide_type("slide"))
        first.metadata["deck"] = {
            "text_px": self.text_px(),
            "code_px": max(self.code_px(), SMALLEST_CODE_PX),
            "table_px": self.table_px(),
        }
        notes = new_markdown_cell("\n\n".join(self.notes), metadata=slide_type("notes"))
        return [first, *self.cells, notes]

    def ends_in_formula(self) -> bool:
        """Return whether the sentence on this slide may go on behind its formula."""
        return bool(self.cells) and self.cells[-1].source.startswith("$$")

    def text_px(self) -> int:
        """Return the size of letters: larger where there is little to read."""
        is_text = all(cell.cell_type == "markdown" for cell in self.cells)
        few = sum(len(cell.source) for cell in self.cells) < FEW
        return LARGE_PX if is_text and few else TEXT_PX

    def code_px(self) -> int:
        """Return the size at which all lines of code fit, in length and number, beside the text."""
        lines = []
        for cell in self.cells:
            if cell.cell_type == "code":
                printed = "".join(output.get("text", "") for output in cell.outputs)
                lines += [*cell.source.splitlines(), *printed.splitlines()]
        texts = sum(cell.cell_type == "markdown" for cell in self.cells)
        longest = max([1, *map(len, lines)])
        height = (520 - 100 * texts) / max(len(lines), 1)
        return min(CODE_PX, int(1820 / longest), int(height / 1.5))

    def table_px(self) -> int:
        """Return the size at which all rows of a table fit, with the lines printed above it."""
        rows = 0
        for cell in self.cells:
            rows += sum(1 + len(line) // 70 for line in cell.source.splitlines() if line[:1] == "|")
            for output in cell.get("outputs", []):
                rows += output.get("data", {}).get("text/html", "").count("<tr")
                rows += 2 * len(output.get("text", "").splitlines())
        return min(26, int(300 / max(rows, 1)))


def slide_type(name: str) -> dict:
    """Return the metadata by which Jupyter's slide shows know a cell's part."""
    return {"slideshow": {"slide_type": name}}


def make_deck(solution: NotebookNode) -> NotebookNode:
    """Return an executed lesson as a notebook of slides."""
    deck = Deck()
    for cell in solution.cells:
        deck.add(cell)
    deck.finish()
    cells = [cell for slide in deck.slides for cell in slide.write()]
    return new_notebook(cells=cells, metadata=solution.metadata)


class Deck:
    """The slides of a lesson, made cell by cell."""

    def __init__(self) -> None:
        self.slides: list[Slide] = []
        self.title = ""
        self.said: list[str] = []  # paragraphs that no slide has taken yet
        self.answer = ""  # to the last prediction, until a result is shown
        self.exercise: Slide | None = None  # whose text is being read

    def add(self, cell: NotebookNode) -> None:
        """Add what a cell of the lesson has to show."""
        chosen = cell.metadata.get("slideshow", {}).get("slide_type")
        if chosen == "slide":
            self.show([NotebookNode(cell, metadata={})])
        elif chosen == "fragment":
            self.slides[-1].cells.append(cell)
        elif chosen == "notes":
            self.slides[-1].notes.append(cell.source)
        elif chosen or "coursekit" in cell.metadata or "solution" in cell.metadata.get("tags", []):
            return  # to be skipped, or an answer or its check
        elif cell.cell_type == "markdown":
            self.add_text(cell.source)
        else:
            self.add_code(cell)

    def add_text(self, markdown: str) -> None:
        """Add a text cell, block by block."""
        self.exercise = None
        for block in blocks(markdown):
            if block.kind == "heading":
                self.start(block.source)
            elif block.kind == "details":
                self.add_details(block)
            elif self.exercise:
                self.add_task(self.exercise, block)
            elif block.kind == "text":
                self.add_paragraph(block.source)
            else:
                self.show_with_lead(new_markdown_cell(block.source))

    def start(self, heading: str) -> None:
        """Begin the slides under a heading; those of a section go on after an exercise."""
        self.finish()
        if self.answer:  # no result came to stand beside it
            answer = new_markdown_cell(fitting(sentences(self.answer)))
            self.slides.append(Slide(self.title, [answer], [self.answer]))
            self.answer = ""
        title = heading.lstrip("# ")
        if heading.startswith("# "):
            self.slides.append(Slide(title, level=1))
        if title.startswith("Exercise"):
            self.exercise = Slide(title)
            self.slides.append(self.exercise)
        else:
            self.exercise, self.title = None, title

    def finish(self) -> None:
        """Show the first sentences of the paragraphs that led to nothing else."""
        found = [[part for part in sentences(text) if is_point(part)] for text in self.said]
        points = found[0] if len(found) == 1 else [parts[0] for parts in found if parts]
        if len(points) == 1:
            self.show([new_markdown_cell(points[0])])
        elif points:
            self.show([new_markdown_cell("\n".join(f"- {point}" for point in points[:POINTS]))])
        elif self.said:
            self.slides[-1].notes += self.said
            self.said = []

    def add_task(self, exercise: Slide, block: Block) -> None:
        """Add a block of an exercise: tasks shortened, lists and formulas whole, no remarks."""
        shown = block.source
        if block.kind == "text":
            is_task = not exercise.cells or LABEL.match(shown)
            shown = fitting(sentences(shown)) if is_task else ""
        if shown:
            exercise.cells.append(new_markdown_cell(shown))
        exercise.notes.append(block.source)

    def add_paragraph(self, text: str) -> None:
        """Add a paragraph: most wait for what they lead to."""
        before, *question = ASKING.split(text, maxsplit=1)
        if len(self.slides) == 1 and not self.slides[0].cells:
            self.slides[0].cells.append(new_markdown_cell(text))  # the lesson's claim
        elif self.title == self.slides[0].title and text.endswith("."):
            self.slides[-1].notes.append(text)  # the introduction
        elif question:
            self.said += filter(None, [before])
            self.finish()
            asked = question[0][0].upper() + question[0][1:]
            self.slides.append(Slide(PREDICT, [new_markdown_cell(asked)]))
        elif text.startswith("**Notation.**"):
            self.title = "Notation"
            self.said += filter(None, [LABEL.sub("", text)])
        elif text.startswith("**References.**"):
            self.finish()
            small = f"<small>{LABEL.sub('', text)}</small>"
            self.slides.append(Slide("References", [new_markdown_cell(small)]))
        elif text.startswith("**1.** "):
            self.show([new_markdown_cell(re.sub(r"\*\*(\d+)\.\*\* ", r"\n\1. ", text))])
        elif FIGURE.match(text):
            self.add_caption(FIGURE.sub("", text))
        elif self.slides[-1].ends_in_formula() and text[0].islower() and not self.said:
            rest_of_sentence, *after = sentences(text)
            self.slides[-1].notes.append(rest_of_sentence)
            self.said += filter(None, [" ".join(after)])
        else:
            self.said.append(text)

    def add_details(self, block: Block) -> None:
        """Add what a reader unfolds: it goes to the notes."""
        text = re.sub(r"</?details>|<summary>.*?</summary>", "", block.source).strip()
        if self.slides[-1].title == PREDICT:
            self.answer = text
        self.slides[-1].notes.append(text)

    def add_caption(self, description: str) -> None:
        """Put the beginning of a description under the first figure that has none yet."""
        slide = next((slide for slide in self.slides if slide.wants_caption), None)
        if slide is None:
            self.said.append(description)
            return
        slide.wants_caption = False
        slide.notes.append(description)
        if len(slide.cells) == 1:  # an answer takes the caption's place
            slide.cells.append(new_markdown_cell(fitting(sentences(description))))

    def add_code(self, cell: NotebookNode) -> None:
        """Add a demonstration: its code with what it prints, and each of its pictures."""
        if "ck.setup(" in cell.source:
            return
        pictures = [out for out in cell.outputs if PICTURES & {*out.get("data", {})}]
        printed = [out for out in cell.outputs if out not in pictures]
        if printed and (not pictures or "nbval-check-output" in cell.metadata.get("tags", [])):
            self.show_code(without_plots(cell.source), printed)
        for picture in pictures:
            self.finish()
            self.show([new_code_cell(outputs=[picture])])
            # An explorer is a result, a figure is displayed; only figures have descriptions.
            self.slides[-1].wants_caption = picture.output_type == "display_data"

    def show_code(self, source: str, printed: list[NotebookNode]) -> None:
        """Show code with what it prints; a table, and what has no room, gets the next slide."""
        both = new_code_cell(source, outputs=printed)
        has_table = any("text/html" in output.get("data", {}) for output in printed)
        if Slide("", [both]).code_px() >= SMALLEST_CODE_PX and not has_table:
            self.show_with_lead(both)
        else:
            self.show_with_lead(new_code_cell(source))
            self.show([new_code_cell(outputs=printed)])

    def show_with_lead(self, cell: NotebookNode) -> None:
        """Show a cell under the sentences that lead to it."""
        lead = ""
        if self.said:
            *before, last = self.said
            if before:
                self.said = before
                self.finish()
                self.said = [last]
            parts = sentences(last)
            lead = fitting(parts) if last[-1] in ".!?)*" else fitting(parts[::-1], reverse=True)
        self.show([new_markdown_cell(lead), cell] if lead else [cell])

    def show(self, cells: list[NotebookNode]) -> None:
        """Put cells on a slide of their own; what was said before becomes its notes."""
        slide = Slide(self.title, cells, self.said)
        self.said = []
        self.slides.append(slide)
        if len(cells) > 1 and slide.code_px() < SMALLEST_CODE_PX:
            del cells[0]  # its lead, which the notes have
        if self.answer and cells[-1].get("outputs"):
            answer = new_markdown_cell(fitting(sentences(self.answer)))
            if Slide("", [*cells, answer]).code_px() < SMALLEST_CODE_PX:
                slide = Slide(self.title, [answer])
                self.slides.append(slide)
            else:
                answer.metadata.update(slide_type("fragment"))
                cells.append(answer)
            slide.notes.append(self.answer)
            self.answer = ""


def blocks(markdown: str) -> list[Block]:
    """Split Markdown into its top-level blocks; a folded passage is one of them."""
    lines = markdown.splitlines()
    found: list[Block] = []
    is_folded = False
    for token in MARKDOWN.parse(markdown):
        if token.level or token.map is None:
            continue
        source = "\n".join(lines[slice(*token.map)]).strip()
        if is_folded:
            found[-1].source += f"\n\n{source}"
        else:
            kind = "formula" if source.startswith("$$") else KINDS.get(token.type, "text")
            found.append(Block(kind, source))
        if token.type == "html_block":
            is_folded = "</details>" not in source
    return found


def sentences(text: str) -> list[str]:
    """Split a paragraph into sentences; a label in bold letters belongs to the first."""
    text = " ".join(text.split())
    label = LABEL.match(text)
    found, start = [], 0
    for end in END.finditer(text, label.end() if label else 0):
        found.append(text[start : end.end()].strip())
        start = end.end()
    return [*found, text[start:]]


def fitting(parts: list[str], reverse: bool = False) -> str:
    """Return the first sentence and those after it for which there is room."""
    kept = parts[:1]
    for part in parts[1:]:
        if len(" ".join([*kept, part])) > ROOM:
            break
        kept.append(part)
    return " ".join(reversed(kept) if reverse else kept)


def is_point(sentence: str) -> bool:
    """Return whether a sentence stands alone: it leads to nothing, and is no remark in brackets."""
    return not sentence.startswith("(") and not sentence.endswith(":")


def without_plots(source: str) -> str:
    """Leave out the statements that only draw: their picture has a slide of its own."""
    lines = source.splitlines()
    for statement in reversed(ast.parse(without_magics(source)).body):
        if re.search(r"\b(ck\.plots|plt)\.", ast.unparse(statement)):
            del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines).strip()
