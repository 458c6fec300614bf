"""Exercise 9: which words carry the label? Chapter 7, about 5 lines."""

from collections.abc import Callable


def leave_one_out(
    words: list[str], lead: Callable[[list[str]], list[float]]
) -> list[tuple[str, float]]:
    """Measure what each word does, by leaving it out.

    Parameters
    ----------
    words : list of str
        The words of a text. Joined with blanks they are the text. A word can occur twice.
    lead : callable
        Takes a list of texts, and returns a number for each: the logit of POSITIVE minus the logit
        of NEGATIVE.

    Returns
    -------
    list of (str, float)
        For each word, in the order of the text: the word, and the lead of the text minus the lead
        of the text without this one word. Above 0, the word speaks for POSITIVE.

    >>> def lead(texts):
    ...     return [float(text.count("good")) for text in texts]
    >>> leave_one_out(["a", "good", "film"], lead)
    [('a', 0.0), ('good', 1.0), ('film', 0.0)]
    """
    texts = [" ".join(words[:number] + words[number + 1 :]) for number in range(len(words))]
    whole, *shorter = lead([" ".join(words), *texts])
    return [(word, whole - without) for word, without in zip(words, shorter, strict=True)]
