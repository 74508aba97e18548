// Which cells of a page are out of date: what they show came from other code than stands there now.

const numbers = new Map(); // a state as text: its number

function number(text) {
  if (!numbers.has(text)) numbers.set(text, numbers.size);
  return numbers.get(text);
}

// The state of each cell: its source and, for every name it needs, the state of the cell that gives
// it. Equal states have equal numbers, so a change that is taken back is none. For each cell there
// is a pair, the names it needs and those it gives.
export function states(sources, names) {
  const givers = new Map();
  return sources.map((source, i) => {
    const [needs, gives] = names[i];
    const inputs = new Map(needs.map((name) => [name, givers.get(name) ?? null]));
    const id = number(JSON.stringify([source, ...inputs]));
    for (const name of gives) givers.set(name, id);
    return { id, source, inputs };
  });
}

// The names that a cell used and that have changed since.
export function changed(then, now) {
  return [...now.inputs.keys()].filter((name) => then.inputs.get(name) !== now.inputs.get(name));
}
