"""What the site and the decks make of a lesson; how they look is tested in tests/browser."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from staff.build import Course
from staff.publish import site
from staff.publish.deck import make_deck
from staff.source import LessonError, read_lesson


@pytest.fixture
def solution():
    cells = [
        new_markdown_cell("# 01 A lesson\n\n**It claims one thing.**\n\nIt says more."),
        new_code_cell("x = 1"),
        new_code_cell("y = 2", metadata={"coursekit": {"exercise": "1.1", "role": "answer"}}),
        new_code_cell("check(y)", metadata={"coursekit": {"exercise": "1.1", "role": "check"}}),
        new_markdown_cell("Why it is 2.", metadata={"tags": ["solution"]}),
    ]
    return new_notebook(cells=cells)


def test_answers_and_what_explains_them_are_folded_and_nothing_else(solution):
    before = [cell.source for cell in solution.cells]
    cells = site.fold_answers(solution).cells
    assert [cell.metadata.get("tags") for cell in cells] == [
        None,
        None,
        ["hide-input"],
        None,
        ["solution"],
    ]
    assert [cell.source for cell in cells[:-1]] == before[:-1]
    assert cells[-1].source.startswith("<details>")
    assert before[-1] in cells[-1].source


def test_the_list_of_lessons_has_title_link_and_claim(solution):
    entry = site.list_entry("01_a", solution)
    assert entry == "[01 A lesson](lessons/01_a.ipynb)\n: It claims one thing.\n"


def test_a_lesson_without_a_claim_is_refused_by_name(solution):
    solution.cells[0].source = "# 01 A lesson\n\nIt claims nothing."
    with pytest.raises(LessonError, match="01_a does not start with a title and one claim"):
        site.list_entry("01_a", solution)


def test_a_lesson_that_was_never_executed_is_refused_by_name(tmp_path):
    root = tmp_path / "course"
    (root / "docs").mkdir(parents=True)
    for name in (*site.INCLUDED, "staff/lessons/01_a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    with pytest.raises(LessonError, match="01_a has no executed solution; run `make notebooks`"):
        site.prepare(Course(root), tmp_path / "source")


# Decks ----------------------------------------------------------------------------------


def text(source, **metadata):
    return new_markdown_cell(source, metadata=metadata)


def code(source, *outputs, **metadata):
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def printed(words):
    return new_output("stream", name="stdout", text=words)


def picture():
    return new_output("display_data", data={"image/png": "", "text/plain": ""})


def deck_of(*cells):
    """Return the slides of a lesson: for each, what is on it and what the speaker says."""
    title = text("# 01 A lesson\n\n**It claims one thing.**\n\nAn introduction.")
    slides = []
    for cell in make_deck(new_notebook(cells=[title, *cells])).cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        shown = [cell.source, *(o.get("text", o.output_type) for o in cell.get("outputs", []))]
        if kind == "slide":
            slides.append({"-": [cell.source.lstrip("# ")], "fragment": [], "notes": []})
        else:
            slides[-1][kind] += filter(None, shown)
    return slides


def test_a_deck_opens_with_the_claim_and_keeps_the_introduction_for_the_speaker():
    (title,) = deck_of()
    assert title["-"] == ["01 A lesson", "**It claims one thing.**"]
    assert title["notes"] == ["An introduction."]


def test_a_formula_has_a_slide_under_the_sentence_that_leads_to_it():
    long = "A long sentence that says much of what the speaker can say as well, " * 3
    _, slide, after = deck_of(text(f"## Title\n\n{long}. So we get\n\n$$a = b$$\n\nfor all. End."))
    assert slide["-"] == ["Title", "So we get", "$$a = b$$"]
    assert long in slide["notes"][0]
    assert "for all." in slide["notes"][0]
    assert after["-"] == ["Title", "End."]


def test_code_is_shown_with_what_it_prints_but_set_up_and_drawing_are_not():
    _, slide, figure = deck_of(
        text("## Title"),
        code("import coursekit as ck\nck.setup(seed=0)", printed("versions")),
        code("def f(): ..."),
        code("%%time\nprint(x)\nck.plots.show(draw(x),\n  alt='A')", printed("1"), picture(),
             tags=["nbval-check-output"]),
    )  # fmt: skip
    assert slide["-"] == ["Title", "%%time\nprint(x)", "1"]
    assert figure["-"] == ["Title", "display_data"]


def test_long_code_and_its_output_share_no_slide():
    lines = "\n".join(f"x{n} = {n}" for n in range(12))
    _, first, second = deck_of(text("## Title"), code(lines, printed("1\n" * 12)))
    assert first["-"] == ["Title", lines]
    assert second["-"] == ["Title", "1\n" * 12]


def test_a_figure_has_the_beginning_of_its_own_description():
    _, one, two = deck_of(
        text("## Title"),
        code("draw()", picture(), picture()),
        text(f"*Figure 1.1.* First. {'More. ' * 50}\n\n*Figure 1.2.* Second."),
    )
    assert one["-"][2].startswith("First. More.")
    assert len(one["-"][2]) < 200
    assert "More. " * 50 in f"{one['notes'][0]} "
    assert two["-"] == ["Title", "display_data", "Second."]


def test_a_prediction_is_asked_first_and_answered_beside_the_result():
    folded = "<details><summary>Answer</summary>\n\nIt is 4.\n\nBecause.\n\n</details>"
    _, question, result = deck_of(
        text(f"## Title\n\n**Predict, then run.** What is it?\n\n{folded}"),
        code("print(2 + 2)", printed("4")),
    )
    assert question["-"] == ["Predict, then run", "What is it?"]
    assert result["-"] == ["Title", "print(2 + 2)", "4"]
    assert result["fragment"] == ["It is 4. Because."]


def test_an_answer_without_a_result_gets_a_slide_before_the_next_section():
    folded = "<details><summary>Answer</summary>\n\nIt is 4.\n\n</details>"
    predict = text(f"## Title\n\n**Predict, then run.** What is it?\n\n{folded}")
    slides = deck_of(predict, text("## Next"), code("print(5)", printed("5")))
    assert [slide["-"][:2] for slide in slides[2:]] == [["Title", "It is 4."], ["Next", "print(5)"]]
    assert slides[3]["fragment"] == []


def test_an_exercise_is_one_slide_without_its_hint_and_without_its_answer():
    hint = "<details><summary>Hint</summary>\n\nThink.\n\n</details>"
    kit = {"exercise": "1.1", "role": "answer"}
    _, exercise, after = deck_of(
        text(f"## Title\n\n### Exercise 1.1: `f(x)`\n\nWrite it.\n\n- `x`: a number.\n\n{hint}"),
        code("secret = 42", coursekit=kit),
        text("It is 42 because.", tags=["solution"]),
        text("The section goes on."),
    )
    assert exercise["-"] == ["Exercise 1.1: `f(x)`", "Write it.", "- `x`: a number."]
    assert any("Think." in note for note in exercise["notes"])
    assert after["-"] == ["Title", "The section goes on."]
    assert "42" not in str([exercise, after])


def test_paragraphs_that_lead_to_nothing_give_their_first_sentences():
    _, slide = deck_of(text("## Title\n\nOne, by K. Dillon. More.\n\nTwo is $x.y$. (No.) More."))
    assert slide["-"] == ["Title", "- One, by K. Dillon.\n- Two is $x.y$."]
    assert "More." in slide["notes"][0]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("slide", [["01 A lesson", "**It claims one thing.**"], ["Title", "Whole. Text."]]),
        ("fragment", [["01 A lesson", "**It claims one thing.**"]]),
        ("notes", [["01 A lesson", "**It claims one thing.**"]]),
        ("skip", [["01 A lesson", "**It claims one thing.**"]]),
    ],
)
def test_an_instructor_may_choose_for_a_cell(kind, wanted):
    slides = deck_of(text("## Title"), text("Whole. Text.", slideshow={"slide_type": kind}))
    assert [slide["-"] for slide in slides] == wanted
    assert ("Whole. Text." in slides[0]["fragment"]) == (kind == "fragment")
    assert ("Whole. Text." in "".join(slides[0]["notes"])) == (kind == "notes")


def test_a_choice_that_jupyter_does_not_know_is_refused_by_name(tmp_path):
    path = tmp_path / "01_a.py"
    path.write_text('# %% [markdown] slideshow={"slide_type": "skip"}\n# # A\n')
    assert read_lesson(path)[0].metadata.slideshow == {"slide_type": "skip"}
    path.write_text('# %% [markdown] slideshow={"slide_type": "hidden"}\n# # A\n')
    with pytest.raises(LessonError, match=r"01_a\.py:1: .*known slide_types are slide, fragment"):
        read_lesson(path)
