"""What speaks for a guessed token, as indices of learned weights. Knows tokens' evidence, not tokens.

Each piece of evidence is a bucket (match length, count share, ...); a bucket has one weight in log-odds. Bucket
borders are fixed here, so that weights learned on one model price guesses on another.
"""

from bisect import bisect_right

LONGEST = 1024  # match lengths beyond count as this one


def _lookup(borders: list[int], size: int) -> list[int]:
    return [bisect_right(borders, i) for i in range(size)]


# Match length by about half octaves: the strongest evidence there is, and hundreds of tokens are evidence of their own.
_LENGTH_BORDERS = [2, 3, 4, 5, 6, 7, 9, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512]
LENGTHS = len(_LENGTH_BORDERS) + 1
LENGTH_BUCKET = _lookup(_LENGTH_BORDERS, LONGEST + 1)
COARSE_LENGTH = _lookup([2, 4, 8, 16, 64], LONGEST + 1)
COARSE = 6

SOURCES = 8  # of match pointers, see match.py

# Shares in 1/64: fine near 0 and 1, where a step changes the decision.
SHARE_STEPS = 64
RATE_STEPS = 64
_SHARE_BORDERS = [1, 2, 4, 7, 11, 16, 22, 29, 36, 43, 49, 54, 58, 61, 63]
SHARES = len(_SHARE_BORDERS) + 1
SHARE_BUCKET = _lookup(_SHARE_BORDERS, SHARE_STEPS + 2)
SEEN_BUCKET = _lookup([1, 2, 3, 5, 9, 17], 66)
SEENS = 7
RATE_BUCKET = _lookup([13, 26, 38, 48, 55, 60], RATE_STEPS + 2)
RATES = 7
DEEPEST = 256  # depths and positions beyond count as this one
DEPTH_BUCKET = _lookup([1, 2, 3, 4, 6, 10, 18], DEEPEST + 1)
DEPTHS = 8

# A sure match: source, whether more than one place says so, how often the longest match held lately, length.
SURE_RATE_BUCKET = _lookup([40, 57], RATE_STEPS + 2)
SURE_RATES = 3
SURE_KINDS = SOURCES * LENGTHS * 2 * SURE_RATES

# Where each family of weights starts.
MATCH = 0  # source, length, votes (alone, unanimous, majority, minority), whether it is the longest
VOTES = 8
NO_MATCH = MATCH + SOURCES * LENGTHS * VOTES  # by the longest match of a rival token, 0: none
RECENT = NO_MATCH + LENGTHS  # how often the longest match came true lately in this request
LEVEL = RECENT + SOURCES * COARSE * RATES
# Of the dictionaries: a level alone, and a level below a longer context that was seen too, are different evidence.
# Three tokens; two without / with three; one without / with two. The same again for the dictionaries of corpora.
CORE_FAMILIES = 5
FAMILIES = 2 * CORE_FAMILIES
STANDS = 5  # no match at all; the token is a short or long match's; a short or long match says another token
LONG_STAND = 8
SHARES_SLOTS = SHARES + 1  # the last: the context is known, the token was not among what followed
STAND_SIZE = SEENS * SHARES_SLOTS
FAMILY_SIZE = STANDS * STAND_SIZE
ECHO = LEVEL + FAMILIES * FAMILY_SIZE  # the model's weight for the token one position earlier, at the first layer only
PLACE = ECHO + SHARES_SLOTS  # depth in the tree, or the model's confidence at the first layer; by stand
PLACES = RATES + DEPTHS
LUCK = PLACE + STANDS * PLACES  # how often the best guess came true lately in this request, by stand
FLOW = LUCK + STANDS * RATES  # the model's own confidence lately, by stand
TRUST = FLOW + STANDS * RATES  # how often the best guess after this very token came true, by tries and stand
TRUST_SIZE = 3 * RATES
POSITION = TRUST + STANDS * TRUST_SIZE  # tokens of the answer so far, by stand
COPY = POSITION + STANDS * DEPTHS  # where the longest match reads relative to what the answer copied so far, by length
WHOLE, ONWARD, NEAR, ELSEWHERE, FIRST = range(5)  # all of the answer; on; about there again; not there; no copy yet
COPIES = 5
TOTAL = COPY + COPIES * COARSE
