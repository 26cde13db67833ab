"use strict";
// The look of an image, and its file.

const $ = (id) => document.getElementById(id);
const rgb = (id) => [1, 3, 5].map((at) => parseInt($(id).value.slice(at, at + 2), 16));
const say = (id, text) => $(id).textContent === text || ($(id).textContent = text); // unchanged text is not read out again
const files = {}; // the file name and the text of each canvas

// The contrast ratio, 1 to 21, of colours [red, green, blue] of bytes (WCAG 2.2), as gan/digits/look.py has it.
function contrast(...colours) {
  const linear = (srgb) => (srgb <= 0.04045 ? srgb / 12.92 : ((srgb + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, part, c) => sum + part * linear(colour[c] / 255), 0);
  const [low, high] = colours.map(luminance).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// One image as a square canvas of `side` pixels, in ink on paper.
function picture(image, side) {
  const large = new OffscreenCanvas(side, side);
  const pen = large.getContext("2d", { willReadFrequently: true });
  if ($("look").value === "crisp") {
    pen.fillStyle = $("paper").value;
    pen.fillRect(0, 0, side, side);
    pen.scale(side / MODEL.size, side / MODEL.size);
    pen.fillStyle = $("ink").value;
    pen.fill(outline(image, MODEL.size));
    return large;
  }
  const small = new OffscreenCanvas(MODEL.size, MODEL.size);
  const dots = new ImageData(MODEL.size, MODEL.size);
  const [ink, paper] = MODEL.channels === 1 ? [rgb("ink"), rgb("paper")] : [[255, 255, 255], [0, 0, 0]];
  for (let i = 0; i < MODEL.size ** 2; i++) {
    const share = (c) => (image[(c % MODEL.channels) * MODEL.size ** 2 + i] + 1) / 2;
    dots.data.set([...[0, 1, 2].map((c) => paper[c] + share(c) * (ink[c] - paper[c])), 255], 4 * i);
  }
  small.getContext("2d").putImageData(dots, 0, 0);
  pen.imageSmoothingEnabled = $("look").value !== "pixels";
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small, 0, 0, side, side);
  return large;
}

// Describe what was drawn: below its canvas, and in its file, with the keywords of python -m gan.generate.
function tell(id, title, what, text, ms) {
  const look = [$("look").value, ...(MODEL.channels === 1 ? [`${$("ink").value} on ${$("paper").value}`] : [])].join(", ");
  const origin = { Software: "digit-gan", Recipe: MODEL.command, Generator: `sha256 ${MODEL.sha256}`, Licence: MODEL.licence };
  const name = `${what}, ${look}`.replace(/\W+/g, "_");
  files[id] = [name, { Title: title, Description: `${title}: ${what}, ${look}`, ...text, ...origin }];
  $(id).setAttribute("aria-label", `${title}: ${what}`);
  say(`${id}-said`, what);
  $(`${id}-took`).textContent = `: drawn in ${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

// A text chunk of PNG (third edition, 11.3.3): tEXt, or iTXt for more than ASCII.
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

// Download a canvas as PNG, with its description.
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
