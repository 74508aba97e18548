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
  `a about after all also an and any are as at be by can do does doesn each for from get gets has have how i if in
  into is isn it its may me my of on one or so than that the their them there these they this to
  was we were what when where which who whom whose why will with you your
  mathbb mathbf mathcal mathrm operatorname frac text left right big`.split(/\s+/),
);
const KINDS = {
  thm: "theorem", theorem: "theorem", lem: "lemma", lemma: "lemma", def: "definition",
  definition: "definition", prop: "proposition", prp: "proposition", proposition: "proposition",
  cor: "corollary", corollary: "corollary", alg: "algorithm", algorithm: "algorithm",
  ex: "example", example: "example", exm: "example", rem: "remark", remark: "remark",
  exercise: "exercise", section: "section", sec: "section", chapter: "chapter", ch: "chapter",
}; // prettier-ignore
// How much each kind counts beside a result.
const WEIGHT = {
  definition: 1.2, result: 1, chapter: 1.15, section: 0.6, exercise: 0.3, appendix: 0.4,
  function: 0.25, module: 0.25, reference: 0.12,
}; // prettier-ignore
// The package and the literature come after what the book says, however they are named.
const LOW = 0.25;
const EXACT = 1e4;
const FIELDS = { title: 4, terms: 4, people: 2, text: 1, proof: 0.4 };
const LONG = ["text", "proof"];
const SHOWN = [
  "label", "kind", "title", "address", "number", "earlier", "tag", "place", "terms", "text",
]; // prettier-ignore

// The words of a text: accents folded, Greek letters named, American spelling made British.
export function words(text) {
  return text
    .replace(/[\u0370-\u03ff∑∏∫∞ℓ]/g, (sign) => {
      const name = GREEK[sign.normalize("NFKC").toLowerCase()];
      return name ? ` ${name} ` : sign;
    })
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/['’]s\b|['’]/g, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => (word.length > 1 || /\d/.test(word)) && !STOP.has(word))
    .map((word) =>
      word.replace(/(\w{3,})iz(e|ed|es|er|ing|ation)$/, "$1is$2").replace(/ll(ing|ed)$/, "l$1"),
    );
}

// What a formula is written with, in TeX or in signs.
const FORMULA = /\\[a-z]|[\u0370-\u03ff^_{}=≤≥∑∏∫]/i;

const stem = (word) => (/\d/.test(word) ? word : stemmer(word));
const stems = (text) => words(text).map(stem);

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

export class Finder {
  constructor(text) {
    const { synonyms, mini } = JSON.parse(text);
    this.mini = MiniSearch.loadJS(mini, OPTIONS);
    this.entries = Object.values(mini.storedFields);
    this.synonyms = synonyms.map((same) => same.map(stems));
    for (const entry of this.entries) {
      // "Collapsed sampler (Neal's Algorithm 3)" has three names.
      const parts = entry.title.split(/\s*[()]\s*/).filter(Boolean);
      // A label such as thm-dp-exists says what the result is about.
      const label = entry.tag ? [entry.label.slice(entry.label.indexOf("-"))] : [];
      const names = [entry.title, ...parts, ...label, ...entry.terms.split(" ; ")];
      entry.names = names.map((name) => [...new Set(stems(name))]);
    }
    this.count = new Map();
    for (const { names } of this.entries) {
      for (const word of new Set(names.flat())) {
        this.count.set(word, (this.count.get(word) ?? 0) + 1);
      }
    }
  }

  // What words say: much if few entries are named by them.
  worth(words) {
    const total = this.entries.length;
    return words.reduce((sum, w) => sum + Math.log(total / ((this.count.get(w) ?? 0) + 0.5)), 0);
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
    const number = numberIn(query);
    if (number) {
      const tagged = (a, b) => Boolean(b.tag) - Boolean(a.tag);
      const now = (like) => this.entries.filter((entry) => like.test(entry.number)).sort(tagged);
      const once = this.entries.filter((entry) => this.formerly(entry, query));
      return [...now(number.asked), ...once, ...now(number.any)];
    }
    const name = query.trim().replace(/\(.*\)$/, "").replace(/^dpnotes\./, "");
    if (!/^[\w.]*[_.][\w.]*$/.test(name) && !/\(\)$/.test(text)) return [];
    const ends = (title, end) => `.${title}`.endsWith(`.${end}`);
    const functions = this.entries.filter(
      ({ kind, title }) => kind === "function" && ends(title.toLowerCase(), name.toLowerCase()),
    );
    // A class and a function may differ in the case of a letter.
    return functions.sort((a, b) => ends(b.title, name) - ends(a.title, name));
  }

  // What an entry was called in an earlier edition, if the query asks for that number.
  formerly(entry, query) {
    const number = numberIn(query);
    return number && entry.earlier.find((text) => number.asked.test(text));
  }

  // The query, and how else the field says the same; each with what it counts.
  readings(query) {
    let readings = [[[...new Set(stems(query))], 1]];
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
      readings = readings.concat(more).slice(0, 24);
    }
    return readings;
  }

  scores(query) {
    const best = new Map();
    // One sign is a word like another.
    const formula = FORMULA.test(query) && words(query).length > 1;
    // The last word may be half typed; what is a word already is taken as it is.
    const typed = words(/[\p{L}\p{N}]*$/u.exec(query)[0]).at(-1);
    this.readings(query).forEach(([asked, weight], reading) => {
      const queries = asked.map((word) => ({ queries: [word], ...this.closeness(word) }));
      if (typed && reading === 0 && !this.count.has(stem(typed))) {
        queries.push({ queries: [typed], prefix: true, fields: ["title", "terms", "people"] });
      }
      const hits = this.mini.search({ queries, combineWith: "OR" }, {
        boost: FIELDS, fields: formula ? LONG : undefined, processTerm: (term) => term, tokenize: (term) => [term],
        weights: { fuzzy: 0.2, prefix: 0.4 },
      }); // prettier-ignore
      for (const { id, score } of hits) {
        const entry = this.entries[id];
        const like = formula ? 0 : Math.max(...entry.names.map((name) => this.likeness(name, asked)));
        // What bears the very name that is asked for goes before all that does not.
        const exact = like > 0.999 && WEIGHT[entry.kind] > LOW ? EXACT : 0;
        const total = weight * WEIGHT[entry.kind] * (score * (1 + 8 * like ** 2) + exact);
        if (total > (best.get(entry) ?? 0)) best.set(entry, total);
      }
    });
    return best;
  }

  // A word of some length may be misspelt.
  closeness(word) {
    return { fuzzy: word.length > 5 && !/\d/.test(word) ? 0.2 : false, maxFuzzy: 2 };
  }

  // A piece of an entry's text around the words asked for: parts, each marked or not.
  snippet(entry, query, length = 150) {
    const asked = new Set(this.readings(query).flatMap(([words]) => words));
    const parts = entry.text.split(/([\p{Lu}\p{Ll}\p{Nd}\p{M}'’]+)/u);
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
