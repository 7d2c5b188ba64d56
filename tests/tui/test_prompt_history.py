from tui.prompt_history import PromptHistory


def test_stepping_goes_back_to_the_first_and_forth_to_what_was_typed():
    history = PromptHistory(["one", "two"])
    assert history.step(-1, "typ") == "two"
    assert history.step(-1, "two") == "one"
    assert history.step(-1, "one") is None
    assert history.step(1, "one") == "two"
    assert history.step(1, "two") == "typ"
    assert history.step(1, "typ") is None


def test_what_was_sent_is_the_newest_and_there_once():
    history = PromptHistory(["one", "two"])
    history.step(-1, "")
    history.add("one")
    assert history.step(-1, "") == "one"
    assert history.step(-1, "one") == "two"
    assert history.step(-1, "two") is None


def test_a_recalled_prompt_that_was_changed_is_not_lost():
    history = PromptHistory(["one", "two"])
    history.step(-1, "")
    history.step(-1, "two and more")
    history.step(1, "one")
    assert history.step(1, "two") == "two and more"


def test_older_prompts_that_are_read_later_stand_before_those_of_this_session():
    history = PromptHistory()
    history.add("new")
    history.begin_with(["old", "new", "older"])
    assert [history.step(-1, "") for _ in range(4)] == ["new", "older", "old", None]
