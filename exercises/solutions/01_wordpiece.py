"""Exercise 1: cut a word into pieces. Chapter 1, about 12 lines."""


def wordpiece(word: str, vocab: set[str]) -> list[str]:
    """Cut a word into the pieces that the vocabulary has.

    The first piece is the longest one with which the word begins, and so on with the rest. A
    piece that does not begin the word is written, and stands in the vocabulary, with ## before
    it. If no piece fits somewhere, the whole word becomes the one piece [UNK].

    >>> wordpiece("hugging", {"h", "hug", "##g", "##ging"})
    ['hug', '##ging']
    >>> wordpiece("hugs", {"h", "hug", "##g", "##ging"})
    ['[UNK]']
    """
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocab:
                break
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces
