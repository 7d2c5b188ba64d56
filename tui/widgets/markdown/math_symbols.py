"""What the commands of mathematics are in Unicode: tables only."""

from unicodedata import lookup


def _pairs(words: str) -> dict[str, str]:
    """``"alpha α beta β"`` as a table."""
    each = words.split()
    return dict(zip(each[::2], each[1::2], strict=True))


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


LETTERS = _pairs(
    "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ "
    "mu μ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω "
    "Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω "
    "ell ℓ hbar ℏ Re ℜ Im ℑ aleph ℵ wp ℘ infty ∞ partial ∂ nabla ∇ emptyset ∅ varnothing ∅ angle ∠ triangle △ "
    "top ⊤ bot ⊥ ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ prime ′ degree ° checkmark ✓ square □ blacksquare ■ "
    "forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ imath ı jmath ȷ"
)

# Between two things: a space stands on both sides.
BETWEEN = _pairs(
    "times × cdot · div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ ominus ⊖ odot ⊙ wedge ∧ land ∧ "
    "vee ∨ lor ∨ cap ∩ cup ∪ setminus ∖ leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ equiv ≡ approx ≈ sim ∼ simeq ≃ cong ≅ "
    "propto ∝ ll ≪ gg ≫ prec ≺ succ ≻ in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ "
    "perp ⊥ parallel ∥ mid ∣ nmid ∤ vdash ⊢ models ⊨ to → rightarrow → leftarrow ← gets ← leftrightarrow ↔ "
    "Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺ mapsto ↦ longrightarrow ⟶ "
    "longleftarrow ⟵ Longrightarrow ⟹ uparrow ↑ downarrow ↓ hookrightarrow ↪ lt < gt > coloneqq ≔ therefore ∴ "
    "because ∵ bmod mod lhd ⊲ rhd ⊳ triangleq ≜ doteq ≐ asymp ≍"
)

# Whose limits stand above and below, and are written behind where they have no small letters.
BIG = _pairs("sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂")
BIG_WORDS = frozenset(("lim", "max", "min", "sup", "inf", "limsup", "liminf"))

WORDS = _names(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp det dim ker deg gcd arg hom Pr"
)

DELIMITERS = _pairs(
    r"{ { } } | ‖ langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert | Vert ‖ lVert ‖ rVert ‖ "
    "lbrace { rbrace } lbrack [ rbrack ] backslash \\ "
)
ESCAPED = frozenset("%$#&_")
SPACES = {",": " ", ";": " ", ":": " ", " ": " ", ">": " ", "!": "", "quad": "  ", "qquad": "    "}
# Of the size and place of what follows: they change no meaning.
SILENT = _names(
    "displaystyle textstyle limits nolimits big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm"
)

ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305", "vec": "\u20d7", "dot": "\u0307",
    "ddot": "\u0308", "tilde": "\u0303", "widetilde": "\u0303",
}  # fmt: skip

_HIGH = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻=⁼(⁽)⁾aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻ"
_HIGH_CAPITALS = "AᴬBᴮDᴰEᴱGᴳHᴴIᴵJᴶKᴷLᴸMᴹNᴺOᴼPᴾRᴿTᵀUᵁVⱽWᵂβᵝγᵞδᵟθᶿχᵡ′′"
_LOW = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨχᵪ"


def _table(pairs: str) -> dict[str, str]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


SUPERSCRIPTS, SUBSCRIPTS = _table(_HIGH + _HIGH_CAPITALS), _table(_LOW)

_KINDS = {"mathbb": "DOUBLE-STRUCK", "mathbf": "BOLD", "mathcal": "SCRIPT"}
_OLDER = {"mathbb": "DOUBLE-STRUCK", "mathcal": "SCRIPT"}  # letters that had names before the others came


def letter(alphabet: str, character: str) -> str | None:
    """``character`` of ``\\mathbb``, ``\\mathbf`` or ``\\mathcal``; None where Unicode has none."""
    if alphabet == "mathcal" and not character.isupper():
        return None  # small ones are not those of LaTeX
    if not character.isascii() or not character.isalnum():
        return None
    size = "CAPITAL" if character.isupper() else "SMALL"
    names = [f"MATHEMATICAL {_KINDS[alphabet]} {size} {character.upper()}"]
    if character.isdigit():
        names = [f"MATHEMATICAL {_KINDS[alphabet]} DIGIT {_DIGITS[int(character)]}"]
    elif alphabet in _OLDER:
        names.append(f"{_OLDER[alphabet]} {size} {character.upper()}")
    for name in names:
        try:
            return lookup(name)
        except KeyError:
            continue
    return None


_DIGITS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
