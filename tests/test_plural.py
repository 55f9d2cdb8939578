from scrapepool.plural import counted


def test_a_number_agrees_with_its_noun():
    """Only one is singular; thousands are separated."""
    assert [counted(number, "URL") for number in (0, 1, 2, 2000)] == ["0 URLs", "1 URL", "2 URLs", "2,000 URLs"]
    assert [counted(number, "retry", "retries") for number in (0, 1, 2)] == ["0 retries", "1 retry", "2 retries"]
