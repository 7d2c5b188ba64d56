"""The words before a secret, by what follows them, in the languages in which people write to an assistant.

A ``_`` stands for a space, a hyphen, an underscore or nothing; a ``*`` says that letters may follow or go before
("*password*" is found in "Wifipasswords"). All are in small letters: they are looked for in text made small.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese, Turkish; others.
# What follows is secret whatever its shape.
_PASSWORD = """
*password* passw passwrd *passwd* *passphrase* *passcode* pass pw pwd psw pswd psk login logins log_in signin sign_in
logon credential* wifi_key wpa*_key secret_word access_key master_key unlock_code
*passwort* *kennwort* losung* losungswort zugangsdaten anmeldedaten logindaten wlan_schlüssel zugangscode
mot_de_passe mots_de_passe mdp code_secret identifiants clé_wifi clef_wifi
contraseña* contrasena* contrasenya clave claves palabra_clave palabra_secreta credenciales
parola_d'ordine parola_d’ordine parola_chiave parola_segreta credenziali chiave_wifi
senha senhas palavra_passe palavra_chave palavra secreta credenciais
wachtwoord* *wachtwoord ww wachtzin inloggegevens inlogcode toegangscode
hasło hasła hasłem haśle haslo hasla haslem dane_logowania
*парол* логин* учетные_данные учётные_данные кодовое_слово
*密码* *密碼* *口令* *通行码* *登录名*
*パスワード* *パスフレーズ* *暗証* *合言葉* *ログイン*
*şifre* sifre* parola* giriş_bilgileri
lösenord* passord* adgangskode* salasana* heslo* jelszó* parolă* κωδικός* *비밀번호* *암호* كلمة* סיסמה* mật_khẩu kata_sandi पासवर्ड*
"""
_PIN = """
pin pins pin_code pin_codes *pincode* pin_number mpin upi_pin
geheimzahl* pin_nummer code_pin código_pin codigo_pin número_secreto numero_secreto clave_secreta codice_pin codice_segreto
pin_kod* kod_pin kodu_pin kodem_pin пин* *пин_код* пинкод* *暗証番号* *取款* *pin码*
"""
_CVV = """
cvv cvv2 cvc cvc2 cvn cid card_verification security_code security_codes card_code
prüfziffer* prüfnummer* kartenprüfnummer* kpn sicherheitscode* cryptogramme code_de_sécurité code_de_securite
código_de_seguridad codigo_de_seguridad codice_di_sicurezza código_de_segurança codigo_de_seguranca beveiligingscode* kod_bezpieczeństwa
код_безопасности *安全码* *验证值* *セキュリティコード* güvenlik_kod*
"""
# What follows is secret if it has a digit, or is made like a code.
_CODE = """
code codes passkey tan otp totp 2fa mfa one_time verification confirmation_code combination combo
*türcode* *tresorcode* *bestätigungscode* *zugangscode* *freischaltcode* zahlenkombination kombination
código* codigo* combinación combinação codice* codici combinazione *verificatiecode* *deurcode* cijfercode kod kodu kody kodem szyfr
код кода кодом кода *验证码* *驗證碼* *校验码* *动态码* *门禁* *認証コード* *確認コード* *コード* kodu* kodum kodunuz
"""
_KEY = """
token tokens *apikey* api_key api_keys *secret* access_key private_key auth_key *secretkey* account_key shared_key signing_key
encryption_key license_key licence_key serial serial_number activation_key bearer authorization x_api_key client_secret webhook
schlüssel* lizenzschlüssel clé clef clave_de_api chiave chave sleutel klucz* ключ* токен* *密钥* *令牌* *トークン* *シークレット* anahtar*
"""
_COOKIE = """
cookie cookies set_cookie *sessionid* *sessid* session_id session_key session_token session sid jsessionid connect.sid csrf*
csrftoken xsrf* auth_token remember_token sitzungs_id sitzungskennung
"""
_PASSPORT = """
*passport* id_card identity_card id_number id_no identity_number national_id driver's_license drivers_license driver’s_license
driving_licence driving_license driver_license residence_permit green_card visa_number licence_number license_number license_plate
*reisepass* passnummer passnr pass_nr pass_nummer *ausweis* *führerschein* aufenthaltstitel kennzeichen
passeport carte_d'identité carte_d’identité cni permis_de_conduire titre_de_séjour
*pasaporte* dni nie cédula cedula curp carnet_de_conducir licencia_de_conducir documento_de_identidad permiso_de_conducir
passaporto carta_d'identità carta_d’identità carta_d'identita carta_di_identità patente permesso_di_soggiorno
passaporte cartão_de_cidadão bilhete_de_identidade carteira_de_identidade rg carta_de_condução cnh
paspoort* identiteitskaart id_kaart rijbewijs* paszport* dowód dowodu dowodem dowod prawo_jazdy prawa_jazdy legitymacj*
паспорт* загранпаспорт* удостоверени* водительск* внж *护照* *護照* *身份证* *身分證* *驾照* *驾驶证* *通行证* *居留*
*パスポート* *旅券* *運転免許* *免許証* *在留カード* pasaport* kimlik* nüfus_cüzdan* ehliyet* sürücü_belge*
"""
_TAX = """
ssn ssns social_security social_insurance tax_id tax_ids tax_number tax_no tax_identification tax_file tax_code tin tfn itin ein ni_number
nino national_insurance utr vat_number vat_id
*steuer* st._nr idnr idnummer ust_id numéro_fiscal numero_fiscal sécurité_sociale securite_sociale secu nir spi siret siren
nif cif identificación_fiscal identificacion_fiscal rfc cuit cuil codice_fiscale cod._fiscale c.f. partita_iva p.iva contribuinte cpf cnpj
identificação_fiscal bsn burgerservice* sofinummer btw_nummer rsin pesel* nip nipu regon инн снилс* огрн налог*
*税号* *纳税* *税务* *マイナンバー* *個人番号* *納税* tckn tc_kimlik t.c._kimlik tc_no vergi*
"""
_INSURANCE = """
insurance policy_number policy_no medicare medicaid nhs_number nhs_no health_card member_id member_number patient_id patient_number mrn
*versicherung* *versicherten* *krankenkasse* kvnr svnr sv_nummer rvnr patientennummer
assuré assure assurance* mutuelle carte_vitale afiliación afiliacion póliza poliza seguro seguridad_social nss tarjeta_sanitaria
tessera_sanitaria polizza* assicuraz* inps apólice apolice utente niss segurança_social cartão_de_saúde sus
polis polisnummer* *verzekering* ubezpiecz* polisa polisy polisę zus nfz полис* страхов* омс *保险* *社保* *医保* *健保*
*保険* *年金* sigorta* poliçe* sgk
"""
_ACCOUNT = """
iban ibans account account_number account_no acct bank_account sort_code routing swift bic customer_number customer_no customer_id
konto kontonr *kontonummer* kontonr. blz bankleitzahl bankverbindung kundennummer compte rib numéro_de_compte numéro_client cuenta cuenta_bancaria clabe
conto conto_corrente conta conta_bancária nib rekening* rekeningnummer konta rachunek rachunku numer_konta счёт* счет* расчетн* бик
*账号* *帐号* *账户* *帳號* *卡号* *口座* hesap* müşteri_no
"""
_CARD = """
credit_card debit_card card card_number visa mastercard amex *kreditkarte* karte karten* kartennummer carte carte_bleue carte_bancaire
tarjeta* carta_di_credito carta carte_di_credito bancomat cartão cartao creditcard* kaart* kaartnummer karta karty kartą карта карты карту карт
номер_карты *信用卡* *银行卡* *カード* kart kartı* kartım* kart_numara*
"""
_PHONE = """
*phone* tel tel. mobile cell cellphone call call_me whatsapp signal telegram sms text text_me fax ring number my_number
*telefon* handy *handynummer* *rufnummer* mobil* ruf nummer ruf anrufen festnetz tél tél. téléphone portable appelle* numéro numero_fixe
teléfono* telefono* móvil movil celular llám* llama número cellulare chiam* numero_di_telefono telemóvel telemovel celular liga ligue
telefone* contacto *telefoonnummer* telefoon* mobiel* bel belt bellen komórk* zadzwoń dzwoń numer
телефон* тел тел. моб* звони* позвони* номер* *电话* *手机* *電話* *携帯* *微信* *連絡先* cep cep_tel telefon* numara* ara
"""
_BIRTHDAY = """
born birthday birthdate birth_date date_of_birth d.o.b. dob b_day bday *geboren* geb. geb *geburtstag* *geburtsdatum* geboren_am
né née né_le née_le nee_le ne_le date_de_naissance anniversaire nací nació nacido nacida fecha_de_nacimiento cumpleaños cumple f._nac. nato_il
nata_il nato nata data_di_nascita compleanno nasci nasceu nascido nascida data_de_nascimento aniversário aniversario data_nasc
geboortedatum geboortedag verjaardag* jarig urodz* urodzony urodzona data_urodzenia urodzin* ur.
родил* рожден* день_рождения дата рождения др д.р. *出生* *生日* *生于* *生年月日* *誕生日* *生まれ* doğum* doğdum
"""
_ADDRESS = """
address addresses *adresse* anschrift wohnhaft wohne wohnt wohnen adresse_postale domicile habite habitons dirección direccion domicilio vivo vivimos
indirizzo abito abita residenza residente morada endereço endereco moro mora resido adres* woon woont wonen woonadres mieszka* zamieszka* адрес* живу проживаю
прописк* *地址* *住址* *住在* *住所* *居住* *住んで* ikamet* oturuyor* live_at living_at lives_at i_live ship_to mail_to deliver_to home_is
"""
_PLACE = """
gps coordinates coords lat latitude lon lng long longitude geo_location koordinaten breitengrad längengrad standort coordonnées position
coordenadas ubicación coordinate posizione localização coördinaten współrzędne координат* геолокац* *坐标* *经纬度* *座標* *緯度* *経度* koordinat* konum*
"""
_SEED = """
seed seed_phrase seed_words recovery_phrase recovery_words recovery_seed backup_phrase secret_phrase mnemonic* wallet_words wallet
*wiederherstellungsphrase* *wiederherstellungswörter* phrase_de_récupération phrase_secrète mots_de_récupération frase_semilla frase_de_recuperación
palabras_semilla frase_di_recupero parole_di_recupero frase_de_recuperação herstelzin herstelwoorden fraza_odzyskiwania сид_фраза* *助记词* *リカバリーフレーズ* *シードフレーズ* *ニーモニック*
kurtarma*
"""

_TABLE = {
    "password": _PASSWORD, "PIN": _PIN, "card code": _CVV, "code": _CODE, "key": _KEY, "cookie": _COOKIE,
    "recovery phrase": _SEED, "birthday": _BIRTHDAY, "tax number": _TAX, "insurance number": _INSURANCE,
    "identity document": _PASSPORT, "bank account": _ACCOUNT, "card number": _CARD, "phone number": _PHONE,
    "street address": _ADDRESS, "place": _PLACE,
}  # fmt: skip


class Label(NamedTuple):
    """``text[start:end]`` announces a secret of some ``kind``."""

    start: int
    end: int
    kind: str


def labels(text: str) -> Iterator[Label]:
    """All labels in ``text``, of which places are those of ``small(text)``."""
    lowered = small(text)
    for pattern in (_BEGINNING, _ANYWHERE):
        for match in pattern.finditer(lowered):
            yield Label(match.start(), match.end(), _KINDS[_SEPARATOR.sub("_", match.group())])


def small(text: str) -> str:
    """``text`` in small letters, every one at its place: of all letters the dotted capital I alone would become two."""
    return text.replace("İ", "i").lower()


_LETTER = "[0-9a-zß-öø-ÿĀ-ſ\u0370-\u03ff\u0400-\u04ff]"  # of the scripts that put spaces between words
_SEPARATOR = re.compile(r"[ _-]")


def _trie(words: Iterable[str]) -> str:
    """One expression for all words, where what they begin with alike is tried once."""
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[:1], []).append(word[1:])
    branches = [_character(first) + _trie(rest) for first, rest in sorted(by_first.items()) if first not in ("", "*")]
    ends = ["" if "*" in by_first else f"(?!{_LETTER})"] if by_first.keys() & {"", "*"} else []
    branches += ends  # last, so that the longest word is taken
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _character(c: str) -> str:
    return "[ _-]" if c == "_" else re.escape(c)


def _spellings(word: str) -> set[str]:
    return {word, word.replace("_", "")}


_ALL = {
    spelling: kind
    for kind, table in reversed(_TABLE.items())
    for word in table.split()
    for spelling in _spellings(word)
}
_KINDS = {word.strip("*"): kind for word, kind in _ALL.items()}
_ANYWHERE = re.compile(_trie(word[1:] for word in _ALL if word.startswith("*")))
_BEGINNING = re.compile(f"(?<!{_LETTER})" + _trie(word for word in _ALL if not word.startswith("*")))
