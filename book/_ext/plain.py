"""Formulas as a line of text, where none is typeset: in what a search finds and shows."""

import re

from docutils import nodes

from . import foreign

# A new line may name the space before the next.
TOKEN = re.compile(r"\\[a-zA-Z]+|\\\\(?:\[[^\]]*\])?|\\.|\s+|.", re.DOTALL)
DOLLARS = re.compile(r"\$([^$]+)\$")
LOW = str.maketrans("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
HIGH = str.maketrans("0123456789+-=()nik*'", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵏ*′")
SCRIPTS = {"_": LOW, "^": HIGH}
FRACTIONS = {r"\frac", r"\tfrac", r"\dfrac"}
# Commands whose argument is all that is to be seen of them.
FONTS = set(
    r"\mathbb \mathbf \mathrm \mathcal \mathit \mathsf \boldsymbol \bar \hat \tilde \widehat"
    r" \widetilde \overline \underline \left \right \big \Big \bigl \bigr \Bigl \Bigr \bigg \Bigg"
    r" \biggl \biggr \limits \nolimits \displaystyle \textstyle \middle \bigm \Bigm".split()
)
# Commands whose argument holds words, with spaces of its own or to be set off.
PROSE = {r"\text", r"\textrm", r"\textit", r"\textbf", r"\mbox"}
WORDS = PROSE | {r"\operatorname"}
# Written with space around them.
SPACED = set("=<>≤≥→∈∼≠≈≡↦⟶∣∪∩⊆⊂×≪≫")


def line_of(tex):
    """A formula as one line of Unicode: ``\\frac{\\alpha}{n}`` is α/n."""
    tokens = TOKEN.findall(tex)[::-1]
    line = ""
    while tokens:
        line += rest_of_group(tokens)
    line = " ".join(line.split())
    return re.sub(r"(?<=[(\[{|]) | (?=[)\]},.;:])", "", line)


def rest_of_group(tokens):
    parts = []
    while tokens:
        token = tokens.pop()
        if token == "}":
            break
        parts.append(one(token, tokens))
    return "".join(parts)


def argument(tokens):
    while tokens and tokens[-1].isspace():
        tokens.pop()
    return one(tokens.pop(), tokens).strip() if tokens else ""


def one(token, tokens):
    """What one token gives, with the arguments that it takes."""
    if token == "{":
        return rest_of_group(tokens)
    if token in SCRIPTS:
        return script(token, argument(tokens))
    if token in FRACTIONS:
        return f"{closed(argument(tokens))}/{closed(argument(tokens))}"
    if token == r"\sqrt":
        return "√" + closed(argument(tokens))
    if token in (r"\binom", r"\tbinom"):
        return f"({argument(tokens)} choose {argument(tokens)})"
    if token in (r"\begin", r"\end"):
        argument(tokens)
        return " "
    if token in WORDS:
        return words(tokens) if token in PROSE else f" {words(tokens)} "
    if token in FONTS or token.isspace() or token == "~":
        return ""
    return sign(token)


def words(tokens):
    """The words in the braces that follow, whose spaces count."""
    parts, depth = [], 0
    while tokens:
        token = tokens.pop()
        depth += (token == "{") - (token == "}")
        if depth == 0:
            break
        parts.append("" if token in ("{", "}", "$") or token.startswith("\\") else token)
    return "".join(parts)


def script(mark, text):
    table, tight = SCRIPTS[mark], text.replace(" ", "")
    if all(ord(letter) in table for letter in tight):
        return tight.translate(table)
    return mark + closed(text)


def closed(text):
    return text if re.fullmatch(r"\w*", text) else f"({text})"


def sign(token):
    if token == "&":
        return " "
    if not token.startswith("\\"):
        shown = token
    elif token[1:].isalpha():
        # What is no sign is a name, such as log.
        shown = foreign.TEX_SIGNS.get(token[1:], f" {token[1:]} ")
    else:
        shown = token[1:] if token in (r"\{", r"\}", r"\|", r"\#", r"\%", r"\_") else " "
    return f" {shown} " if shown in SPACED else shown + " " * (shown in ",;")


def with_formulas(text):
    """A text with formulas between dollars, as one line."""
    return DOLLARS.sub(lambda match: line_of(match[1]), text)


def text_of(node):
    """The words of a node on one line, with its formulas."""
    if isinstance(node, (nodes.math, nodes.math_block)):
        return line_of(node.astext())
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.subscript | nodes.superscript):
        mark = "_" if isinstance(node, nodes.subscript) else "^"
        return script(mark, "".join(map(text_of, node.children)))
    if isinstance(node, (nodes.raw, nodes.comment, nodes.FixedTextElement)):
        return ""
    return "".join(map(text_of, node.children))
