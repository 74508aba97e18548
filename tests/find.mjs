// What the search of a built site finds: node find.mjs SITE, with a JSON list of queries as input.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const site = process.argv[2];
const { Finder } = await import(pathToFileURL(`${site}/_static/finder.mjs`));
const finder = new Finder(readFileSync(`${site}/search.json`, "utf8"));
const queries = JSON.parse(readFileSync(0, "utf8"));
const found = queries.map((query) =>
  finder.find(query, 10).map((entry) => ({
    ...entry,
    formerly: finder.formerly(entry, query),
    snippet: finder.snippet(entry, query),
  })),
);
process.stdout.write(JSON.stringify(found));
