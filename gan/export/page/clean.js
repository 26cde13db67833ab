"use strict";
// Clean digits: in one piece and with the holes of their class, as gan/digits/clean.py has them.

/** The holes of `smallest` pixels or more in ink [size * size]: paper, joined by sides, that does not reach the border. @param {boolean[]} inked @param {number} smallest */
function holes(inked, smallest) {
  const wide = MODEL.size + 2; // with a border of paper
  const paper = Array.from({ length: wide * wide }, (_, at) => {
    const [x, y] = [(at % wide) - 1, Math.floor(at / wide) - 1];
    return x < 0 || y < 0 || x >= MODEL.size || y >= MODEL.size || !inked[y * MODEL.size + x];
  });
  const { piece, sizes } = pieces(paper, wide, false);
  return sizes.filter((size, one) => one && one !== piece[0] && size >= smallest).length;
}

/** Whether an image [size * size] in [-1, 1] shows its digit in one piece, with its holes. @param {Float32Array} image @param {number} label */
function isClean(image, label) {
  const { holes: known, dark, pale, open } = MODEL.clean;
  const strongest = Math.max(0.02, ...image.map((value) => value + 1));
  const above = (/** @type {number} */ share) => Array.from(image, (value) => (value + 1) / strongest > share);
  const [least, most] = known[label];
  const found = [holes(above(dark), 1), holes(above(pale), open)];
  const whole = pieces(above(pale), MODEL.size).sizes.length === 2; // and the paper
  return whole && found.every((count) => least <= count && count <= most);
}

/** Specks, and what is faint and away from ink, become paper. @param {Float32Array} image [size * size] in [-1, 1] */
function removeSpecks(image) {
  const { faint, speck } = MODEL.clean;
  const { size } = MODEL;
  const strongest = Math.max(0.02, ...image.map((value) => value + 1));
  const { piece, sizes } = pieces(
    Array.from(image, (value) => (value + 1) / strongest > faint),
    size,
  );
  const mass = sizes.map(() => 0);
  image.forEach((value, at) => (mass[piece[at]] += value + 1));
  const largest = Math.max(0, ...mass.slice(1));
  const isKept = (/** @type {number} */ at) => piece[at] > 0 && mass[piece[at]] >= speck * largest;
  const near = (/** @type {number} */ at) => {
    const [x, y] = [at % size, Math.floor(at / size)];
    return [-1, 0, 1].some((down) =>
      [-1, 0, 1].some((right) => {
        const [column, row] = [x + right, y + down];
        return column >= 0 && row >= 0 && column < size && row < size && isKept(row * size + column);
      }),
    );
  };
  return image.map((value, at) => (isKept(at) || (!piece[at] && near(at)) ? value : -1));
}
