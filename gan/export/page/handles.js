"use strict";
// The digits of the picture as handles: sideways is slant, up and down is thickness. A click selects one, which then has its own style.

const REACH = 40; // pixels of a drag for one standard deviation
const CLICK = 5; // pixels that a click may move
const LARGEST = 3; // standard deviations

let chosen = -1; // the selected digit

/** What single digits have of their own, from `index,attempt,thickness,slant,width,height;...`. @param {string} text @returns {Map<number, Own>} */
function attemptsOf(text) {
  const found = new Map();
  for (const one of text.split(";").filter(Boolean)) {
    const [index, attempt, ...values] = one.split(",");
    const style = Object.fromEntries(
      ATTRIBUTES.map((name, i) => [name, values[i]])
        .filter(([, value]) => value)
        .map(([name, value]) => [name, Number(value)]),
    );
    found.set(Number(index), { attempt: Number(attempt), style });
  }
  return found;
}

/** @param {Map<number, Own>} all */
function textOfAttempts(all) {
  const written = [...all]
    .filter(([, { attempt, style }]) => attempt || Object.keys(style).length)
    .sort(([a], [b]) => a - b);
  return written
    .map(([index, { attempt, style }]) =>
      [index, attempt, ...ATTRIBUTES.map((name) => style[name] ?? "")].join(",").replace(/,+$/, ""),
    )
    .join(";");
}

/** What is wrong with the text of single digits; "": nothing. @param {string} text */
function explainAttempts(text) {
  const rule = /^\d{1,3},\d{1,4}(,(-?([0-2](\.\d{1,2})?|3))?){0,4}$/;
  return !text || text.split(";").every((one) => rule.test(one))
    ? ""
    : "The single digits of this link are damaged: they are drawn as the others";
}

/** Change what the selected digit has of its own. @param {(one: Own) => Own} change @param {string} [type] of the event */
function changeOwn(change, type = "change") {
  const all = attemptsOf(good.digits);
  all.set(chosen, change(all.get(chosen) ?? { attempt: 0, style: {} }));
  set({ digits: textOfAttempts(all) }, type);
}

/** Two decimals within the range of a style. @param {number} value */
const bounded = (value) => Math.round(100 * Math.min(LARGEST, Math.max(-LARGEST, value))) / 100;

/** Move slant and thickness of the selected digit, or of all. @param {number} index @param {Style} style @param {string} type */
function steer(index, style, type) {
  const rounded = Object.fromEntries(Object.entries(style).map(([name, value]) => [name, bounded(value)]));
  if (index === chosen)
    changeOwn(({ attempt, style: before }) => ({ attempt, style: { ...before, ...rounded } }), type);
  else set(rounded, type);
}

/** Put a handle on each digit of the shown picture. @param {Box[]} boxes @param {Place} place in CSS pixels of the stage */
function placeHandles(boxes, place) {
  const home = $("digits");
  const digits = boxes.filter(({ digit }) => digit >= 0);
  while (home.children.length > digits.length) home.lastElementChild?.remove();
  const isSheet = field("layout").value === "sheet";
  if (chosen >= digits.length || isSheet) choose(-1);
  digits.forEach(({ character, x, y, width, height, digit }, i) => {
    const handle = /** @type {HTMLButtonElement} */ (
      home.children[i] ?? home.appendChild(Object.assign(document.createElement("button"), { type: "button" }))
    );
    handle.dataset.digit = `${digit}`;
    handle.setAttribute("aria-label", `${character || "digit"}, ${i + 1} of ${digits.length}`);
    handle.setAttribute("aria-pressed", `${digit === chosen}`);
    handle.tabIndex = !isSheet || i === Math.min(reached, digits.length - 1) ? 0 : -1;
    const [wide, tall] = [Math.max(24, width * place.scale), height * place.scale];
    const [left, top] = [(x + width / 2) * place.scale + place.x - wide / 2, y * place.scale + place.y];
    handle.style.cssText = `left:${left}px;top:${top}px;width:${wide}px;height:${tall}px`;
  });
}

let reached = 0; // the digit of the sheet that the keyboard is on

/** Select a digit; -1: none. @param {number} index */
function choose(index) {
  chosen = index;
  for (const one of $("digits").children)
    one.setAttribute("aria-pressed", `${Number(/** @type {HTMLElement} */ (one).dataset.digit) === chosen}`);
  $("single").hidden = chosen < 0;
  showStyle();
}

/** The style that a digit shows now. @param {number} index @returns {Style} */
function styleNow(index) {
  const held = { ...styleOf(good), ...(index === chosen ? attemptsOf(good.digits).get(index)?.style : {}) };
  return Object.fromEntries(ATTRIBUTES.map((name, i) => [name, held[name] ?? bounded(shown.own[4 * index + i] ?? 0)]));
}

/** Follow pointers and keys on the digits. @param {(index: number) => void} take what a click on a digit of the sheet does */
function listenToHandles(take) {
  /** @type {HTMLElement} */
  const home = $("digits");
  /** @type {{x: number, y: number, index: number, style: Style, moved: boolean} | null} */
  let drag = null;
  const indexOf = (/** @type {Event} */ event) => Number(/** @type {HTMLElement} */ (event.target).dataset.digit ?? -1);
  home.addEventListener("pointerdown", (event) => {
    const index = indexOf(event);
    if (!event.isPrimary || index < 0 || field("layout").value === "sheet") return;
    home.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, index, style: styleNow(index), moved: false };
  });
  home.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [right, up] = [event.clientX - drag.x, drag.y - event.clientY];
    drag.moved ||= Math.hypot(right, up) > CLICK;
    if (!drag.moved) return;
    const { thickness = 0, slant = 0 } = drag.style;
    const style =
      Math.abs(right) < CLICK
        ? { thickness: thickness + up / REACH }
        : Math.abs(up) < CLICK
          ? { slant: slant + right / REACH }
          : { thickness: thickness + up / REACH, slant: slant + right / REACH };
    steer(drag.index, style, "input");
  });
  home.addEventListener("lostpointercapture", () => {
    if (drag?.moved) set({});
    else if (drag) choose(drag.index === chosen ? -1 : drag.index);
    drag = null;
  });
  home.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    if (field("layout").value === "sheet") take(index);
    else if (event.detail === 0) choose(index === chosen ? -1 : index); // by the keyboard
  });
  home.addEventListener("keydown", (event) => {
    const [index, step] = [
      indexOf(event),
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key],
    ];
    if (!step || index < 0) return;
    event.preventDefault();
    if (field("layout").value === "sheet") {
      const to = home.children[index + step[0] - step[1] * MODEL.columns];
      if (!to) return;
      reached = Number(/** @type {HTMLElement} */ (to).dataset.digit);
      /** @type {HTMLElement[]} */ ([...home.children]).forEach((one, i) => {
        one.tabIndex = i === reached ? 0 : -1;
      });
      return /** @type {HTMLElement} */ (to).focus();
    }
    const { thickness = 0, slant = 0 } = styleNow(index);
    steer(index, step[0] ? { slant: slant + step[0] / 10 } : { thickness: thickness + step[1] / 10 }, "change");
  });
}

/** The buttons and sliders of the selected digit. */
function listenToSingle() {
  $("attempt").addEventListener("click", () => changeOwn(({ attempt, style }) => ({ attempt: attempt + 1, style })));
  $("back").addEventListener("click", () => changeOwn(() => ({ attempt: 0, style: {} })));
  $("done").addEventListener("click", () => choose(-1));
  for (const type of ["input", "change"]) {
    $("single").addEventListener(type, (/** @type {Event} */ event) => {
      const { dataset, value } = /** @type {HTMLInputElement} */ (event.target);
      event.stopPropagation();
      if (dataset.own)
        changeOwn(
          ({ attempt, style }) => ({
            attempt,
            style: { ...style, [/** @type {string} */ (dataset.own)]: Number(value) },
          }),
          type,
        );
    });
  }
}

/** Let the sliders stand where the picture is, and say what is held. */
function showStyle() {
  const mine = chosen >= 0 ? styleNow(chosen) : {};
  ATTRIBUTES.forEach((name, i) => {
    const own = shown.own.filter((_, at) => at % 4 === i);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    if (own.length && !isHeld(field(name))) field(name).value = `${bounded(mean)}`;
    /** @type {HTMLInputElement} */ (document.querySelector(`[data-own=${name}]`)).value = `${mine[name] ?? 0}`;
  });
  for (const one of fields().filter(({ type }) => type === "range")) {
    const value = `${Math.round(100 * Number(one.value)) / 100}`.replace("-", "−");
    one.setAttribute("aria-valuetext", isHeld(one) ? value : `${value}, as it is drawn`);
    const told = /** @type {HTMLElement} */ (one.nextElementSibling);
    told.textContent = isHeld(one) ? value : "";
  }
  $("loose").disabled = !ATTRIBUTES.some((name) => isHeld(field(name)));
}
