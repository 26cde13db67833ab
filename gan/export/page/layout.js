"use strict";
// Layouts: a text becomes blocks in the rows and columns of a table.

const PITCH = 1.75; // between baselines, in heights of a digit
const GUTTER = 0.9; // between columns, the same
const LONGEST = 200; // characters of a text
const MOST_TERMS = 20; // of a sum

/** What is wrong with a text for a layout; "": nothing. @param {string} text @param {string} layout */
function explainText(text, layout) {
  if (layout === "sheet") return "";
  if (!text.trim()) return "Type digits, as 2026-11-22";
  if (text.length > LONGEST)
    return `This text has ${text.length.toLocaleString("en")} characters; a picture has at most ${LONGEST}`;
  const known = { ...MODEL.alphabet, ...MODEL.marks.strokes, " ": 0 };
  const unknown = [...new Set(text)].filter((one) => !(one in known));
  const drawn = `${Object.keys(MODEL.alphabet).join("")} ${Object.keys(MODEL.marks.strokes).join(" ")}`;
  if (unknown.length) return `Cannot draw ${unknown.slice(0, 5).join(" ")}: there are ${drawn} and spaces`;
  if (layout === "month" && !monthOf(text)) return "A calendar month needs a year and a month, as 2026-11";
  if (layout === "sum" && !sumOf(text))
    return `A sum needs 2 to ${MOST_TERMS} numbers of at most 12 digits, as 128+45-6`;
  return "";
}

/** The year and month, 1 to 12, at the start of a text, or null. @param {string} text */
function monthOf(text) {
  const [, year, month] = (/^\s*(\d{4})[-/.](\d{1,2})(?!\d)/.exec(text) ?? []).map(Number);
  return month >= 1 && month <= 12 && year >= 1 ? { year, month } : null;
}

/** The terms of a written addition, and its result, or null. @param {string} text */
function sumOf(text) {
  const plain = text.replaceAll(" ", "").replace(/=$/, "");
  if (!/^\d{1,12}(\.\d{1,4})?([+-]\d{1,12}(\.\d{1,4})?)+$/.test(plain)) return null;
  const terms = plain.match(/[+-]?[\d.]+/g) ?? [];
  const places = Math.max(...terms.map((one) => (one.split(".")[1] ?? "").length));
  const units = (/** @type {string} */ one) => {
    const [whole, part = ""] = one.split(".");
    return BigInt(whole + part.padEnd(places, "0"));
  };
  const sum = terms.reduce((sum, one) => sum + units(one.replace("+", "")), 0n); // exact: numbers have 16 digits at most
  const digits = `${sum < 0n ? -sum : sum}`.padStart(places + 1, "0");
  const result = places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
  return terms.length > MOST_TERMS ? null : { terms, result: `${sum < 0n ? "-" : ""}${result}` };
}

/** The blocks of a good text; align: 0 left, 0.5 centre, 1 right. @param {Settings} how @returns {Block[]} */
function blocksOf({ text, layout, align }) {
  const side = { left: 0, centre: 0.5, right: 1 }[/** @type {"left" | "centre" | "right"} */ (align)];
  const block = (/** @type {string} */ text, /** @type {number} */ row, column = 0, align = side) => ({
    text,
    row,
    column,
    align,
  });
  if (layout === "column")
    return text
      .split(" ")
      .filter(Boolean)
      .map((/** @type {string} */ word, /** @type {number} */ row) => block(word, row));
  if (layout === "grid") {
    const all = [...text].filter((one) => one !== " ");
    const columns = Math.ceil(Math.sqrt(all.length));
    return all.map((one, i) => block(one, Math.floor(i / columns), i % columns, 0.5));
  }
  const month = layout === "month" && monthOf(text);
  if (month) {
    const first = new Date(Date.UTC(2000, month.month - 1, 1));
    first.setUTCFullYear(month.year);
    const offset = (first.getUTCDay() + 6) % 7; // weeks begin on Monday
    const days = new Date(Date.UTC(2000 + (month.year % 400), month.month, 0)).getUTCDate(); // the calendar's period
    const title = {
      ...block([`${month.year}`.padStart(4, "0"), `${month.month}`.padStart(2, "0")].join("-"), 0, 0, 0.5),
      across: 7,
    };
    return [
      title,
      ...Array.from({ length: days }, (_, day) =>
        block(`${day + 1}`, 1 + Math.floor((day + offset) / 7), (day + offset) % 7, 1),
      ),
    ];
  }
  const sum = layout === "sum" && sumOf(text);
  if (sum) {
    const rule = { ...block("", sum.terms.length - 0.74, 0, 1), rule: true };
    return [
      ...sum.terms.map((term, row) => block(term, row, 0, 1)),
      rule,
      block(sum.result, sum.terms.length + 0.05, 0, 1),
    ];
  }
  return [block(text, 0, 0, 0)];
}

/**
 * Put composed blocks into their table, and paste them. One block is a line of Python's.
 * @param {Block[]} blocks @param {{pieces: Piece[], end: number}[]} composed @param {Settings} how @param {number} thickness
 * @returns {Picture}
 */
function arrange(blocks, composed, how, thickness) {
  if (blocks.length === 1) return paste(composed[0].pieces, composed[0].end);
  const unit = MODEL.size * MODEL.layout.digit;
  const span = composed.map(({ pieces }) => {
    const first = Math.min(0, ...pieces.map(({ x }) => x));
    return { first, width: Math.max(0, ...pieces.map(({ x, cell }) => x + cell.width)) - first };
  });
  const count = 1 + Math.max(...blocks.map(({ column }) => column));
  const widths = Array.from({ length: count }, (_, column) => {
    return Math.max(0, ...blocks.map((one, i) => (one.column === column && !one.across ? span[i].width : 0)));
  });
  const gap = how.layout === "grid" ? how.spacing + 0.3 : GUTTER;
  const left = widths.map((_, column) => widths.slice(0, column).reduce((sum, width) => sum + width + gap * unit, 0));
  const whole = left[count - 1] + widths[count - 1];
  const all = blocks.flatMap(({ row, column, align, across, rule }, i) => {
    const down = round(row * PITCH * unit);
    if (rule)
      return [{ ...ruleOf(whole, thickness, new Source(how.seed + i)), above: -down, digit: -1, character: "" }];
    const free = (across ? whole : widths[column]) - span[i].width;
    const right = round((across ? 0 : left[column]) + align * free) - span[i].first;
    return composed[i].pieces.map((piece) => ({ ...piece, x: piece.x + right, above: piece.above - down }));
  });
  return paste(all, round(whole), round(Math.max(...blocks.map(({ row }) => row)) * PITCH * unit));
}

/** The line below a sum. @param {number} width @param {number} thickness @param {Source} source */
function ruleOf(width, thickness, source) {
  const unit = MODEL.size * MODEL.layout.digit;
  const reach = width / unit + 0.2;
  const level = /** @type {[number, number][]} */ ([0, reach].map((x) => [x, 0]));
  const wide = Math.ceil((reach + 1) * unit);
  return { cell: crop(drawStrokes([level], unit, thickness, 0, source, wide)), x: round(-0.1 * unit) };
}
