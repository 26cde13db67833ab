// What gan/export/web.py writes into model.js and runtime.js.

/** A generator and its programs. */
declare const MODEL: {
  title: string;
  ckpt: string; // name of the file, "" for the shipped generator
  parameters: number;
  latent: number;
  classes: number; // 0: it has no labels
  names: string[];
  titles: string[];
  columns: number;
  channels: 1 | 3;
  size: number; // of an image's side
  command: string;
  data: string;
  sha256: string;
  licence: string;
  steered: string; // programs: base64 of ONNX
  finish: string;
  encoder?: string;
};

/** onnxruntime-web: base64 of gzip. */
declare const RUNTIME: { module: string; wasm: string };
