"""Two hundred secrets of many shapes, made anew from a seed, and the sentences in which people leave them."""

import base64
import json
import random
import string

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"
WORDS = (  # noqa: SIM905 - shorter than thirty quoted words
    "river stone apple window garden candle monkey orange planet silver bridge forest hammer island jacket kitten "
    "ladder market needle oyster pencil rabbit saddle tunnel velvet wallet yellow zipper anchor basket"
).split()


def secrets(seed: int = 0, count: int = 200) -> list[tuple[str, str]]:
    """(the secret itself, a text that holds it), as many shapes as ``SHAPES`` has, in turn."""
    rng = random.Random(seed)
    return [SHAPES[i % len(SHAPES)](rng) for i in range(count)]


def some(rng: random.Random, alphabet: str, n: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(n))


def luhn(digits: str) -> str:
    """The digits with their check digit."""
    for check in string.digits:
        total = 0
        for i, c in enumerate(reversed(digits + check)):
            d = int(c) * (1 + i % 2)
            total += d - 9 * (d > 9)
        if total % 10 == 0:
            return digits + check
    raise AssertionError


def keyed(prefix: str, alphabet: str, n: int, sentence: str = "my key is {} and it works"):
    def make(rng: random.Random) -> tuple[str, str]:
        value = prefix + some(rng, alphabet, n)
        return value, sentence.format(value)

    return make


def jwt(rng: random.Random) -> tuple[str, str]:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": some(rng, string.digits, 10), "name": "Jo"}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    value = ".".join([*encoded, some(rng, URLSAFE, 43)])
    return value, f"curl -H 'Authorization: Bearer {value}' https://api.example.org/me"


def pem(rng: random.Random) -> tuple[str, str]:
    lines = [some(rng, ALNUM + "+/", 64) for _ in range(8)]
    body = "\n".join(lines)
    value = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    return lines[3], f"here is the key file:\n{value}\nplease load it"


def card(rng: random.Random) -> tuple[str, str]:
    digits = luhn("4" + some(rng, string.digits, 14))
    shown = rng.choice(
        [
            digits,
            " ".join(digits[i : i + 4] for i in range(0, 16, 4)),
            "-".join(digits[i : i + 4] for i in range(0, 16, 4)),
        ]
    )
    return shown, f"Please charge card {shown} today"


def iban(rng: random.Random) -> tuple[str, str]:
    account = some(rng, string.digits, 18)
    check = 98 - int(account + "131400") % 97
    value = f"DE{check:02}{account}"
    shown = rng.choice([value, " ".join(value[i : i + 4] for i in range(0, len(value), 4))])
    return shown, f"Send it to {shown} please"


def email(rng: random.Random) -> tuple[str, str]:
    value = f"{rng.choice(WORDS)}.{rng.choice(WORDS)}{rng.randint(1, 999)}@{rng.choice(WORDS)}-{rng.choice(WORDS)}.org"
    return value, f"write to {value} about it"


def password_in_code(rng: random.Random) -> tuple[str, str]:
    value = rng.choice(WORDS) + some(rng, string.digits, 3) + rng.choice("!$%#") + rng.choice(WORDS)
    line = rng.choice(['password = "{}"', "DB_PASSWORD={}", "'passwd': '{}',", "my password is {}", "  secret_key: {}"])
    return value, f"config:\n{line.format(value)}\nend"


def password_in_url(rng: random.Random) -> tuple[str, str]:
    value = rng.choice(WORDS).title() + some(rng, ALNUM, 6) + some(rng, string.digits, 2)
    return value, f"connect to postgres://admin:{value}@db.example.org:5432/app now"


def plain_password(rng: random.Random) -> tuple[str, str]:
    value = "".join(rng.sample(WORDS, 3))
    return value, f'login(user, password="{value}")'


def phrase(rng: random.Random) -> tuple[str, str]:
    value = " ".join(rng.choice(WORDS) for _ in range(12))
    return value, f"the seed phrase is: {value}"


def phone(rng: random.Random) -> tuple[str, str]:
    value = f"+49 {rng.randint(150, 179)} {some(rng, string.digits, 4)} {some(rng, string.digits, 4)}"
    return value, f"call me at {value} tonight"


def social_security(rng: random.Random) -> tuple[str, str]:
    value = f"{rng.randint(100, 899)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
    return value, f"the number on the form is {value} I think"


SHAPES = [
    keyed("AKIA", string.ascii_uppercase + string.digits, 16),
    keyed("", ALNUM + "/+", 40, "aws_secret_access_key = {}\nregion = eu"),
    keyed("ghp_", ALNUM, 36, "git clone https://{}@github.com/me/it"),
    keyed("github_pat_", ALNUM + "_", 60),
    keyed("sk-proj-", URLSAFE, 48, 'client = OpenAI(api_key="{}")'),
    keyed("sk-", ALNUM, 48, "export OPENAI_API_KEY={}\nrun it"),
    keyed("sk-ant-api03-", URLSAFE, 40, "use {} for that"),
    keyed("xoxb-", string.digits, 24, "the bot has {} as its token"),
    keyed("https://hooks.slack.com/services/T0000/B0000/", ALNUM, 24, "post to {} then"),
    keyed("AIza", URLSAFE, 35, "maps?key={} is the call"),
    keyed("sk_live_", ALNUM, 24, "stripe.key = {}"),
    keyed("rk_test_", ALNUM, 24, "stripe.key = {}"),
    keyed("npm_", ALNUM, 36, "//registry/:_authToken={}\n"),
    keyed("hf_", string.ascii_letters, 34, "login --token {}"),
    keyed("glpat-", URLSAFE, 20, "header is {} there"),
    keyed("SG.", ALNUM, 22, "SENDGRID={}." + "x" * 43),
    keyed("", HEX, 32, "the digest or key {} was there"),
    keyed("", HEX, 64, "ENCRYPTION: {}"),
    keyed("", ALNUM, 28, "try {} as the answer"),
    keyed("", string.ascii_lowercase, 24, "api_token: {}"),
    jwt, pem, card, iban, email, password_in_code, password_in_url, plain_password, phrase, phone, social_security,
]  # fmt: skip
