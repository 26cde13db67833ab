"use strict";
// How an image looks, and the file that it is saved as.

const $ = (id) => document.getElementById(id);
const rgb = (id) => [1, 3, 5].map((at) => parseInt($(id).value.slice(at, at + 2), 16));
const say = (id, text) => $(id).textContent === text || ($(id).textContent = text); // unchanged, it is not read out again
const files = {}; // of each canvas, the name and the text that it is saved with

// The contrast ratio, 1 to 21, of colours [red, green, blue] of bytes (WCAG 2.2), as gan/digits/look.py has it.
function contrast(...colours) {
  const linear = (srgb) => (srgb <= 0.04045 ? srgb / 12.92 : ((srgb + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, part, c) => sum + part * linear(colour[c] / 255), 0);
  const [low, high] = colours.map(luminance).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// One image as a square canvas of `side` pixels, in ink on paper.
function picture(image, side) {
  const small = new OffscreenCanvas(MODEL.size, MODEL.size);
  const dots = new ImageData(MODEL.size, MODEL.size);
  for (let i = 0; i < MODEL.size ** 2; i++) {
    for (let c = 0; c < 3; c++) dots.data[4 * i + c] = 127.5 * (image[(c % MODEL.channels) * MODEL.size ** 2 + i] + 1);
    dots.data[4 * i + 3] = 255;
  }
  small.getContext("2d").putImageData(dots, 0, 0);
  const large = new OffscreenCanvas(side, side);
  const pen = large.getContext("2d", { willReadFrequently: true });
  const look = $("look").value;
  pen.imageSmoothingEnabled = look !== "pixels";
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small, 0, 0, side, side);
  if (MODEL.channels === 3) return large;
  const [ink, paper] = [rgb("ink"), rgb("paper")];
  const edge = look === "crisp" ? Math.max(2, side / MODEL.size / 4) : 1; // how much steeper than the image
  const middle = look === "crisp" ? 0.4 : 0.5; // below a half, so that faint strokes stay
  const shades = Uint32Array.from({ length: 256 }, (_, grey) => {
    const t = Math.min(1, Math.max(0, (grey / 255 - middle) * edge + middle));
    const [red, green, blue] = paper.map((from, c) => Math.round(from + t * (ink[c] - from)));
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
  const all = pen.getImageData(0, 0, side, side);
  const dyed = new Uint32Array(all.data.buffer); // a whole pixel at a time, or sliders lag
  for (let i = 0; i < dyed.length; i++) dyed[i] = shades[dyed[i] & 255];
  pen.putImageData(all, 0, 0);
  return large;
}

// Say what was drawn: in words below its canvas, and in its file with the keywords of python -m gan.generate.
function tell(id, title, what, text, ms) {
  const look = [$("look").value, ...(MODEL.channels === 1 ? [`${$("ink").value} on ${$("paper").value}`] : [])].join(", ");
  const origin = { Software: "digit-gan", Recipe: MODEL.command, Generator: `sha256 ${MODEL.sha256}`, Licence: MODEL.licence };
  const name = `${what}, ${look}`.replace(/\W+/g, "_");
  files[id] = [name, { Title: title, Description: `${title}: ${what}, ${look}`, ...text, ...origin }];
  $(id).setAttribute("aria-label", `${title}: ${what}`);
  say(`${id}-said`, what);
  $(`${id}-took`).textContent = `: drawn in ${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

// A chunk of PNG (its third edition, 11.3.3) that says `text`: tEXt, or iTXt where there is more than ASCII.
function chunk([keyword, text]) {
  const ascii = /^[\0-\x7f]*$/.test(text);
  const body = new TextEncoder().encode(ascii ? `tEXt${keyword}\0${text}` : `iTXt${keyword}\0\0\0\0\0${text}`);
  let crc = -1;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const word = (value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  return new Blob([word(body.length - 4), body, word(~crc)]);
}

// Download what is on the canvas, with what it is.
function save(id) {
  const [name, text] = files[id];
  $(id).toBlob((png) => {
    const header = 33; // bytes of the signature and of IHDR, which comes first
    const link = document.createElement("a");
    const parts = [png.slice(0, header), ...Object.entries(text).map(chunk), png.slice(header)];
    link.href = URL.createObjectURL(new Blob(parts, { type: "image/png" }));
    link.download = `${name}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
