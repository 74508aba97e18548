// The files that Python is made of here: each is loaded once, and handed on only if it is the file
// that the book was built for.

const fetchUnchecked = globalThis.fetch.bind(globalThis);
const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");

export class Files {
  #known = new Map(); // address: name, sha256, priority
  #arriving = new Map(); // address: promise of its checked bytes
  #amount = { loaded: 0, total: 0 };
  #report;
  #reported = 0; // when

  // The files of a page's list; report is told how much has come, and of which file.
  constructor({ base, site, files }, report) {
    if (!crypto.subtle) throw new Error("Pages run only over https or on this machine.");
    this.#report = report;
    this.archives = [];
    for (const [name, file] of Object.entries(files)) {
      const address = new URL(name, file.local ? site : base).href;
      this.add(address, name, file);
      if (file.local) this.archives.push(address);
    }
  }

  get addresses() {
    return [...this.#known.keys()];
  }

  // Python itself starts while its packages are still on their way.
  add(address, name, { sha256, size = 0 }) {
    const priority = /\.(whl|zip)$/.test(name) && name !== "python_stdlib.zip" ? "low" : "high";
    this.#known.set(address, { name, sha256, priority });
    this.#amount.total += size;
  }

  has(address) {
    return this.#known.has(address);
  }

  checked(address) {
    if (!this.#arriving.has(address)) this.#arriving.set(address, this.#download(address));
    return this.#arriving.get(address);
  }

  // All at once, and when they are there.
  all() {
    return Promise.all(this.addresses.map((address) => this.checked(address)));
  }

  async #download(address) {
    const { name, sha256, priority } = this.#known.get(address);
    const answer = await fetchUnchecked(address, { priority }).catch(() => ({ status: "no connection" }));
    if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status}).`);
    const parts = [];
    const reader = answer.body.getReader();
    for (let part; !(part = await reader.read()).done; ) {
      parts.push(part.value);
      this.#amount.loaded += part.value.length;
      // Not every chunk: Python starts in the same thread meanwhile.
      if (Date.now() - this.#reported < 100) continue;
      this.#reported = Date.now();
      this.#report({ ...this.#amount, name });
    }
    const bytes = await new Blob(parts).arrayBuffer();
    if (hex(await crypto.subtle.digest("SHA-256", bytes)) !== sha256) {
      throw new Error(`${name} is not the file this book was built for, so it was not run.`);
    }
    return bytes;
  }
}
