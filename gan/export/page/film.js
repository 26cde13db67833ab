"use strict";
// Films: animated GIF (GIF89a) and WebP (RFC 9649) of frames that a function paints.

/** A frame stays `delay` milliseconds, the last one `end`.
 * @typedef {{count: number, width: number, height: number, delay: number, end: number, text: Metadata,
 *   frame: (pen: OffscreenCanvasRenderingContext2D, i: number) => void | Promise<void>,
 *   progress?: (share: number) => void, signal?: AbortSignal}} Film */

const FILM_PIXELS = 100_000_000; // of all frames

/** The painted frames. An error for too many pixels, and when it is cancelled.
 * @param {Film} film
 * @param {Iterable<number>} order */
async function* framesOf({ count, width, height, frame, progress, signal }, order = Array(count).keys()) {
  if (count * width * height > FILM_PIXELS) throw Error("This film is too large: choose a smaller size or less text");
  const pen = newPen(width, height, true);
  for (const i of order) {
    signal?.throwIfAborted();
    await frame(pen, i);
    yield { i, pen, data: pen.getImageData(0, 0, width, height).data };
    progress?.((i + 1) / count);
    await new Promise((resolve) => setTimeout(resolve)); // the page stays alive
  }
}

/** The part that differs from the picture before: left, top, width and height; all of it without one.
 * @type {<T extends Uint8Array | Uint32Array>(dots: T, before: T | null, width: number) => number[]} */
const changeOf = (dots, before, width) => {
  let [left, top, right, bottom] = [width, Infinity, 0, 0];
  for (let i = 0; i < dots.length; i++) {
    if (dots[i] === before?.[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), y];
  }
  if (right < left) return [0, 0, 1, 1];
  [left, top] = [left - (left % 2), top - (top % 2)]; // WebP has even ones alone
  return [left, top, right - left + 1, bottom - top + 1];
};

/** Six bits of each part of the colour at i. @type {(data: Uint8ClampedArray, i: number) => number} */
const keyOf = (data, i) => ((data[i] >> 2) << 12) | ((data[i + 1] >> 2) << 6) | (data[i + 2] >> 2);

/** Mean of colours [red, green, blue, count], the part that varies most, and its sum of squared errors.
 * @param {number[][]} dots */
const boxOf = (dots) => {
  const count = dots.reduce((sum, dot) => sum + dot[3], 0);
  const mean = [0, 1, 2].map((c) => dots.reduce((sum, dot) => sum + dot[c] * dot[3], 0) / count);
  const errors = mean.map((middle, c) => dots.reduce((sum, dot) => sum + dot[3] * (dot[c] - middle) ** 2, 0));
  const error = Math.max(...errors);
  return { dots, mean, error, part: errors.indexOf(error) };
};

/** At most 255 colours of pictures, and the number of the one nearest to a pixel's. Boxes of colours are cut in two,
 * those of the largest error first (Wu 1991). @param {Uint8ClampedArray[]} pictures */
const paletteOf = (pictures) => {
  const sums = new Float64Array(4 << 18);
  for (const data of pictures)
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 128) continue;
      const at = 4 * keyOf(data, i);
      for (let c = 0; c < 3; c++) sums[at + c] += data[i + c];
      sums[at + 3]++;
    }
  const dots = [];
  for (let at = 0; at < sums.length; at += 4)
    if (sums[at + 3]) dots.push([0, 1, 2].map((c) => sums[at + c] / sums[at + 3]).concat(sums[at + 3]));
  const boxes = [boxOf(dots)];
  while (boxes.length < 255 && boxes[boxes.length - 1].error > 1) {
    const { dots: all, mean, part } = boxes.pop() ?? boxes[0];
    boxes.push(...[true, false].map((isLess) => boxOf(all.filter((dot) => dot[part] < mean[part] === isLess))));
    boxes.sort((a, b) => a.error - b.error);
  }
  const colours = boxes.map(({ mean }) => mean);
  const known = new Int16Array(1 << 18).fill(-1);
  /** @type {(data: Uint8ClampedArray, i: number) => number} */
  const nearest = (data, i) => {
    const key = keyOf(data, i);
    if (known[key] < 0) {
      const away = colours.map((colour) => colour.reduce((sum, part, c) => sum + (part - data[i + c]) ** 2, 0));
      known[key] = away.indexOf(Math.min(...away));
    }
    return known[key];
  };
  return { colours, nearest };
};

/** Numbers of `bits` bits, compressed as GIF does (GIF89a, appendix F), in blocks of 255 bytes.
 * @type {(dots: Uint8Array, bits: number) => Uint8Array<ArrayBuffer>} */
const lzw = (dots, bits) => {
  const clear = 1 << bits;
  const table = new Uint16Array(4096 << 8); // the code of a known string, by the code of its start and its last dot
  const bytes = [bits];
  let [size, next, buffer, filled, block, known] = [bits + 1, clear + 2, 0, 0, 0, dots[0]];
  const write = (/** @type {number} */ code) => {
    buffer |= code << filled;
    for (filled += size; filled >= 8; filled -= 8, buffer >>>= 8) {
      if ((bytes.length - 1) % 256 === 0) block = bytes.push(0) - 1;
      bytes[block] = bytes.push(buffer & 255) - 1 - block;
    }
  };
  write(clear);
  for (let i = 1; i < dots.length; i++) {
    const both = (known << 8) | dots[i];
    known = table[both] || dots[i];
    if (table[both]) continue;
    write(both >> 8);
    if (next < 4096) {
      if (next === 1 << size) size++;
      table[both] = next++;
    } else {
      write(clear);
      table.fill(0);
      [size, next] = [bits + 1, clear + 2];
    }
  }
  write(known);
  if (next === 1 << size && size < 12) size++;
  write(clear + 1);
  size = 8 - filled; // of the last byte
  write(0);
  bytes.push(0);
  return Uint8Array.from(bytes);
};

/** Bytes of texts and numbers. @type {(...parts: (string | number)[]) => Uint8Array<ArrayBuffer>} */
const bytesOf = (...parts) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((one) => one.charCodeAt(0)) : part)),
  );

/** The low bytes of numbers, the lowest first. @type {(count: number, ...numbers: number[]) => number[]} */
const low = (count, ...numbers) =>
  numbers.flatMap((one) => Array.from({ length: count }, (_, i) => (one >>> (8 * i)) & 255));

/** An endless GIF with its text as comment. Pixels that are less than half opaque are transparent.
 * @type {(film: Film) => Promise<Blob>} */
const toGif = async (film) => {
  const { count, width, height } = film;
  const seen = [];
  const few = Array.from({ length: 6 }, (_, i) => Math.round((i * (count - 1)) / 5));
  for await (const { data } of framesOf({ ...film, progress: undefined }, few)) seen.push(data);
  const { colours, nearest } = paletteOf(seen);
  const bits = Math.max(2, Math.ceil(Math.log2(colours.length + 1)));
  const isClear = seen.some((data) => data.some((byte, i) => i % 4 === 3 && byte < 128));
  const table = Array.from({ length: 3 << bits }, (_, i) => Math.round(colours[Math.floor(i / 3)]?.[i % 3] ?? 0));
  const comment = new TextEncoder().encode(
    Object.entries(film.text)
      .map((one) => one.join(": "))
      .join("\n"),
  );
  const parts = [bytesOf("GIF89a", ...low(2, width, height), 0xf0 | (bits - 1), 0, 0, ...table)];
  parts.push(bytesOf("!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0!\xfe"));
  for (let i = 0; i < comment.length; i += 255)
    parts.push(bytesOf(Math.min(255, comment.length - i)), comment.slice(i, i + 255));
  parts.push(bytesOf(0));
  let before = null;
  for await (const { i, data } of framesOf(film)) {
    const dots = new Uint8Array(width * height);
    for (let at = 0; at < dots.length; at++) dots[at] = data[4 * at + 3] < 128 ? colours.length : nearest(data, 4 * at);
    const [left, top, wide, tall] = changeOf(dots, isClear ? null : before, width);
    const part = new Uint8Array(wide * tall).map(
      (_, at) => dots[(top + Math.floor(at / wide)) * width + left + (at % wide)],
    );
    const time = Math.round((i === count - 1 ? film.end : film.delay) / 10); // hundredths of a second
    parts.push(bytesOf("!\xf9\x04", isClear ? 9 : 4, ...low(2, time), colours.length, 0));
    parts.push(bytesOf(",", ...low(2, left, top, wide, tall), 0), lzw(part, bits));
    before = dots;
  }
  return new Blob([...parts, ";"], { type: "image/gif" });
};

/** A chunk of RIFF, of even length.
 * @type {(name: string, ...parts: Uint8Array<ArrayBuffer>[]) => Uint8Array<ArrayBuffer>[]} */
const riff = (name, ...parts) => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [bytesOf(name, ...low(4, length)), ...parts, new Uint8Array(length % 2)];
};

/** An XMP packet (ISO 16684-1); the description is IPTC's alternative text too. @type {(text: Metadata) => string} */
const toXmp = (text) => {
  const named = Object.entries(text).map(([keyword, value]) => [`gan:${keyword.replace(/\W/g, "_")}`, value]);
  named.push(["dc:title", text.Title], ["dc:description", text.Description], ["dc:rights", text.Licence]);
  named.push(["Iptc4xmpCore:AltTextAccessibility", text.Description]);
  const parts = named.map(
    ([name, value]) => `<${name}><rdf:Alt><rdf:li xml:lang="x-default">${escaped(value)}</rdf:li></rdf:Alt></${name}>`,
  );
  const spaces = {
    dc: "http://purl.org/dc/elements/1.1/",
    Iptc4xmpCore: "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    gan: "urn:digit-gan:",
  };
  const about = Object.entries(spaces)
    .map(([name, url]) => ` xmlns:${name}="${url}"`)
    .join("");
  const rdf = 'rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"';
  const all = `<rdf:Description rdf:about=""${about}>${parts.join("")}</rdf:Description>`;
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><${rdf}>${all}</rdf:RDF></x:xmpmeta>`;
};

/** An endless WebP with its text as XMP, without loss where the browser can. An error where it cannot write WebP.
 * @type {(film: Film) => Promise<Blob>} */
const toWebp = async (film) => {
  const { count, width, height, delay, end, text } = film;
  const chunks = [];
  let before = null;
  for await (const { i, pen, data } of framesOf(film)) {
    const dots = new Uint32Array(data.buffer);
    const [left, top, wide, tall] = changeOf(dots, before, width);
    before = dots;
    const part = newPen(wide, tall);
    part.drawImage(pen.canvas, -left, -top);
    const blob = await part.canvas.convertToBlob({ type: "image/webp", quality: 1 });
    if (blob.type !== "image/webp") throw Error("This browser cannot write WebP: choose GIF");
    const file = new Uint8Array(await blob.arrayBuffer());
    const kept = [];
    for (let at = 12, size = 0; at < file.length; at += size) {
      size = 8 + new DataView(file.buffer).getUint32(at + 4, true);
      size += size % 2;
      if (/ALPH|VP8 |VP8L/.test(String.fromCharCode(...file.subarray(at, at + 4))))
        kept.push(file.slice(at, at + size));
    }
    const time = Math.round(i === count - 1 ? end : delay);
    const header = [left / 2, top / 2, wide - 1, tall - 1, time];
    chunks.push(...riff("ANMF", bytesOf(...low(3, ...header), 2), ...kept)); // 2: over what was there, not mixed
  }
  const canvas = riff("VP8X", bytesOf(0x16, 0, 0, 0, ...low(3, width - 1, height - 1))); // animated, XMP, transparent
  const parts = [
    ...canvas,
    ...riff("ANIM", new Uint8Array(6)),
    ...chunks,
    ...riff("XMP ", new TextEncoder().encode(toXmp(text))),
  ];
  return new Blob(riff("RIFF", bytesOf("WEBP"), ...parts), { type: "image/webp" });
};
