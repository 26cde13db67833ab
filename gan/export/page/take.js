"use strict";
// The panel of files: what people take with them.

const FRAME = 40; // milliseconds of a film's frame
const FILM_SIDE = 640; // pixels of a film's longer side, at most
const MORPH = 60; // frames of a morph

/** What the picture is, as the metadata of its files. @type {(how: Settings) => Metadata} */
const aboutOf = (how) => {
  const isSheet = how.layout === "sheet";
  const Title = isSheet ? `${how.n} handwritten digits` : `Handwritten ${how.text}`;
  const Description = `Handwritten: ${describe(how)}, ${how.ink} on ${photo ? "a picture" : how.paper}`;
  const more = {
    ...(how.hand ? {} : { Seed: `${how.seed}` }),
    ...(isSheet ? {} : { Label: how.text }),
    Link: isPublic() ? location.href : location.hash, // no path of this computer
  };
  const origin = { Software: "digit-gan", Recipe: MODEL.command, Generator: `sha256 ${MODEL.sha256}` };
  return { Title, Description, ...more, ...origin, Licence: MODEL.licence };
};

/** @typedef {(pen: Pen, picture: Picture, reveal?: (pen: Pen) => void) => void} Painter */
/** A function that paints as settings say. @type {(how: Settings, width: number, height: number) => Painter} */
const painterOf = (how, width, height) => (pen, picture, reveal) =>
  paint(pen, picture, lookOf(how), width, height, { seed: how.seed, photo, reveal });

/** The picture as PNG. @type {(how: Settings) => Promise<Blob>} */
const pngOf = async (how) => {
  const [width, height] = pixelsOf(shown.picture, $("size").value);
  const pen = newPen(width, height);
  painterOf(how, width, height)(pen, shown.picture);
  return toPng(pen.canvas, aboutOf(how));
};

/** @typedef {{count: number, end: number, frame: (pen: Pen, i: number) => void | Promise<void>}} Frames */
/** The picture being written. @type {(how: Settings, width: number, height: number) => Frames} */
const writingOf = (how, width, height) => {
  const [{ picture }, put] = [shown, painterOf(how, width, height)];
  const found = strokesOf(picture);
  const count = Math.min(150, 10 * found.strokes.length + 1);
  return {
    count,
    end: 2000,
    frame: (pen, i) => put(pen, picture, i < count - 1 ? writtenOf(found, i / (count - 1)) : undefined),
  };
};

/** The hand becomes that of the next seed, and goes back. @type {(how: Settings, width: number, height: number) => Frames} */
const morphOf = (how, width, height) => {
  if (how.mixed || how.layout === "sheet")
    throw Error("Only a line of one hand becomes another hand: choose the other film");
  const put = painterOf(how, width, height);
  const other = truncated(how.seed + 1, how.truncation);
  const frame = async (/** @type {Pen} */ pen, /** @type {number} */ i) => {
    const z = between(handLatent(how), other, (1 - Math.cos((2 * Math.PI * i) / MORPH)) / 2);
    put(pen, (await write(blocksOf(how), { ...how, z }, false)).picture);
  };
  return { count: MORPH, end: FRAME, frame };
};

/** @type {AbortController | null} */
let filming = null;

/** @type {(how: Settings, encode: (film: Film) => Promise<Blob>) => Promise<Blob>} */
const filmOf = async (how, encode) => {
  const sides = pixelsOf(shown.picture, $("size").value);
  const [width, height] = sides.map((side) => Math.round(side * Math.min(1, FILM_SIDE / Math.max(...sides))));
  const frames = $("film").value === "morph" ? morphOf(how, width, height) : writingOf(how, width, height);
  filming?.abort();
  const { signal } = (filming = new AbortController());
  const progress = (/** @type {number} */ share) => {
    $("progress").value = share;
  };
  $("progress").hidden = $("cancel").hidden = false;
  try {
    return await encode({ ...frames, width, height, delay: FRAME, text: aboutOf(how), progress, signal });
  } finally {
    if (filming?.signal === signal) $("progress").hidden = $("cancel").hidden = true;
  }
};

/** Show on the canvas how the picture is written, until something else is drawn.
 * @type {(how: Settings) => Promise<void>} */
const watch = async (how) => {
  const canvas = $("picture");
  const pen = canvas.getContext("2d");
  const { count, frame } = writingOf(how, canvas.width, canvas.height);
  const [start, { drawn }] = [performance.now(), trace];
  for (let i = 0; i < count && trace.drawn === drawn; i = Math.floor((performance.now() - start) / FRAME)) {
    await frame(pen, i);
    await new Promise(requestAnimationFrame);
  }
  paintPicture(good);
};

/** What buttons do, by data-take, and then say.
 * @type {Record<string, (how: Settings, name: string) => Promise<string | void>>} */
const TAKES = {
  png: async (how, name) => download(await pngOf(how), `${name}.png`),
  svg: async (how, name) => download(new Blob([drawSvg(shown.picture, lookOf(how), aboutOf(how))]), `${name}.svg`),
  strokes: async (how, name) => {
    const svg = strokesSvg(shown.picture, toHex(stopsOf(how.ink)[0].slice(0, 3)), aboutOf(how));
    return download(new Blob([svg]), `${name}_strokes.svg`);
  },
  print: async (how) => printAlone(drawSvg(shown.picture, lookOf(how), aboutOf(how))),
  gif: async (how, name) => download(await filmOf(how, toGif), `${name}.gif`),
  webp: async (how, name) => download(await filmOf(how, toWebp), `${name}.webp`),
  watch: async (how) => watch(how),
  share: async (how, name) => {
    const { Title: title, Link } = aboutOf(how);
    const files = [new File([await pngOf(how)], `${name}.png`, { type: "image/png" })];
    await navigator.share({ files, title, ...(isPublic() ? { url: Link } : {}) });
  },
  copy: async (how) => {
    if (!navigator.clipboard?.write) throw Error("This browser cannot copy pictures: save the PNG");
    await navigator.clipboard.write([new ClipboardItem({ "image/png": pngOf(how) })]);
    return "Copied the picture";
  },
  link: async () => {
    if (!navigator.clipboard) throw Error("This browser cannot copy: take the link from its address bar");
    await navigator.clipboard.writeText(location.href);
    return isPublic()
      ? "Copied the link"
      : "Copied the link, which works on this computer alone: put the page on a web server to share it";
  },
};

/** The command that makes a font of this hand; "": there is none. @type {(how: Settings) => string} */
const fontOf = (how) => {
  if (how.hand || how.mixed || how.layout === "sheet") return "";
  const words = [...(MODEL.ckpt ? [`ckpt=${MODEL.ckpt}`] : []), `seed=${how.seed}`];
  if (how.variation !== MODEL.pen.variation) words.push(`variation=${how.variation}`);
  if (how.truncation !== 1) words.push(`truncation=${how.truncation}`);
  words.push(...Object.entries(styleOf(how)).map(([name, value]) => `style.${name}=${value}`));
  return ["python -m gan.export", ...words.map(quoted), "out=hand.otf"].join(" ");
};

/** Links that post the picture's link: plain ones, which tell nobody until they are followed. */
const showPosts = () => {
  if (!isPublic())
    return say("posts", "This page is on your computer: put it on a web server, and its links can be posted.");
  const { Title, Link } = aboutOf(good);
  const networks = networksOf(Title, Link);
  if (!$("posts").children.length)
    $("posts").append(
      "Post the link: ",
      ...networks.map(() =>
        Object.assign(document.createElement("a"), { target: "_blank", rel: "noopener noreferrer" }),
      ),
    );
  [...$("posts").children].forEach((link, i) =>
    Object.assign(link, { textContent: networks[i][0], href: networks[i][1] }),
  );
};

/** A name for a file, without its ending. @type {(how: Settings) => string} */
const nameOf = (how) => describe(how).replace(/\W+/g, "_").slice(0, 80);

const listenToFiles = () => {
  const share = /** @type {HTMLElement} */ (document.querySelector("[data-take=share]"));
  share.hidden = !navigator.canShare?.({ files: [new File([], "a.png", { type: "image/png" })] });
  showPosts();
  for (const type of ["pointerenter", "focusin"]) $("posts").addEventListener(type, showPosts); // the link of now
  $("cancel").addEventListener("click", () => filming?.abort());
  $("panel-files").addEventListener("click", async (/** @type {Event} */ event) => {
    const { take = "" } = /** @type {HTMLElement} */ (event.target).dataset;
    if (!TAKES[take]) return;
    say("taken", "");
    say("take-wrong", "");
    try {
      if (take !== "copy") await settled; // a browser copies only at once
      say("taken", (await TAKES[take](good, nameOf(good))) ?? "");
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      const denied = "The browser does not allow it: save the PNG, or take the link from the address bar";
      if (name !== "AbortError") say("take-wrong", name === "NotAllowedError" ? denied : message);
    }
  });
};
