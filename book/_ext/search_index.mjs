// Makes the index of the search from the entries on standard input.

import { readFileSync } from "node:fs";
import { makeIndex } from "../_static/finder.mjs";

process.stdout.write(makeIndex(JSON.parse(readFileSync(0, "utf8"))));
