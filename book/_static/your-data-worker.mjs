// Python for the page "Your data", in a worker whose network is shut: its policy lets it load from
// no host, and what could reach for one is taken away. Its files come with its first message.
// Messages in: start (once), then do. Messages out: ready, failed, and whatever your_data.py tells.

const NETWORK =
  "fetch XMLHttpRequest WebSocket WebSocketStream WebTransport EventSource importScripts caches " +
  "indexedDB Worker SharedWorker BroadcastChannel Request RTCPeerConnection RTCDataChannel";

const post = (type, data) => self.postMessage({ type, ...data });
const Asking = self.XMLHttpRequest;
let desk, pyodide, going; // going: a blob that is there until the reader presses Stop

// Wherever it stands on the way up from the worker.
function shut() {
  for (const name of NETWORK.split(" ")) {
    for (let owner = self; owner; owner = Object.getPrototypeOf(owner)) delete owner[name];
  }
  for (const name of Object.getOwnPropertyNames(self.navigator.constructor.prototype)) {
    if (name !== "constructor") delete self.navigator.constructor.prototype[name];
  }
}

// A worker that computes hears no messages; but it may look whether the page has withdrawn a blob.
function there(address) {
  try {
    const request = new Asking();
    request.open("GET", address, false);
    request.send();
    return true;
  } catch {
    return false;
  }
}

export function serve(startPython) {
  async function start({ config, blobs, archives, program, table }) {
    const files = { has: (address) => blobs.has(address), checked: (address) => blobs.get(address).arrayBuffer(), archives };
    pyodide = await startPython(config, files);
    shut();
    const namespace = pyodide.globals.get("dict")();
    pyodide.runPython(program, { globals: namespace });
    const tell = (type, text) => post(type, JSON.parse(text));
    desk = namespace.get("Desk")(tell, () => !there(going));
    desk.keep.callKwargs(keywords(table));
    post("ready");
  }

  function keywords(options) {
    return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, pyodide.toPy(value)]));
  }

  function perform({ task, options, token }) {
    going = token;
    desk.do.callKwargs(task, keywords(options));
    post("done", { task });
  }

  const tasks = { start, do: perform };
  let queue = Promise.resolve();
  self.onmessage = ({ data }) => {
    queue = queue
      .then(() => tasks[data.type](data))
      .catch((error) => post("failed", { message: error.message }));
  };
}
