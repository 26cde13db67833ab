"use strict";
// What the picture is, in words, and as a command.

/** A word for a shell. @param {string} text */
const quoted = (text) => (/^[\w./=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** @param {Settings} how */
function describe(how) {
  const style = Object.entries(styleOf(how)).map(([name, value]) => `${name} ${value}`);
  const hand = how.hand ? "your hand" : `seed ${how.seed}`;
  const what = how.layout === "sheet" ? `${how.n} digits from seed ${how.seed}` : `${how.text}, ${hand}`;
  return [what, ...(how.mixed ? ["mixed hands"] : []), ...style].join(", ");
}

/** The command that draws the same; "": there is none. @param {Settings} how */
function commandOf(how) {
  const isSheet = how.layout === "sheet";
  if (how.hand || how.digits || !(isSheet || how.layout === "line")) return "";
  const words = [
    ...(MODEL.ckpt ? [`ckpt=${MODEL.ckpt}`] : []),
    isSheet ? `n=${how.n}` : `text=${how.text}`,
    `seed=${how.seed}`,
  ];
  const add = (/** @type {string} */ name, /** @type {unknown} */ value, /** @type {unknown} */ usual) => {
    if (value !== usual && value !== null) words.push(`${name}=${value}`);
  };
  if (isSheet) add("label", how.label === "all" ? null : MODEL.names[how.label], null);
  else {
    for (const name of ["mixed", "certain", "clean"]) add(name, how[name], false);
    if (!how.mixed) add("variation", how.variation, MODEL.pen.variation);
    for (const [name, ours] of [
      ["spacing", "spacing"],
      ["jitter", "jitter"],
      ["slant", "lean"],
    ]) {
      add(`layout.${name}`, how[ours], MODEL.layout[/** @type {"spacing"} */ (name)]);
    }
  }
  add("truncation", how.truncation, 1);
  for (const name of ATTRIBUTES) add(`style.${name}`, how[name], null);
  for (const [name, usual] of Object.entries(PLAIN)) add(`look.${name}`, how[name], usual);
  const file = how.texture === "none" ? "digits.svg" : "digits.png"; // outlines have no texture
  return ["python -m gan.generate", ...words.map(quoted), `out=${file}`].join(" ");
}
