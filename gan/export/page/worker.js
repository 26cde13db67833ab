"use strict";
// The thread that runs the programs: onnxruntime-web in a worker. A page opened from disk cannot load a file as one.

/**
 * All that runs in a worker, which gets this function's text. It is sent {id, runtime, programs} once, then requests
 * {id, names, count, feeds}: programs to run one after another, on rows. It answers {id, done} or {id, error}.
 * @param {{postMessage: (data: object, buffers: ArrayBuffer[]) => void, onmessage: any}} port
 */
function work(port) {
  const LATER = 300; // milliseconds, after which sessions are made that nothing has asked for
  /** @type {any} */
  let ort;
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve(); // onnxruntime-web runs one program at a time
  /** @type {Record<string, () => Promise<any>>} */
  const sessions = {};

  const unpack = (/** @type {Uint8Array<ArrayBuffer>} */ packed) =>
    new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();

  /** @param {{runtime: Record<"module" | "wasm", any>, programs: Record<string, any>}} sent */
  async function start({ runtime, programs }) {
    const [module, wasm] = await Promise.all([unpack(runtime.module), unpack(runtime.wasm)]);
    ort = await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
    ort.env.wasm.numThreads = 1; // more threads need headers that only a server sends
    ort.env.wasm.wasmBinary = wasm;
    for (const [name, packed] of Object.entries(programs)) {
      /** @type {Promise<any> | undefined} */
      let session;
      const create = async () => ort.InferenceSession.create(await unpack(packed), { executionProviders: ["wasm"] });
      sessions[name] = () => (session ??= create());
    }
    await sessions.steered();
    const prepare = () => Object.values(sessions).forEach((one) => (turn = turn.then(one).catch(() => {})));
    setTimeout(prepare, LATER);
  }

  /** @param {{names: string[], count: number, feeds: Record<string, Float32Array>}} asked */
  async function run({ names, count, feeds }) {
    const values = /** @type {Record<string, Float32Array<ArrayBuffer>>} */ ({ ...feeds });
    for (const name of names) {
      const session = await sessions[name]();
      const given = session.inputMetadata.map((/** @type {{name: string, shape: any[]}} */ input) => {
        const [, ...shape] = input.shape;
        return [input.name, new ort.Tensor("float32", values[input.name], [count, ...shape])];
      });
      const found = await session.run(Object.fromEntries(given));
      for (const output of session.outputNames) values[output === "image" ? "x" : output] = found[output].data;
    }
    return Object.fromEntries(Object.entries(values).filter(([name]) => !(name in feeds) || name === "x"));
  }

  port.onmessage = (/** @type {{data: any}} */ { data }) => {
    turn = turn.then(async () => {
      try {
        const done = await (data.names ? run(data) : start(data));
        port.postMessage(
          { id: data.id, done },
          Object.values(done ?? {}).map(({ buffer }) => buffer),
        );
      } catch (error) {
        port.postMessage({ id: data.id, error: error instanceof Error ? error.message : `${error}` }, []);
      }
    });
  };
}
