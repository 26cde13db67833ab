"use strict";
// The state is the link: every setting is a field of one form, and the address holds those that are not as the page sets them.
// A field with data-optional holds nothing until somebody moves it.

const STEPS = 100; // of undo
/** @type {(id: string) => any} any: the id says what element it is */
const $ = (id) => document.getElementById(id);
/** Unchanged text is not read out again. @param {string} id @param {string} text */
const say = (id, text) => {
  if ($(id).textContent === text) return;
  $(id).textContent = text;
  if (text && id.endsWith("-wrong")) $(id).closest("details")?.setAttribute("open", ""); // nobody sees it in a closed panel
};

/** @type {Field[]} */
let known; // from the first call on
const fields = () => (known ??= [...$("studio").elements].filter((one) => one.hasAttribute("name")));
const field = (/** @type {string} */ name) => /** @type {Field} */ (fields().find((one) => one.name === name));
const isCheck = (/** @type {Field} */ one) => one.type === "checkbox";
const isNumber = (/** @type {Field} */ one) => one.type === "number" || one.type === "range";
const isHeld = (/** @type {Field} */ one) => !("optional" in one.dataset) || "held" in one.dataset;

/** @type {Record<string, string>} */
const defaults = {}; // of each field, by name
/** @type {Settings} */
const good = {}; // the last good value of each setting

/** The text of a field in the address, null: nothing. @param {Field} one */
function textOf(one) {
  if (!isHeld(one)) return null;
  if (isCheck(one)) return /** @type {HTMLInputElement} */ (one).checked ? "1" : "0";
  return isNumber(one) && one.value !== "" ? `${Number(one.value)}` : one.value;
}

/** The text of a field's last good value, null: nothing. @param {Field} one */
function goodText({ name }) {
  const value = good[name];
  return value === null ? null : `${typeof value === "boolean" ? Number(value) : value}`;
}

/** All settings by name: numbers, booleans and texts; null: not held. A wrong one is that of before, and is explained. */
function settings() {
  for (const one of fields()) {
    if (explain(one) || (one.name === "layout" && !field("text").validity.valid)) continue;
    const text = textOf(one);
    good[one.name] = text === null ? null : isCheck(one) ? text === "1" : isNumber(one) ? Number(text) : text;
  }
  return { ...good };
}

/** What is wrong with a field, which is said beside it; "": nothing. @param {Field} one */
function explain(one) {
  const why = one.validity.customError ? one.validationMessage : one.validity.valid ? "" : range(one);
  const place = $(`${one.name}-wrong`);
  if (place) say(place.id, why);
  why ? one.setAttribute("aria-invalid", "true") : one.removeAttribute("aria-invalid");
  return why;
}

/** @param {Field} one */
function range(one) {
  if (one instanceof HTMLSelectElement)
    return `Choose one of ${[...one.options]
      .map(({ text }) => text)
      .slice(0, 12)
      .join(", ")}`;
  return `Must be a${one.step === "1" || !one.step ? " whole" : ""} number from ${one.min} to ${one.max}`;
}

/** Set a field to a text of the address, null: to what the page sets. @param {Field} one @param {string | null} text */
function put(one, text) {
  one.setCustomValidity("");
  if ("optional" in one.dataset) one.toggleAttribute("data-held", text !== null);
  if (isCheck(one)) /** @type {HTMLInputElement} */ (one).checked = (text ?? defaults[one.name]) === "1";
  else one.value = text ?? defaults[one.name];
  if (text === null) return;
  const isKept = isCheck(one)
    ? /^[01]$/.test(text)
    : isNumber(one)
      ? text.trim() !== "" && Number(one.value) === Number(text)
      : one.value === text;
  if (isKept) return;
  if (one.type === "range" || isCheck(one)) put(one, goodText(one)); // it would take the nearest value without a word
  one.setCustomValidity(isCheck(one) ? "Must be 0 or 1" : range(one));
}

/** The address of what is shown: settings that differ from what the page sets; the text always. */
function address() {
  const params = new URLSearchParams();
  for (const one of fields()) {
    const text = goodText(one);
    if (text !== null && (text !== defaults[one.name] || one.name === "text" || "optional" in one.dataset)) {
      params.set(one.name, text);
    }
  }
  return `${params}`;
}

/** Set all fields from an address. What no field takes is said. @param {string} hash */
function follow(hash) {
  const params = new URLSearchParams(hash);
  const isSheet = params.has("n") && !params.has("text") && !params.has("layout"); // as links of the first page
  if (isSheet) params.set("layout", "sheet");
  const names = [...params.keys()];
  const unknown = names.filter((name) => !field(name));
  const twice = names.filter((name, i) => field(name) && names.indexOf(name) < i);
  for (const one of fields()) put(one, params.get(one.name));
  const told = { "that this page does not know": unknown, "twice, of which the first counts": twice };
  const wrong = Object.entries(told).filter(([, all]) => all.length);
  const lines = wrong.map(([why, all]) => `This link has settings ${why}: ${all.join(", ").slice(0, 80)}`);
  say("link-wrong", lines.join(". "));
}

const past = /** @type {string[]} */ ([]); // addresses
let now = -1; // the place of the shown one

const isWrong = () => fields().some((one) => !one.validity.valid);

/** Make what is shown a step of the history, and write it into the address. Back leaves the page. */
function commit() {
  const here = address();
  if (here !== past[now]) past.splice(now + 1, Infinity, here);
  if (past.length > STEPS + 1) past.shift();
  now = past.indexOf(here, now);
  written();
}

function written() {
  if (location.hash !== `#${past[now]}`) history.replaceState(null, "", `#${past[now]}`);
  $("undo").disabled = now === 0 && !isWrong();
  $("redo").disabled = now === past.length - 1;
}

/** Go back by a step, or forward (1). What is wrong is a step too. @param {number} step */
function travel(step) {
  if (step < 0 && isWrong()) step = 0;
  else commit();
  if (past[now + step] === undefined) return false;
  now += step;
  follow(past[now]);
  written();
  return true;
}

/** Set settings as a hand would: the picture follows, and it is one step. @param {Record<string, string | number | boolean | null>} values */
function set(values, type = "change") {
  for (const [name, value] of Object.entries(values)) {
    const one = field(name);
    put(one, value === null ? null : typeof value === "boolean" ? `${Number(value)}` : `${value}`);
  }
  $("studio").dispatchEvent(new CustomEvent(type === "input" ? "input" : "change", { bubbles: true }));
}
