// What a search finds, and in which order; the page and the maker of the index both use it.

import MiniSearch from "./minisearch/minisearch.mjs";
import { stemmer } from "./minisearch/stemmer.mjs";

const GREEK = {
  α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", ζ: "zeta", η: "eta", θ: "theta",
  κ: "kappa", λ: "lambda", μ: "mu", ν: "nu", ξ: "xi", π: "pi", ρ: "rho", σ: "sigma", τ: "tau",
  φ: "phi", χ: "chi", ψ: "psi", ω: "omega", ℓ: "ell", "∑": "sum", "∏": "prod", "∫": "int",
  "∞": "infinity",
}; // prettier-ignore
const STOP = new Set(
  `a about after all also always am an and any are as at be been but by can could did do does doesn don each ever
  every explain find for from get gets getting give gives had has have how i if in into is isn it its just like
  made make makes may me my need needs of on or our really same should so some such tell than that the their them
  then there these they this to us use used uses using versus very vs want was way we were what when where whether
  which who whom whose why will with would you your
  mathbb mathbf mathcal mathrm operatorname frac text left right big`.split(/\s+/),
);
const QUESTION = /^(why|is|are|do|does|can|should|how (can|do|does|long|many))\b|\?$/i;
const KINDS = {
  thm: "theorem", theorem: "theorem", lem: "lemma", lemma: "lemma", def: "definition",
  definition: "definition", prop: "proposition", prp: "proposition", proposition: "proposition",
  cor: "corollary", corollary: "corollary", alg: "algorithm", algorithm: "algorithm",
  ex: "example", example: "example", exm: "example", rem: "remark", remark: "remark",
  exercise: "exercise", section: "section", sec: "section", chapter: "chapter", ch: "chapter",
}; // prettier-ignore
// How much each kind counts beside a result.
const WEIGHT = {
  definition: 1.2, result: 1, chapter: 1.15, section: 0.7, question: 0.65, exercise: 0.5, appendix: 0.5,
  function: 0.35, module: 0.25, reference: 0.12,
}; // prettier-ignore
// An algorithm goes before the theorem that it is right, as a definition before what is said of it.
const weight = ({ label, kind }) => WEIGHT[label.startsWith("alg-") ? "definition" : kind];
// The package and the literature come after what the book says, however they are named.
const LOW = 0.35;
const EXACT = 1e4;
const FIELDS = { title: 4, terms: 4, people: 2, text: 1, proof: 0.4 };
const LONG = ["text", "proof"];
const SHOWN = [
  "label", "kind", "title", "address", "number", "earlier", "tag", "place", "terms", "people",
  "text",
]; // prettier-ignore

// The words of a text: accents folded, Greek letters named, American spelling made British. A sign
// and its index are one word. A lone letter is a word only in what is short.
export function words(text, field) {
  const short = !LONG.includes(field);
  return text
    .replace(/[\u0370-\u03ff∑∏∫∞ℓ]/g, (sign) => {
      const name = GREEK[sign.normalize("NFKC").toLowerCase()];
      return name ? ` ${name} ` : sign;
    })
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/\b([a-z])_\{?([a-z0-9])\b/g, "$1$2")
    .replace(/['’]s\b|['’]/g, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word && (word.length > 1 || short || /\d/.test(word)) && !STOP.has(word))
    .map((word) =>
      word.replace(/(\w{3,})iz(e|ed|es|er|ing|ation)$/, "$1is$2").replace(/ll(ing|ed)$/, "l$1"),
    );
}

// What a formula is written with, in TeX or in signs.
const FORMULA = /\\[a-z]|[\u0370-\u03ff^_{}=≤≥∑∏∫[\]/+!]|\w\([^)]/i;
const MATHS = /^([a-z+*-]|\d+|log|exp|sum|prod|var|cov|alpha|beta|gamma|psi|theta|pi)$|[()]/i;

const stem = (word) => (/\d/.test(word) ? word : stemmer(word));
const stems = (text) => words(text).map(stem);

// A formula without what may be written in many ways: spaces, brackets, marks of index and power.
const bare = (text) =>
  text
    .replace(/\\?\b([a-z]+)\b/gi, (all, name) => SIGNS[name.toLowerCase()] ?? all)
    .normalize("NFKD")
    .replace(/[\u2212\u2013]/g, "-")
    .replace(/[\s()[\]{}_^\\*|⋅·,]|\p{M}/gu, "");
const SIGNS = Object.fromEntries(Object.entries(GREEK).map(([sign, name]) => [name, sign]));
SIGNS.prod = "∏";

const OPTIONS = {
  fields: Object.keys(FIELDS),
  storeFields: SHOWN,
  tokenize: words,
  // A title is found while its words are being typed, so it keeps them whole as well.
  processTerm: (word, field) => {
    const short = stem(word);
    return LONG.includes(field) || short === word ? short : [short, word];
  },
  extractField: (entry, field) => {
    const value = entry[field];
    return field in FIELDS && Array.isArray(value) ? value.join(" ; ") : value;
  },
};

// The index as text, from the entries of the book.
export function makeIndex({ entries, synonyms }) {
  const mini = new MiniSearch(OPTIONS);
  mini.addAll(entries.map((entry, id) => ({ id, ...entry })));
  return JSON.stringify({ synonyms, mini });
}

// The number that a query asks for, as what matches a kind and that number; nothing if it asks for
// none. The kind may be another, if it is to find any.
function numberIn(query) {
  const found = /(?:\b([a-z]+)\.?\s*)?\b(\d+\.\d+)\b/i.exec(query) ?? /\b(ch)apter\s+(\d+)\b/i.exec(query);
  if (!found) return null;
  const like = (kind) => new RegExp(`^${kind} ${found[2].replace(".", "\\.")}( |$)`, "i");
  return { asked: like(KINDS[found[1]?.toLowerCase()] ?? "\\w+"), any: like("\\w+") };
}

// Whether one list of words stands in another, and where.
function positionOf(part, whole) {
  return whole.findIndex((_, i) => part.every((word, j) => whole[i + j] === word));
}

// How many letters must be changed, left out, added or swapped; more than `most` counts as that.
function distance(a, b, most) {
  if (Math.abs(a.length - b.length) > most) return Infinity;
  let [before, last] = [[], [...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(last[j] + 1, next[j - 1] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, last] = [last, next];
  }
  return last[b.length];
}

// The pieces of three signs that a formula consists of.
function pieces(formula) {
  return [...new Set([...formula].slice(2).map((_, i) => formula.slice(i, i + 3)))];
}

export class Finder {
  constructor(text) {
    const { synonyms, mini } = JSON.parse(text);
    this.mini = MiniSearch.loadJS(mini, OPTIONS);
    this.entries = Object.values(mini.storedFields);
    this.synonyms = synonyms.map((same) => same.map(stems));
    // In how many places each word stands.
    this.places = new Map(
      mini.index.map(([word, fields]) => [word, Object.values(fields).flatMap(Object.keys).length]),
    );
    for (const entry of this.entries) {
      // "Collapsed sampler (Neal's Algorithm 3)" has three names.
      const parts = entry.title.split(/\s*[()]\s*/).filter(Boolean);
      // A label such as thm-dp-exists says what the result is about.
      const label = entry.tag ? [entry.label.slice(entry.label.indexOf("-"))] : [];
      const names = [entry.title, ...parts, ...label, ...entry.terms.split(" ; ")];
      entry.names = names.map((name) => [...new Set(stems(name))]);
      entry.known = new Set([...entry.names.flat(), ...stems(entry.people)]);
      entry.formulas = bare(entry.text);
    }
    this.count = new Map();
    for (const { names } of this.entries) {
      for (const word of new Set(names.flat())) {
        this.count.set(word, (this.count.get(word) ?? 0) + 1);
      }
    }
  }

  // What words say: much if few entries are named by them; a letter says little.
  worth(words) {
    const total = this.entries.length;
    const one = (w) => Math.log(total / ((this.count.get(w) ?? 0) + 0.5)) * (w.length > 1 ? 1 : 0.4);
    return words.reduce((sum, word) => sum + one(word), 0);
  }

  // How much of what is asked a name says, and no more, from 0 to 1.
  likeness(name, asked) {
    const shared = name.filter((word) => asked.includes(word));
    return (2 * this.worth(shared)) / (this.worth(name) + this.worth(asked) || 1);
  }

  // The entries for a query, the best first.
  find(query, most = 30) {
    const named = this.named(query);
    const found = [...this.scores(query)].sort((a, b) => b[1] - a[1]).map(([entry]) => entry);
    return [...new Set([...named, ...found])].slice(0, most);
  }

  // What a tag, a number or the name of a function means, whatever else is asked.
  named(query) {
    const text = query.trim().toLowerCase();
    const tag = /\bdp[-\s]?(\d{1,4})\b/.exec(text);
    if (tag) {
      return this.entries.filter((entry) => entry.tag === `DP-${tag[1].padStart(4, "0")}`);
    }
    // A class and a function may differ in the case of a letter.
    const as = (test) => (a, b) => test(b) - test(a);
    const labelled = this.entries.filter(({ label }) => label.toLowerCase() === text);
    if (labelled.length) return labelled.sort(as(({ label }) => label === query.trim()));
    const number = numberIn(query);
    if (number) {
      const tagged = (a, b) => Boolean(b.tag) - Boolean(a.tag);
      const now = (like) => this.entries.filter((entry) => like.test(entry.number)).sort(tagged);
      const once = this.entries.filter((entry) => this.formerly(entry, query));
      return [...now(number.asked), ...once, ...now(number.any)];
    }
    const name = query.replace(/`/g, "").trim().replace(/\(.*\)$/, "").replace(/^dpnotes\./, "");
    if (!/^[\w.]*[_.][\w.]*$/.test(name) && !/\(\)$/.test(text)) return [];
    const ends = (title, end) => `.${title}`.endsWith(`.${end}`);
    const functions = this.entries.filter(
      ({ kind, title }) => kind === "function" && ends(title.toLowerCase(), name.toLowerCase()),
    );
    return functions.sort(as(({ title }) => ends(title, name)));
  }

  // What an entry was called in an earlier edition, if the query asks for that number.
  formerly(entry, query) {
    const number = numberIn(query);
    return number && entry.earlier.find((text) => number.asked.test(text));
  }

  // The words of a query as the book writes them; what it does not know is left out.
  asked(query) {
    const list = words(query);
    const found = list.flatMap((word, i) => {
      if (word.length < 2 || this.places.has(stem(word))) return [stem(word)];
      const typing = i === list.length - 1 && /[\p{L}\p{N}]$/u.test(query);
      return (typing && this.begun(word)) || this.halves(word) || this.nearest(word) || [];
    });
    return [...new Set(found)];
  }

  // The most frequent word of some that are like another, which is how it is misspelt or begun.
  frequent(words) {
    const best = words.sort((a, b) => this.places.get(b) - this.places.get(a))[0];
    return best && [stem(best)];
  }

  begun(word) {
    return word.length > 2 && this.frequent([...this.places.keys()].filter((w) => w.startsWith(word)));
  }

  // "stickbreaking" is two words.
  halves(word) {
    for (let i = 3; i <= word.length - 3; i++) {
      const both = [word.slice(0, i), word.slice(i)].map(stem);
      if (both.every((half) => this.count.has(half))) return both;
    }
    return null;
  }

  // A longer word may be misspelt more; a word of four letters may lack one or have two swapped.
  nearest(word) {
    if (word.length < 4 || /\d/.test(word)) return null;
    const near = new Map();
    let least = word.length < 8 ? 1 : 2;
    for (const known of this.places.keys()) {
      if (known.length < 4 || (word.length === 4 && known.length === 4 && known[0] !== word[0])) continue;
      const far = Math.min(distance(word, known, least), distance(stem(word), known, least));
      if (far > least) continue;
      least = far;
      near.set(known, far);
    }
    return this.frequent([...near.keys()].filter((known) => near.get(known) === least));
  }

  // The query, and how else the field says the same; each with what it counts.
  readings(query) {
    let readings = [[this.asked(query), 1]];
    for (const same of this.synonyms) {
      const more = [];
      for (const [asked, weight] of readings) {
        const said = same.filter((phrase) => positionOf(phrase, asked) >= 0);
        // The longest phrase that stands there is what is meant.
        const phrase = said.sort((a, b) => b.length - a.length)[0];
        for (const other of phrase ? same : []) {
          if (said.includes(other)) continue;
          const at = positionOf(phrase, asked);
          more.push([asked.toSpliced(at, phrase.length, ...other), weight * 0.85]);
        }
      }
      readings = readings.concat(more).slice(0, 32);
    }
    return readings;
  }

  scores(query) {
    const best = new Map();
    const question = QUESTION.test(query.trim());
    const consider = (entry, score) => {
      const asks = entry.kind === "question" && question ? 1.6 : 1;
      const total = weight(entry) * asks * score;
      if (total > (best.get(entry) ?? 0)) best.set(entry, total);
    };
    const formula = this.formulaScores(query);
    for (const [entry, score] of formula) consider(entry, score);
    for (const [asked, trust] of this.readings(query)) {
      const hits = this.mini.search({ queries: asked, combineWith: "OR" }, {
        boost: FIELDS, processTerm: (term) => term, tokenize: (term) => [term],
        bm25: { k: 1.2, b: 0.4, d: 0.5 },
      }); // prettier-ignore
      const whole = this.worth(asked) || 1;
      for (const { id, score, queryTerms } of hits) {
        const entry = this.entries[id];
        const like = Math.max(...entry.names.map((name) => this.likeness(name, asked)));
        const said = this.worth(queryTerms) / whole;
        const known = this.worth(asked.filter((word) => entry.known.has(word))) / whole;
        // What bears the very name that is asked for goes before all that does not.
        const exact = like > 0.999 && WEIGHT[entry.kind] > LOW ? EXACT : 0;
        const close = 1 + 8 * like ** 2 + 4 * known ** 2;
        consider(entry, trust * (score * said * close + exact) + (formula.get(entry) ?? 0));
      }
    }
    return best;
  }

  // What holds the formula of a query, in whatever way it is written.
  formulaScores(query) {
    const scores = new Map();
    if (!FORMULA.test(query)) return scores;
    const parts = query.split(/\s+/).filter((part) => FORMULA.test(part) || MATHS.test(part));
    const asked = pieces(bare(parts.join("")));
    for (const entry of asked.length ? this.entries : []) {
      const shared = asked.filter((piece) => entry.formulas.includes(piece)).length / asked.length;
      if (shared > 0.5) scores.set(entry, 2000 * shared ** 6);
    }
    return scores;
  }

  // A piece of an entry's text around the words asked for: parts, each marked or not.
  snippet(entry, query, length = 150) {
    const asked = new Set(this.readings(query).flatMap(([words]) => words).filter((w) => w.length > 1));
    const parts = entry.text.split(/([\p{Lu}\p{Ll}\p{Lm}\p{Nd}\p{No}\p{M}'’]+)/u);
    const marked = parts.map((part, i) => i % 2 === 1 && stems(part).some((w) => asked.has(w)));
    const start = this.windowStart(parts, marked, length);
    const shown = [];
    let size = 0;
    for (let i = start; i < parts.length && size < length; i++) {
      shown.push({ text: parts[i], marked: marked[i] });
      size += parts[i].length;
    }
    const more = start + shown.length < parts.length;
    return { before: start > 0, parts: shown, after: more };
  }

  // The window with most marked words, at the beginning of the text if it is as good.
  windowStart(parts, marked, length) {
    let best = 0;
    let most = -1;
    for (let i = 0; i < parts.length; i++) {
      if (i > 0 && !/[.?!:]\s|^\s*$/.test(parts[i - 1] ?? "") && !marked[i]) continue;
      const seen = new Set();
      for (let j = i, size = 0; j < parts.length && size < length; j++) {
        if (marked[j]) seen.add(stem(parts[j].toLowerCase()));
        size += parts[j].length;
      }
      if (seen.size > most) [best, most] = [i, seen.size];
    }
    return best;
  }
}
