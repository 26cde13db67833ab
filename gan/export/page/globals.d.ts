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
  programs: Record<"steered" | "finish", string> & Partial<Record<"lean" | "encoder" | "read" | "taste", string>>; // base64 of gzip of ONNX
  // Of gan/export/constant.py:
  alphabet: Record<string, number>; // the label of each character
  axes: { mean: number[]; std: number[]; weight: number[][]; bias: number[] };
  presets: Record<string, Preset>;
  sizes: Record<string, [number, number]>; // of papers, in pixels
  colours: Record<string, number[]>; // red, green, blue and opacity, bytes, by name
  poor: number; // error of a drawing that is no digit of the generator
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
  taste: Record<"least" | "leastEach" | "most" | "sure" | "read" | "step" | "farthest", number>;
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

/** A field of the form; its name is that of a setting. */
type Field = HTMLInputElement | HTMLSelectElement;
/** Settings by name: numbers, booleans and texts; null: not held. */
// biome-ignore lint/suspicious/noExplicitAny: a setting has the type of its field
type Settings = Record<string, any>;
/** Ink of bytes, row by row. */
interface Cell {
  ink: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}
/** A digit of a text; attempt: how often the user asked for another. kept: a drawing that stands for it. */
interface Digit {
  label: number;
  seed: number;
  attempt: number;
  style: Style;
  kept: Float32Array | null;
}
/** What a single digit has of its own. */
interface Own {
  attempt: number;
  style: Style;
}
/** A text in a cell of a table; align: 0 left, 0.5 centre, 1 right. */
interface Block {
  text: string;
  row: number;
  column: number;
  align: number;
  rule?: boolean; // a line across, and no text
  across?: number; // columns
}
/** A character on the baseline; x and above, its top, in pixels from the baseline's start. */
interface Piece {
  character: string;
  cell: Cell;
  x: number;
  above: number;
  digit: number;
}
/** The box of a character's ink in a picture; digit: its index among the digits of the text, -1 for a separator. */
interface Box {
  character: string;
  x: number;
  y: number;
  width: number;
  height: number;
  digit: number;
}
/** A grey picture, digits 28 pixels high: ink [height * width] in [0, 1]; colours [3 * height * width]: of digits in colour. */
interface Picture {
  ink: Float32Array;
  width: number;
  height: number;
  boxes: Box[];
  colours?: Float32Array;
}
/** A picture's (x, y) is painted at (x * scale + place.x, y * scale + place.y). */
interface Place {
  scale: number;
  x: number;
  y: number;
}
