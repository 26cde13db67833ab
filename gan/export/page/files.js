"use strict";
// Files of a picture. Each carries its text: Title, Description (the alternative text), Seed, Link, Licence and others.

/** @typedef {Record<string, string>} Metadata  by keyword */

const LARGE = 1000; // pixels of the longer side of a picture of size 1x

/** Width and height in pixels of a size: a name as gan/digits/look.py has them, 1x, 2x or 4x.
 * @type {(picture: Picture, size: string) => number[]} */
const pixelsOf = ({ width, height }, size) => {
  const scale = (LARGE * Number.parseInt(size, 10)) / Math.max(width, height);
  return MODEL.sizes[size] ?? [Math.round(width * scale), Math.round(height * scale)];
};

/** The check sum of PNG (third edition, annex D). @type {(body: Uint8Array) => number} */
const crcOf = (body) => {
  let crc = -1;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
};

/** A text chunk of PNG (third edition, 11.3.3): tEXt, or iTXt for more than ASCII. @type {(entry: string[]) => Blob} */
const chunkOf = ([keyword, text]) => {
  const isAscii = /^[\0-\x7f]*$/.test(text);
  const body = new TextEncoder().encode(isAscii ? `tEXt${keyword}\0${text}` : `iTXt${keyword}\0\0\0\0\0${text}`);
  const word = (/** @type {number} */ value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  return new Blob([word(body.length - 4), body, word(crcOf(body))]);
};

/** @type {(canvas: OffscreenCanvas, text: Metadata) => Promise<Blob>} */
const toPng = async (canvas, text) => {
  const png = await canvas.convertToBlob({ type: "image/png" });
  const header = 33; // bytes of the signature and of IHDR, which comes first
  return new Blob([png.slice(0, header), ...Object.entries(text).map(chunkOf), png.slice(header)], {
    type: "image/png",
  });
};

/** Text for XML 1.0. @type {(text: string) => string} */
const escaped = (text) =>
  text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, "").replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);

/** A standalone SVG of a picture; each of its pixels is 10 units. NAME in ids becomes a name of its own, since a page
 * may have several. @type {(picture: Picture, text: Metadata, body: string) => string} */
const toSvg = ({ width, height }, { Title, Description, ...more }, body) => {
  const name = crcOf(new TextEncoder().encode(Title + body)).toString(16);
  const size = `width="${10 * width}" height="${10 * height}" viewBox="0 0 ${width} ${height}"`;
  const title = `<title id="title-${name}">${escaped(Title)}</title>`;
  const about = `<desc id="desc-${name}">${escaped(Description)}</desc>`;
  const data = `<metadata>${escaped(JSON.stringify(more))}</metadata>`;
  const labels = `role="img" aria-labelledby="title-${name} desc-${name}"`;
  const root = `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${labels}>`;
  return [root, title, about, data, body.replaceAll("NAME", name), "</svg>"].join("\n");
};

/** The outlines of a picture on its paper, without textures.
 * @type {(picture: Picture, look: Look, text: Metadata) => string} */
const drawSvg = (picture, { ink, paper, direction }, text) => {
  const { width, height } = picture;
  const [left, top, right, bottom] = inkOf(picture).box;
  const [axis, across] = direction === "down" ? "yx" : "xy";
  const gradients = /** @type {string[]} */ ([]);
  /** @type {(name: string, colours: string, first: number, last: number) => string} */
  const fill = (name, colours, first, last) => {
    const stops = stopsOf(colours).map((stop) => [toHex(stop.slice(0, 3)), `opacity="${+(stop[3] / 255).toFixed(3)}"`]);
    if (stops.length === 1) return `fill="${stops[0][0]}" fill-${stops[0][1]}`;
    const ends = `${axis}1="${first.toFixed(2)}" ${axis}2="${last.toFixed(2)}" ${across}1="0" ${across}2="0"`;
    const steps = stops.map(
      ([hex, opacity], i) => `<stop offset="${i / (stops.length - 1)}" stop-color="${hex}" stop-${opacity}/>`,
    );
    gradients.push(
      `<linearGradient id="${name}-NAME" gradientUnits="userSpaceOnUse" ${ends}>${steps.join("")}</linearGradient>`,
    );
    return `fill="url(#${name}-NAME)"`;
  };
  const rect = `<rect width="${width}" height="${height}" ${fill("paper", paper, 0, axis === "y" ? height : width)}/>`;
  const ends = axis === "y" ? [top, bottom] : [left, right];
  const path = `<path ${fill("ink", ink, ends[0], ends[1])} d="${pathData(outline(picture))}"/>`;
  return toSvg(picture, text, `<defs>${gradients.join("")}</defs>\n${rect}\n${path}`);
};

/** @type {(blob: Blob, name: string) => void} */
const download = (blob, name) => {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

/** Print an SVG alone, which browsers can save as PDF; its title is the name that they offer.
 * @type {(svg: string) => void} */
const printAlone = (svg) => {
  const picture = document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
  const { title } = document;
  picture.id = "printed";
  document.body.append(picture);
  document.title = picture.querySelector("title")?.textContent ?? title;
  const end = () => {
    picture.remove();
    document.title = title;
  };
  addEventListener("afterprint", end, { once: true });
  print();
};

/** Whether others can open a link to this page. */
const isPublic = () => /^https?:$/.test(location.protocol) && !/^(localhost|127\.|\[::1\])/.test(location.hostname);

/** Names and addresses of pages that post a text with a link. @type {(text: string, link: string) => string[][]} */
const networksOf = (text, link) => {
  const [told, url] = [text, link].map(encodeURIComponent);
  return [
    ["Mastodon", `https://share.joinmastodon.org/#text=${told}%20${url}`],
    ["Bluesky", `https://bsky.app/intent/compose?text=${told}%20${url}`],
    ["X", `https://x.com/intent/post?text=${told}&url=${url}`],
    ["Facebook", `https://www.facebook.com/sharer/sharer.php?u=${url}`],
    ["LinkedIn", `https://www.linkedin.com/sharing/share-offsite/?url=${url}`],
    ["Reddit", `https://www.reddit.com/submit?url=${url}&title=${told}`],
    ["WhatsApp", `https://wa.me/?text=${told}%20${url}`],
    ["Telegram", `https://t.me/share/url?url=${url}&text=${told}`],
    ["E-mail", `mailto:?subject=${told}&body=${url}`],
  ];
};
