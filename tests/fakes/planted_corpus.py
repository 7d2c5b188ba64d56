"""Some six hundred private things as people write them in twelve languages, made from tables: kind, language, phrasing.

Every second phrasing of a kind and language is held out: recognisers are made with `tuned()` in sight, and judged by
`held_out()`. All numbers are made up; check digits are right where the kind has them.
"""

import base64
import random
import string
from collections.abc import Callable
from typing import NamedTuple

from fakes.planted_secrets import ALNUM, HEX, URLSAFE, luhn, some


class Planted(NamedTuple):
    """``text`` holds ``secret`` once."""

    kind: str
    secret: str
    text: str


def tuned() -> list[Planted]:
    """Those the recognisers were made with."""
    return _made(0)


def held_out() -> list[Planted]:
    """Those of the other phrasings."""
    return _made(1)


def _made(half: int) -> list[Planted]:
    rng = random.Random(19 + half)
    planted = []
    for (kind, make), phrasings in PHRASINGS.items():
        for phrasing in phrasings.splitlines()[1:]:
            for number, sentence in enumerate(phrasing.strip().split(" | ")):
                if number % 2 == half:
                    secret = make(rng)
                    planted.append(Planted(kind, secret, sentence.replace("\\n", "\n").replace("{}", secret)))
    return planted


# --- values ----------------------------------------------------------------------------------------------------------

WORDS = (  # noqa: SIM905 - shorter than quoted words
    "correct sunshine dragon monkey letmein secret welcome shadow butterfly schatz soleil amore sternchen qwerty "
    "perrito kotek maison trustno1 Hunter2 Blume!2019 Tr0ub4dor&3 P@ssw0rd! katze123 x7#Lq9 gato_negro 1q2w3e4r"
).split()
SEED = (  # noqa: SIM905
    "abandon ability absent cactus camera canyon dragon drift eagle fabric galaxy garlic hazard icon jaguar kangaroo "
    "ladder magnet napkin ocean panther quantum rabbit saddle tackle umbrella vacuum walnut yellow zebra tornado velvet"
).split()


def digits(rng: random.Random, n: int) -> str:
    return some(rng, "123456789", 1) + some(rng, string.digits, n - 1)


def shaped(*shapes: str) -> Callable[[random.Random], str]:
    """``9`` is a digit, ``A`` a capital, ``a`` a small letter, ``h`` hexadecimal; all else stands for itself."""
    kinds = {"9": "123456789", "A": string.ascii_uppercase, "a": string.ascii_lowercase, "h": HEX}
    return lambda rng: "".join(rng.choice(kinds.get(c, c)) for c in rng.choice(shapes))


def numbered(*shapes: str) -> Callable[[random.Random], str]:
    """``9`` is a digit; all else stands for itself."""
    return lambda rng: "".join(rng.choice("123456789") if c == "9" else c for c in rng.choice(shapes))


def word(rng: random.Random) -> str:
    return rng.choice(WORDS)


def card(rng: random.Random) -> str:
    number = luhn(rng.choice("45") + some(rng, string.digits, 14))
    return rng.choice(["", " ", "-", ".", "\u00a0"]).join(number[i : i + 4] for i in range(0, 16, 4))


def iban(rng: random.Random) -> str:
    country, body = rng.choice(
        [("DE", some(rng, string.digits, 18)), ("FR", some(rng, string.digits, 23)), ("ES", some(rng, string.digits, 20)),
         ("NL", "ABNA" + some(rng, string.digits, 10)), ("GB", "NWBK" + some(rng, string.digits, 14)),
         ("IT", "X" + some(rng, string.digits, 22)), ("PL", some(rng, string.digits, 24)), ("TR", some(rng, string.digits, 22))]
    )  # fmt: skip
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    value = f"{country}{check:02}{body}"
    spelt = rng.choice(["", " ", "-", "."]).join(value[i : i + 4] for i in range(0, len(value), 4))
    return rng.choice([spelt, spelt.lower()])


def phrase(rng: random.Random) -> str:
    return rng.choice([" ", ", ", "\n"]).join(rng.choice(SEED) for _ in range(rng.choice([12, 24])))


def jwt(rng: random.Random) -> str:
    parts = (
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"HS256"}', b'{"sub":"1234567890"}')
    )
    return ".".join([*parts, some(rng, URLSAFE, 43)])


def pem(rng: random.Random) -> str:
    body = "\n".join(some(rng, ALNUM + "+/", 64) for _ in range(4))
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----"


def token(rng: random.Random) -> str:
    prefix, n = rng.choice(
        [("ghp_", 36), ("glpat-", 20), ("sk-proj-", 40), ("xoxb-", 40), ("AIza", 35), ("hf_", 34), ("npm_", 36), ("AKIA", 16),
         ("dop_v1_", 64), ("SG.", 66), ("sk_live_", 24), ("pypi-AgEI", 60), ("gsk_", 52), ("r8_", 37), ("lin_api_", 40)]
    )  # fmt: skip
    return prefix + some(rng, string.ascii_uppercase + "234567" if prefix == "AKIA" else ALNUM, n)


def connection(rng: random.Random) -> str:
    scheme = rng.choice(["postgres", "mysql", "mongodb+srv", "redis", "amqp", "https", "ftp"])
    return f"{scheme}://{rng.choice(['app', 'anna', ''])}:{word(rng)}@db.example.org/main"


def coordinates(rng: random.Random) -> str:
    lat, lon = rng.uniform(30, 60), rng.uniform(1, 140)
    return rng.choice(
        [f"{lat:.5f}, {lon:.5f}", f"{lat:.4f},{lon:.4f}", f"{lat:.4f}° N, {lon:.4f}° E",
         f"{int(lat)}°{rng.randint(0, 59)}'{rng.randint(0, 59)}\"N {int(lon)}°{rng.randint(0, 59)}'{rng.randint(0, 59)}\"E"]
    )  # fmt: skip


def mac(rng: random.Random) -> str:
    pairs = [some(rng, HEX, 2) for _ in range(6)]
    return rng.choice(
        [":".join(pairs), "-".join(pairs).upper(), ".".join("".join(pairs[i : i + 2]) for i in (0, 2, 4))]
    )


def ipv6(rng: random.Random) -> str:
    groups = [some(rng, HEX[1:], 4) for _ in range(7)]
    return rng.choice(
        ["2a02:" + ":".join(groups), f"2001:{groups[0]}:{groups[1]}::{groups[2]}", f"fe80::{':'.join(groups[:4])}"]
    )


phone = shaped("+49 171 9999999", "+33 6 99 99 99 99", "0171 9999999", "06 99 99 99 99", "+44 7700 999999", "(415) 999-9999",
               "415.999.9999", "612 999 999", "+7 912 999-99-99", "8 (912) 999-99-99", "138 9999 9999", "13899999999",
               "090-9999-9999", "0532 999 99 99", "030/9999999", "06-99999999", "601 999 999", "+39 347 999 9999")  # fmt: skip
passport = shaped(
    "C99X99T99", "A99999999", "99AA99999", "AA999999", "999999999", "45 99 999999", "AAA999999", "AB9999999"
)
tax = shaped("99 999 999 999", "99/999/99999", "99999999A", "999-99-9999", "999999999", "99999999999", "AAAAAA99A99A999A",
             "9 99 99 99 999 999 99", "999-999-999 99", "999.999.999-99", "99 99 99 999 A", "AA 99 99 99 A")  # fmt: skip
insurance = shaped(
    "A999999999", "99 999999 A 999", "AA999999A", "99999999-9", "1EG4-AE9-MK79", "999-999-9999", "99999999"
)
pin, cvv, code = (
    shaped("9999", "99999", "999999"),
    shaped("999", "9999"),
    shaped("999999", "AA99-99AA", "9999", "999-999", "aaaa-aaaa"),
)
birthday = shaped("12.03.1979", "1985-07-14", "03/11/1992", "5/6/88", "21. 9. 1966", "14-02-2001")
STREETS = {
    "en": numbered("99 Elm Street", "999 Old Mill Road, Apt 9", "9999 Maple Ave", "9 Kings Close, London SW1A 1AA"),
    "de": numbered(
        "Lindenstraße 99", "Am Alten Markt 9", "Goethestr. 99a, 10115 Berlin", "Birkenweg 9", "Unter den Eichen 99"
    ),
    "fr": numbered("99 rue de la Paix", "9 bis, avenue Victor Hugo", "99, boulevard Saint-Michel, 75006 Paris"),
    "es": numbered("Calle de Alcalá 99", "C/ Mayor, 99, 3º B", "Avenida de América 99"),
    "it": numbered("Via Garibaldi 99", "Piazza San Marco, 9", "Corso Vittorio Emanuele II 99"),
    "pt": numbered("Rua das Flores, 99", "Avenida da Liberdade 99", "Travessa do Carmo 9"),
    "nl": numbered("Kerkstraat 99", "Prinsengracht 999", "Dorpsweg 9"),
    "pl": numbered("ul. Długa 99", "ulica Marszałkowska 99/9", "al. Jerozolimskie 99"),
    "ru": numbered("ул. Ленина, д. 99", "улица Пушкина 99", "проспект Мира, дом 99, кв. 9"),
    "zh": numbered("中山路99号", "人民大街999号9室"),
    "ja": numbered("東京都新宿区西新宿9-9-9", "大阪市北区梅田9丁目9番"),
    "tr": numbered("Atatürk Caddesi No: 99", "Gül Sokak No:9", "Bağdat Cad. 999"),
}

# --- how they are said -----------------------------------------------------------------------------------------------

PHRASINGS: dict[tuple[str, Callable[[random.Random], str]], str] = {
    ("password", word): """
        my password is {} | password: {} | the wifi password is {} ok? | pw {} | login: anna, pass: {} | user anna pw: {}
        Password = {} | set the password to {} | {} is my password | my pass is {} for now | the passphrase was {} | pwd={}
        mein Passwort ist {} | Passwort: {} | das Kennwort lautet {} | das WLAN-Passwort ist {} | Zugangsdaten: anna / {} | Kennwort für den Router: {}
        mon mot de passe est {} | mot de passe : {} | le mot de passe du wifi c'est {} | mdp: {} | mdp = {} | le code secret est {}
        mi contraseña es {} | contraseña: {} | la clave es {} | la contraseña del wifi es {} | clave: {} | la contrasena: {}
        la mia password è {} | password: {} | la parola d'ordine è {} | la password del wifi è {} | parola chiave: {} | Password del router: {}
        a minha senha é {} | senha: {} | palavra-passe: {} | a senha do wifi é {} | a palavra-passe é {} | Senha = {}
        mijn wachtwoord is {} | wachtwoord: {} | het wachtwoord van de wifi is {} | ww: {} | wachtwoord = {} | Het wachtwoord luidt {}
        moje hasło to {} | hasło: {} | hasło do wifi to {} | haslo: {} | moim hasłem jest {} | Hasło do konta: {}
        мой пароль {} | пароль: {} | пароль от вайфая: {} | пароль - {} | мой пароль это {} | Пароль: {}
        我的密码是{} | 密码：{} | 密码: {} | wifi密码是 {} | 口令是{} | 登录密码为{}
        パスワードは{}です | パスワード：{} | パスワード: {} | 暗証は{} | 私のパスワードは {} | Wi-Fiのパスワードは「{}」
        şifrem {} | şifre: {} | parola: {} | wifi şifresi {} | parolam {} | Şifre = {}
        login {} | login: {} | log in with anna and {} as the password | credentials: anna:{} | {"password": "{}"} | <password>{}</password>
        DB_PASSWORD={} | db_password: '{}' | mysql -u root -p{} | curl -u anna:{} https://x.example | **Password:** {} | Password:\\n{}
        the admin password has been changed to {} | I always use {} as my password | password for gmail: {} | root password {} | use password "{}" | pass={}""",
    ("PIN", pin): """
        my PIN is {} | PIN: {} | the pin for the card is {} | pin {} | PIN code {} | card pin = {}
        meine PIN ist {} | PIN: {} | die Geheimzahl lautet {} | PIN der EC-Karte: {} | der PIN-Code ist {} | Geheimzahl {}
        mon code PIN est le {} | code pin : {} | le code de la carte c'est {} | mon code est {}
        mi PIN es {} | el pin de la tarjeta es {} | número secreto: {} | mi código PIN: {}
        il mio PIN è {} | il pin del bancomat è {} | codice pin: {} | Il PIN: {}
        o meu PIN é {} | o código da porta é {} | pin do cartão: {} | código PIN {}
        mijn pincode is {} | pincode: {} | de pin van mijn pas is {} | mijn pin: {}
        mój PIN to {} | kod PIN: {} | pin do karty {} | PIN: {}
        мой пин-код {} | ПИН: {} | пин-код карты {} | пин {}
        银行卡密码是{} | PIN码：{} | PIN是{} | 取款密码{}
        暗証番号は{}です | 暗証番号：{} | PINは{} | カードの暗証番号は {}
        PIN kodum {} | kart şifrem {} | PIN: {} | pin kodu {}""",
    ("CVV", cvv): """
        CVV {} | the security code is {} | cvc: {} | CVV2: {} | card security code: {} | cvv is {}
        Prüfziffer {} | die Prüfnummer ist {} | Kartenprüfnummer: {} | CVC ist {} | Sicherheitscode: {} | KPN {}
        cryptogramme : {} | le cryptogramme est {} | code de sécurité : {} | código de seguridad: {}
        codice di sicurezza: {} | codice CVV {} | código de segurança: {} | o CVV é {}
        beveiligingscode: {} | cvc-code {} | kod CVV: {} | kod bezpieczeństwa {}
        код CVV {} | CVV-код: {} | 安全码是{} | 安全码：{} | セキュリティコードは{} | güvenlik kodu: {}""",
    ("code", code): """
        the door code is {} | verification code: {} | your code is {} | use {} as the code | backup code {} | my login code is {}
        der Türcode ist {} | Bestätigungscode: {} | der Code lautet {} | TAN {} | Ihr Code: {} | Tresorcode {}
        le code de la porte est {} | code de vérification : {} | code d'accès: {} | votre code est {}
        el código de la puerta es {} | código de verificación: {} | tu código es {} | código de acceso {}
        il codice del portone è {} | codice di verifica: {} | o código de verificação é {} | código de acesso: {}
        de code van de deur is {} | verificatiecode: {} | kod do drzwi to {} | kod weryfikacyjny: {}
        код от двери {} | код подтверждения: {} | 验证码是{} | 验证码：{} | 認証コードは{} | kapı kodu {} | doğrulama kodu: {} | ドアのコードは{}""",
    ("card", card): """
        my card is {} | pay with {} please | Kreditkarte {} | Karte: {} | carte bleue {} | carte n° {}
        tarjeta {} | número de tarjeta: {} | carta di credito {} | la carta è {} | cartão {} | creditcard {}
        karta {} | numer karty {} | карта {} | номер карты: {} | 卡号{} | カード番号は{} | kart numaram {} | {}""",
    ("bank account", iban): """
        IBAN {} | send it to {} please | Überweise an {} | meine IBAN ist {} | mon IBAN : {} | vire sur {}
        mi cuenta es {} | IBAN: {} | il mio IBAN è {} | IBAN {} grazie | o meu IBAN é {} | conta {}
        mijn rekening is {} | IBAN={} | numer konta {} | konto: {} | счёт {} | IBAN numaram {} | 账号 {} | 口座 {}""",
    ("phone number", phone): """
        call me at {} | my number is {} | phone: {} | text {} tonight | Ruf mich an: {} | Handy {} | meine Nummer ist {} | Tel. {}
        appelle-moi au {} | tél : {} | mi teléfono es {} | llámame al {} | chiamami al {} | il mio numero è {} | o meu telemóvel é {} | liga para {}
        bel me op {} | mijn nummer: {} | mój telefon to {} | zadzwoń {} | мой телефон {} | звони {} | 我的手机号是{} | 电话：{}
        電話番号は{}です | 携帯：{} | telefonum {} | beni {} numarasından ara | {} | fax {}""",
    ("passport", passport): """
        passport {} | my passport number is {} | Passport No.: {} | Reisepass {} | Passnummer: {} | mein Ausweis hat die Nummer {} | Personalausweis {}
        passeport n° {} | numéro de passeport : {} | carte d'identité {} | pasaporte {} | número de pasaporte: {} | mi DNI es {}
        passaporto {} | numero di passaporto: {} | carta d'identità {} | passaporte {} | número do passaporte: {} | o meu cartão de cidadão é {}
        paspoort {} | paspoortnummer: {} | paszport {} | numer paszportu: {} | dowód osobisty {} | паспорт {} | номер паспорта: {}
        护照号码是{} | 护照：{} | パスポート番号は{} | 旅券番号：{} | pasaport numaram {} | pasaport no: {}""",
    ("tax number", tax): """
        my SSN is {} | social security number: {} | tax ID {} | TIN: {} | NI number {} | national insurance number: {}
        Steuer-ID {} | meine Steuernummer ist {} | Steueridentifikationsnummer: {} | St.-Nr. {} | numéro fiscal {} | numéro de sécurité sociale : {}
        NIF {} | número de identificación fiscal: {} | codice fiscale {} | codice fiscale: {} | o meu NIF é {} | CPF: {} | CPF {}
        BSN {} | burgerservicenummer: {} | PESEL {} | NIP: {} | ИНН {} | СНИЛС: {} | 身份证号{} | 税号：{}
        マイナンバーは{} | 個人番号：{} | TC kimlik no {} | vergi numaram {}""",
    ("insurance", insurance): """
        health insurance number {} | my insurance policy is {} | policy number: {} | Medicare: {} | Versicherungsnummer {} | Krankenkassennummer: {}
        meine Sozialversicherungsnummer ist {} | Rentenversicherungsnummer: {} | numéro d'assuré {} | police d'assurance n° {} | número de afiliación: {} | póliza {}
        tessera sanitaria {} | numero di polizza: {} | apólice {} | número de utente: {} | polisnummer {} | zorgverzekering nummer: {}
        numer ubezpieczenia {} | polisa nr {} | полис {} | номер страховки: {} | 保险单号{} | 社保号：{} | 保険証番号は{} | sigorta numaram {}""",
    ("birthday", birthday): """
        I was born on {} | my birthday is {} | DOB: {} | date of birth {} | geboren am {} | mein Geburtstag ist der {} | Geburtsdatum: {} | geb. {}
        né le {} | date de naissance : {} | nací el {} | fecha de nacimiento: {} | sono nato il {} | data di nascita: {} | nasci em {} | data de nascimento: {}
        ik ben geboren op {} | geboortedatum: {} | urodziłem się {} | data urodzenia: {} | я родился {} | дата рождения: {}
        我的生日是{} | 出生日期：{} | 生年月日は{} | 誕生日：{} | doğum tarihim {} | doğum günüm {}""",
    ("birthday", numbered("March 9rd, 1985", "19 May 1979", "19th of April")): """
        my birthday is {} | born {} | I was born on {} | date of birth: {}""",
    ("birthday", numbered("19. März 1979", "9. Oktober")): """
        geboren am {} | mein Geburtstag ist der {}""",
    ("birthday", numbered("19 mai 1979", "9 octobre 1988")): """
        je suis né le {} | mon anniversaire est le {}""",
    ("birthday", numbered("1979年9月9日")): """
        我出生于{} | 生年月日：{}""",
    ("MAC address", mac): """
        MAC {} | my router is {} | MAC-Adresse: {} | adresse MAC : {} | {} | dirección MAC {}""",
    ("network address", ipv6): """
        IPv6 {} | ssh anna@{} | my address is {} | inet6 {}/64 | ping {} | meine IP ist {}""",
    ("place", coordinates): """
        we live at {} | GPS: {} | coordinates {} | Koordinaten: {} | coordonnées : {} | {} | geo: {} | meet me at {}""",
    ("recovery phrase", phrase): """
        my seed phrase: {} | recovery phrase is {} | wallet words: {} | {} | Wiederherstellungsphrase: {} | phrase de récupération : {} | frase semilla: {} | write these down: {}""",
    ("key", token): """
        my key is {} | export TOKEN={} | Schlüssel: {} | clé {} | {} | api_key="{}" | use {} for it | 密钥：{}""",
    ("key", jwt): """
        Authorization: Bearer {} | jwt {} | token={} | {}""",
    ("private key", pem): """
        here it is:\\n{} | {}""",
    ("connection string", connection): """
        DATABASE_URL={} | connect to {} now | {} | url: {}""",
    ("cookie", lambda rng: some(rng, string.ascii_lowercase + string.digits, 26)): """
        Cookie: PHPSESSID={} | session_id={} | JSESSIONID={}; Path=/ | sid: {} | Set-Cookie: sessionid={}; HttpOnly | connect.sid={}""",
    **{
        ("street address", STREETS[language]): phrasings
        for language, phrasings in {
            "en": "\n I live at {} | address: {} | send it to {} please | come to {} tonight",
            "de": "\n ich wohne {} | Adresse: {} | schick es an {} bitte | komm in die {}",
            "fr": "\n j'habite au {} | adresse : {} | envoie-le au {} | viens au {}",
            "es": "\n vivo en {} | dirección: {} | envíalo a {} | ven a {}",
            "it": "\n abito in {} | indirizzo: {} | mandalo in {} | vieni in {}",
            "pt": "\n moro na {} | morada: {} | envia para a {} | endereço: {}",
            "nl": "\n ik woon op {} | adres: {} | stuur het naar {} | kom naar {}",
            "pl": "\n mieszkam przy {} | adres: {} | wyślij na {} | przyjdź na {}",
            "ru": "\n я живу {} | адрес: {} | отправь на {} | приходи на {}",
            "zh": "\n 我住在{} | 地址：{} | 寄到{} | 请来{}",
            "ja": "\n 住所は{}です | 住所：{} | {}に住んでいます | {}に送って",
            "tr": "\n {} adresinde oturuyorum | adres: {} | evim {} | {} adresine gönder",
        }.items()
    },
}  # fmt: skip
