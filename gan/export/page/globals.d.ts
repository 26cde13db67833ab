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
  programs: Record<"steered" | "finish", string> & Partial<Record<"lean" | "encoder" | "read", string>>; // base64 of gzip of ONNX
  // Of gan/export/constant.py:
  alphabet: Record<string, number>; // the label of each character
  axes: { mean: number[]; std: number[]; weight: number[][]; bias: number[] };
  presets: Record<string, Preset>;
  pen: { firstSeed: number; otherSeed: number; attempts: number; looser: number; variation: number; kept: number[]; certain: number };
  clean: { holes: Record<number, [number, number]> } & Record<"dark" | "pale" | "faint" | "open" | "speck", number>;
  layout: Record<
    "height" | "spacing" | "jitter" | "slant" | "margin" | "ink" | "speck" | "digit" | "up" | "down",
    number
  >;
  marks: {
    strokes: Record<string, [number, number][][]>;
    leans: [number, number];
    space: number;
    unsteady: number;
    dot: number;
    dense: string;
    boldest: number;
  };
};

/** As gan/digits/preset.py has it. */
interface Preset {
  look: {
    ink: string;
    paper: string;
    direction: "down" | "right";
    texture: "none" | "grain" | "ruled" | "squared" | "chalk";
    line: string;
    height: number | null;
    minimum_contrast: number;
  };
  style: { thickness?: number; slant?: number; width?: number; height?: number };
  truncation: number;
  certain: boolean;
  clean: boolean;
}

/** onnxruntime-web: base64 of gzip. */
declare const RUNTIME: { module: string; wasm: string };

interface Window {
  digits: unknown;
}
