"use strict";
// The page's rows, from packing.py: [place, prompt, state, thumbnail, shared, own] each.
const get = (id) => document.getElementById(id);
const { rows, shared: common, listed } = JSON.parse(get("rows").textContent);
const STATES = ["done", "failed", "in doubt"];
const SEEDS = ["seed", "llm_seed", "sr_seed"];
const BLOCK = 60; // cards: rows of 1 to 6 divide it, so that blocks join without a gap
const GROUPS = 12; // in a block, where one prompt lies side by side
const MANY = 200; // values that are offered to choose from

const href = (path) => path.split("/").map(encodeURIComponent).join("/");
const pictures = rows.map(([place, prompt, state, thumbnail, shared, own], at) => {
  const stem = place.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const name = state ? `${stem} ${STATES[state]}` : stem;
  const file = state ? "" : href(place);
  return {
    at, name, file, own, prompt, state: STATES[state],
    shared: typeof shared === "number" ? common[shared] : shared,
    small: thumbnail ? `thumbnails/${href(name)}.webp` : file,
    text: prompt.toLowerCase(),
  };
});
const byName = new Map(pictures.map((picture) => [picture.name, picture]));
const byPrompt = Map.groupBy ? Map.groupBy(pictures, (p) => p.prompt) : grouped(pictures);

function grouped(some) {
  const groups = new Map();
  for (const one of some) groups.has(one.prompt) ? groups.get(one.prompt).push(one) : groups.set(one.prompt, [one]);
  return groups;
}

// A list may have columns of any name: "constructor", or what the page calls its own.
const ofList = new Set(listed);
const held = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);
function value({ prompt, own, shared }, column) {
  if (column === "prompt") return prompt;
  if (ofList.has(column)) return held(own, column);
  return held(own, column) ?? held(shared, column) ?? held(shared.request, column);
}

const said = (it) => (it === null || it === undefined ? "" : typeof it === "object" ? JSON.stringify(it) : String(it));
const number = (n) => n.toLocaleString("en");

// What is chosen

const HIDDEN = new Set(["request", "command", "prompt", "state"]);
const columns = (() => {
  const names = new Set(), counted = new Set(common);
  for (const one of common) [...Object.keys(one), ...Object.keys(one.request)].forEach((name) => names.add(name));
  for (const { own, shared } of pictures) {
    for (const name in own) names.add(name);
    if (!counted.has(shared)) for (const name in shared.request) names.add(name);
  }
  return [...names].filter((name) => !HIDDEN.has(name));
})();

function different(of, most = Infinity) {
  const values = new Set();
  for (const picture of pictures) {
    values.add(said(of(picture)));
    if (values.size > most) break;
  }
  return [...values];
}

function offer(select, options) {
  select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
  select.closest("label").hidden = options.length < 3;
}

function offerColumns(select, first) {
  const others = columns.filter((name) => !listed.includes(name));
  select.replaceChildren(...first.map(([key, text]) => new Option(text, key)), named("of your list", listed), named("of the pictures", others));
}

function named(label, names) {
  const group = document.createElement("optgroup");
  group.label = label;
  group.hidden = !names.length;
  group.append(...names.map((name) => new Option(name)));
  return group;
}

// A table has its numbers as texts.
const sizeOf = (it) => (typeof it === "string" && it.trim() ? Number(it) : typeof it === "number" ? it : NaN);

// "5" or "> 5" or "<= 5" for numbers, otherwise a part of the text.
function wanted(typed) {
  const [, sign, size] = /^\s*([<>]?=?)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(typed) ?? [];
  const part = typed.toLowerCase();
  const to = Number(size);
  const compare = { "": (n) => n === to, "=": (n) => n === to, ">": (n) => n > to, "<": (n) => n < to, ">=": (n) => n >= to, "<=": (n) => n <= to };
  const isSize = (it) => size !== undefined && (sign ? !Number.isNaN(sizeOf(it)) : typeof it === "number");
  return (it) => (isSize(it) ? compare[sign](sizeOf(it)) : said(it).toLowerCase().includes(part));
}

function matching() {
  const words = get("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [model, state, column, typed] = ["model", "state", "column", "value"].map((id) => get(id).value);
  const fits = wanted(typed);
  return pictures.filter((picture) =>
    words.every((word) => picture.text.includes(word)) &&
    (!model || picture.shared.model === model) &&
    (!state || picture.state === state) &&
    (!column || !typed || fits(value(picture, column))));
}

const order = new Intl.Collator(undefined, { numeric: true }).compare;
const empty = (it) => it === null || it === undefined || it === "";
function compare(a, b) {
  const apart = sizeOf(a) - sizeOf(b);
  return Number.isNaN(apart) ? order(said(a), said(b)) : apart;
}

function sorted(some) {
  const by = get("sort").value, sign = get("down").checked ? -1 : 1;
  if (!by) return sign < 0 ? some.reverse() : some;
  const keyed = some.map((picture) => [value(picture, by), picture]);
  return keyed.sort(([a, p], [b, q]) => empty(a) - empty(b) || sign * compare(a, b) || p.at - q.at).map(([, picture]) => picture);
}

// What is shown: cards lie in blocks, and only those near the window are filled, so that the page
// stays as small as it began, however far somebody scrolls

const HAN = /[\u3400-\u4dbf\u4e00-\u9fff]/, KANA = /[\u3040-\u30ff]/;
const main = get("pictures");
const filling = new WeakMap(); // what each block is filled with: pictures, or lists of them
let chosen = pictures, each = 0; // what a block is high for each thing in it, in pixels

function write(element, prompt) {
  element.textContent = prompt;
  HAN.test(prompt) && !KANA.test(prompt) ? (element.lang = "zh") : element.removeAttribute("lang");
}

function brief({ own, shared, state }) {
  const seed = own.seed ?? -1;
  const size = shared.width ? `${shared.width} × ${shared.height}` : state;
  return [shared.model, size, seed === -1 ? "random seed" : `seed ${seed}`].join(" · ");
}

function fill(mat, picture) {
  const image = mat.querySelector("img");
  if (picture.file) {
    image.src = picture.small;
    image.alt = picture.prompt;
    [image.width, image.height] = [picture.shared.width, picture.shared.height];
  } else {
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = `${picture.state}: ${picture.own.message ?? picture.own.error}`;
    image.replaceWith(why);
  }
}

function card(picture) {
  const figure = get("card").content.cloneNode(true).firstElementChild;
  const mat = figure.querySelector(".mat");
  mat.href = `#${encodeURIComponent(picture.name)}`;
  if (!picture.prompt) mat.ariaLabel = picture.name;
  fill(mat, picture);
  write(figure.querySelector(".prompt"), picture.prompt);
  figure.querySelector(".facts").textContent = brief(picture);
  return figure;
}

function group(some) {
  const section = document.createElement("section"), head = document.createElement("h2"), grid = document.createElement("div");
  section.className = "group";
  grid.className = "grid";
  head.dir = "auto";
  write(head, some[0].prompt);
  grid.append(...some.slice(0, MANY).map(card));
  section.append(head, grid);
  if (some.length > MANY) section.append(small(`and ${number(some.length - MANY)} more`));
  return section;
}

function small(text) {
  const words = document.createElement("p");
  words.className = "empty";
  words.textContent = text;
  return words;
}

function nothing(beside) {
  return small(!pictures.length ? "There is no picture yet." : beside ? "No prompt here has more than one picture." : "Nothing matches.");
}

function blank(some) {
  const block = document.createElement("div");
  filling.set(block, some);
  near.observe(block);
  return block;
}

function furnish(block) {
  if (block.firstChild) return;
  block.append(...filling.get(block).map((it) => (Array.isArray(it) ? group(it) : card(it))));
  block.style.minHeight = "";
}

function clear(block, height) {
  if (!block.firstChild || block.contains(document.activeElement)) return;
  block.style.minHeight = `${height}px`;
  block.replaceChildren();
  each = height / filling.get(block).length;
}

// What is not filled yet is taken to be as high as what was last.
function guess() {
  const [first] = main.children;
  if (filling.has(first)) each ||= first.getBoundingClientRect().height / filling.get(first).length;
  for (const block of main.children) if (!block.firstChild) block.style.minHeight = `${each * filling.get(block).length}px`;
}

const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    if (isIntersecting) furnish(target);
    else clear(target, boundingClientRect.height);
  }
}, { rootMargin: "2000px" });

function split(some, size) {
  return Array.from({ length: Math.ceil(some.length / size) }, (_, at) => some.slice(at * size, (at + 1) * size));
}

function show() {
  const beside = get("beside").checked;
  chosen = sorted(matching());
  const groups = beside ? [...grouped(chosen).values()].filter((some) => some.length > 1) : [];
  if (beside) chosen = groups.flat();
  main.className = beside ? "groups" : "cards";
  near.disconnect();
  const blocks = (beside ? split(groups, GROUPS) : split(chosen, BLOCK)).map(blank);
  main.replaceChildren(...(blocks.length ? blocks : [nothing(beside)]));
  if (blocks.length) furnish(blocks[0]);
  guess();
  get("count").textContent = chosen.length === pictures.length ? number(pictures.length) : `${number(chosen.length)} of ${number(pictures.length)}`;
}

// The card of a picture, in its block, which is filled if need be; nothing where it is not chosen.
function cardOf(picture) {
  const named = `a[href="#${CSS.escape(encodeURIComponent(picture.name))}"]`;
  const block = [...main.children].find((one) => filling.get(one)?.flat().includes(picture));
  if (block) furnish(block);
  return block?.querySelector(named);
}

// One picture, large: the part of the address after # says which

const large = get("large");
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function command({ own, shared, prompt, name }) {
  const seeds = SEEDS.filter((seed) => /^-?\d+$/.test(own[seed])).map((seed) => ` -p ${seed}=${own[seed]}`);
  return `volcv generate ${shared.command}${seeds.join("")} -o ${quoted(`again-${name}`)} -- ${quoted(prompt)}`;
}

function fact(name, it) {
  const term = document.createElement("dt"), words = document.createElement("dd");
  term.textContent = name;
  words.textContent = said(it);
  return [term, words];
}

function facts({ own, shared, state, file }) {
  const { request, command: _, ...rest } = shared;
  const known = new Map(Object.entries({ ...(file && { file_name: decodeURIComponent(file) }), state, ...rest }));
  for (const [name, it] of Object.entries(own)) known.set(known.has(name) ? `${name} in the list` : name, it);
  for (const [name, it] of Object.entries(request)) {
    const other = known.has(name) && said(known.get(name)) !== said(it);
    known.set(other ? `${name} asked for` : name, it);
  }
  return [...known].filter(([, it]) => said(it) !== "").flatMap(([name, it]) => fact(name, it));
}

function sibling(picture, current) {
  const link = document.createElement("a"), label = document.createElement("span");
  link.href = `#${encodeURIComponent(picture.name)}`;
  if (picture === current) link.setAttribute("aria-current", "true");
  if (picture.file) {
    const image = new Image();
    image.loading = "lazy";
    image.alt = "";
    image.src = picture.small;
    link.append(image);
  }
  label.textContent = picture.file ? `seed ${picture.own.seed ?? "random"}` : picture.state;
  link.append(label);
  return link;
}

function enlarge(picture) {
  const [image, link] = [get("large-image"), get("large-file")];
  const same = byPrompt.get(picture.prompt);
  get("large-name").textContent = picture.name;
  write(get("large-prompt"), picture.prompt);
  link.hidden = !picture.file;
  if (picture.file) [link.href, image.src, image.alt] = [picture.file, picture.file, picture.prompt];
  get("large-why").hidden = Boolean(picture.file);
  get("large-why").textContent = [picture.own.message, picture.own.help].filter(Boolean).join(" ");
  get("again").hidden = !picture.shared.command;
  get("command").textContent = picture.shared.command ? command(picture) : "";
  get("copy").textContent = "Copy the command";
  get("siblings").hidden = same.length < 2;
  get("strip").replaceChildren(...(same.length < 2 ? [] : same.slice(0, MANY).map((one) => sibling(one, picture))));
  get("facts").replaceChildren(...facts(picture));
  get("before").disabled = !beyond(picture, -1);
  get("after").disabled = !beyond(picture, 1);
  if (!large.open) large.showModal();
}

const beyond = (picture, step) => chosen[chosen.indexOf(picture) + step];
const current = () => byName.get(decodeURIComponent(location.hash.slice(1)));

function follow() {
  const picture = current();
  if (picture) enlarge(picture);
  else if (large.open) large.close();
}

function go(step) {
  const next = beyond(current(), step);
  if (next) location.replace(`#${encodeURIComponent(next.name)}`);
}

async function copy() {
  getSelection().selectAllChildren(get("command"));
  try {
    await navigator.clipboard.writeText(get("command").textContent);
    get("copy").textContent = "Copied";
  } catch {
    get("copy").textContent = "Marked: copy it with your keys";
  }
}

large.addEventListener("close", () => {
  const last = current();
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (last) cardOf(last)?.focus();
});
get("before").addEventListener("click", () => go(-1));
get("after").addEventListener("click", () => go(1));
get("close").addEventListener("click", () => large.close());
get("copy").addEventListener("click", copy);
addEventListener("hashchange", follow);

// Keys

function across(key) { // from card to card
  const links = [...main.querySelectorAll(".mat")];
  const at = links.indexOf(document.activeElement);
  const top = links[0]?.getBoundingClientRect().top;
  const wide = Math.max(1, links.findIndex((link) => link.getBoundingClientRect().top > top + 9));
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide }[key];
  const next = at < 0 ? links[0] : links[at + step];
  next?.focus();
  return Boolean(next) && (at >= 0 || key === "ArrowRight");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.matches?.("input, select, textarea");
  if (large.open) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) go(step);
  } else if (event.key === "/" && !typing) {
    event.preventDefault();
    get("words").select();
  } else if (event.key === "Escape" && event.target === get("words")) {
    get("words").value = "";
    show();
    get("words").blur();
  } else if (event.key.startsWith("Arrow") && !typing && (event.key === "ArrowRight" || document.activeElement.matches(".mat"))) {
    if (across(event.key)) event.preventDefault();
  }
});

// The bar

offer(get("model"), [["", "all"], ...different(({ shared }) => shared.model).map((name) => [name, name])]);
offer(get("state"), [["", "all"], ...different(({ state }) => state).map((name) => [name, name])]);
offerColumns(get("column"), [["", "any"]]);
offerColumns(get("sort"), [["", "the list"], ["prompt", "prompt"]]);
get("column").addEventListener("change", () => {
  const column = get("column").value;
  get("value").disabled = !column;
  get("value").value = "";
  const values = column ? different((picture) => value(picture, column), MANY).slice(0, MANY) : [];
  get("values").replaceChildren(...values.map((it) => new Option(it, it)));
});
get("bar").addEventListener("input", () => {
  show();
  // From the top again, where the bar stays in sight.
  const top = main.offsetTop - get("bar").offsetHeight;
  if (scrollY > top) scrollTo(0, top);
});
addEventListener("resize", () => {
  each = 0;
  guess();
});
get("bar").addEventListener("submit", (event) => event.preventDefault());
get("bar").hidden = false;
show();
follow();
