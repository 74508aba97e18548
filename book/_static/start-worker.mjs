// A worker that begins as a blob has the policy of the page; what it is sent before the code has
// been run waits for it.

export function startWorker(code, Kind = Worker) {
  const text = `const early = []; self.onmessage = (event) => early.push(event);
    ${code} for (const event of early) self.onmessage(event);`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return new Kind(address, { type: "module" });
}
