// What a reader changed in the cells of a page, kept on this machine: only what differs from the
// page as it was written, and only for this version of it.

export class Edits {
  constructor(page, version) {
    this.prefix = `edit ${page} ${version} `;
  }

  // The reader's source of a cell, or null.
  get(index) {
    return this.try((kept) => kept.getItem(this.prefix + index)) ?? null;
  }

  set(index, source, written) {
    this.try((kept) => {
      if (source === written) kept.removeItem(this.prefix + index);
      else kept.setItem(this.prefix + index, source);
    });
  }

  // Where a browser keeps nothing, changes hold as long as the page.
  try(action) {
    try {
      return action(localStorage);
    } catch {
      return undefined;
    }
  }
}
