"use strict";
// Looks answers up and puts their texts together; which build fits is decided where the data are made.
const data = JSON.parse(document.getElementById("data").textContent);
const { strings, rows, phrases, notes, texts, answers, tables, patterns, lines, systems, gpus, words, sources } = data;
const at = (id) => document.getElementById(id);
const first = Object.assign(Object.create(null), { system: "linux-64", cuda: "", arch: "", source: "auto", release: "", python: "", mirror: "", tool: "", language: "en" });
const state = { ...first };
const say = (key, values = {}) => fill(words[state.language][key], values);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (mark, key) => (key in values ? fill(values[key], values) : mark));
const system = () => systems.find((one) => one.id === state.system);
const mirror = () => system().mirrors.find((one) => one.name === state.mirror);

// The answer for a state, or null where the source does not know the release.
function look(of) {
  const on = systems.find((one) => one.id === of.system);
  const release = of.release ? on.releases[of.source].indexOf(of.release) + 1 : 0;
  if (of.release && !release) return null;
  const [without, pattern, ...near] = tables[on.tables[of.source][release][on.pythons.indexOf(of.python) + 1]];
  const cuda = on.cudas.indexOf(of.cuda);
  const place = cuda < 0 ? without : near[lines[patterns[pattern][cuda]].charCodeAt(on.archs.indexOf(of.arch) + 1) - 48];
  const [kind, source, torch, built, forPython, set, command, tools, ...told] = answers[place];
  const text = (number) => strings[number];
  const packages = [];
  for (let i = 0; i < rows[set].length; i += 3) packages.push(rows[set].slice(i, i + 3).map(text));
  const python = fill(text(forPython), { y: of.python });
  const undotted = (version) => version.replace(".", "");
  const values = { d: of.cuda, a: of.arch, r: of.release, t: text(torch), c: text(built), k: undotted(text(built)), p: python, q: undotted(python), s: of.system };
  packages.forEach(([name, version, build], i) => Object.assign(values, { [i]: `${name}=${version}=${build}`, ["b" + i]: build, ["v" + i]: version }));
  const byTool = {};
  for (let i = 0; i < texts[tools].length; i += 2) byTool[text(texts[tools][i])] = text(texts[tools][i + 1]);
  return {
    kind: text(kind), source: text(source), release: values.t, cuda: values.c, python, values, tools: byTool,
    notes: told.map((number) => sentence(notes[number], values)),
    command: fill(text(command), values),
    packages: packages.map((row) => row.map((word) => fill(word, values))),
  };
}

// A note in both languages: phrases, each followed by what stands in its holes.
function sentence(note, values) {
  const said = { en: "", zh: "" };
  for (let i = 0; i < note.length;) {
    const [en, zh, holes] = phrases[note[i]];
    const inside = { ...values };
    for (let h = 0; h < holes; h++) inside["h" + h] = strings[note[i + 1 + h]];
    said.en += fill(en, inside);
    said.zh += fill(zh, inside);
    i += 1 + holes;
  }
  return said;
}

// A text of a tool with what the mirror decides.
function mirrored(text, answer) {
  const { at: channels, wheels, index } = mirror();
  return fill(text, answer.values)
    .replace(/\{at\}([\w-]+)/g, (all, channel) => channels[channel])
    .replaceAll("{wheels}", wheels)
    .replace(/(--(?:default-)?index(?:-url)?) \{index\} /g, (all, option) => (index ? `${option} ${index} ` : ""));
}

const chosenMirror = (command) => command + (state.mirror ? ` --mirror ${state.mirror}` : "");
const build = (answer) => (answer.cuda ? say("on_cuda", { cuda: answer.cuda }) : say(system().cudas.length ? "on_cpu" : "on_mac"));
const headline = (answer) =>
  [`PyTorch ${answer.release}`, build(answer), answer.python && `Python ${answer.python}`].filter(Boolean).join(" · ");

// A sentence whose words in backticks are code.
function coded(sentence) {
  return sentence.split("`").map((part, i) => (i % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part));
}

function option(value, label, chosen) {
  return new Option(label, value, false, value === chosen);
}

function options(id, found, chosen) {
  at(id).replaceChildren(...found.map(([value, label]) => option(value, label, chosen)));
  at(id).value = chosen;
}

function choices(id, found) {
  const box = at(id).querySelector(".choices");
  box.replaceChildren(...found.map(([value, label, below]) => {
    const made = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: id, value, checked: state[id] === value });
    const shown = document.createElement("span");
    shown.textContent = label;
    if (below) {
      const small = document.createElement("b");
      small.textContent = below;
      shown.append(small);
    }
    made.append(input, shown);
    return made;
  }));
}

// GPUs by family; the value has the name behind the compute capability, so that it stays chosen.
function listGpus() {
  const known = gpus.filter((gpu) => system().archs.includes(gpu.arch));
  const families = [...new Set(known.map((gpu) => gpu.family))];
  const groups = families.map((family) => {
    const group = Object.assign(document.createElement("optgroup"), { label: family });
    for (const gpu of known.filter((one) => one.family === family))
      for (const name of gpu.names) group.append(option(`${gpu.arch} ${name}`, `${name} (${gpu.arch})`, state.gpu));
    return group;
  });
  const bare = Object.assign(document.createElement("optgroup"), { label: say("by_capability") });
  for (const gpu of known) bare.append(option(gpu.arch, gpu.arch, state.gpu));
  at("arch").replaceChildren(option("", say("gpu_open"), state.gpu), ...groups, bare);
  at("arch").value = state.gpu || "";
  at("arch").disabled = !state.cuda;
}

function form() {
  const on = system();
  choices("system", systems.map((one) => [one.id, words[state.language].systems[one.id]]));
  at("graphics").hidden = !on.cudas.length;
  options("cuda", [["", say("driver_none")], ...on.cudas.map((cuda, i) => [cuda, `CUDA ${cuda}` + (on.drivers[i] ? say("driver_from", { driver: on.drivers[i] }) : "")]).reverse()], state.cuda);
  listGpus();
  choices("source", sources.map((source) => {
    const found = look({ ...state, source });
    return [source, words[state.language].sources[source], found && found.kind !== "none" ? [found.release, found.cuda ? `CUDA ${found.cuda}` : on.cudas.length && "CPU"].filter(Boolean).join(" · ") : say("nothing")];
  }));
  options("release", [["", say("newest")], ...on.releases[state.source].map((r) => [r, r])], state.release);
  options("python", [["", say("any_python")], ...on.pythons.map((p) => [p, p]).reverse()], state.python);
  options("mirror", on.mirrors.map((one) => [one.name, one.title.length ? `${one.title[state.language === "zh" ? 1 : 0]} (${one.name})` : say(one.name === "upstream" ? "mirror_official" : "mirror_default")]), state.mirror);
}

function name(mirrorName) {
  const found = system().mirrors.find((one) => one.name === mirrorName);
  return found && found.title.length && state.language === "zh" ? found.title[1] : mirrorName === "upstream" ? say("upstream") : mirrorName;
}

// What one change would give, the nearest first; where none does, everything left open.
function ways() {
  const on = system();
  const found = [];
  const seen = new Set();
  const offer = (change, label) => {
    const answer = look({ ...state, ...change });
    if (!answer || answer.kind === "none") return false;
    const gives = headline(answer);
    if (!seen.has(label)) found.push([change, label, gives]);
    seen.add(label);
    return true;
  };
  const newestFirst = [...on.pythons].reverse();
  if (state.python) newestFirst.some((python) => offer({ python }, `Python ${python}`));
  if (state.release && !offer({ release: "" }, say("way_newest")))
    on.releases[state.source].some((release) => offer({ release }, `PyTorch ${release}`));
  for (const source of sources) if (source !== state.source && source !== "auto") offer({ source }, say("way_source", { source: words[state.language].sources[source] }));
  if (state.cuda) on.cudas.slice(on.cudas.indexOf(state.cuda) + 1).some((cuda) => offer({ cuda }, say("way_driver", { cuda })));
  if (!found.length) offer({ release: "", python: "" }, say("way_open"));
  if (!found.length) for (const source of sources) offer({ release: "", python: "", source }, say("way_open_source", { source: words[state.language].sources[source] }));
  if (state.cuda) offer({ cuda: "", arch: "", gpu: "" }, say("way_cpu"));
  return found;
}

function show() {
  const answer = look(state);
  const none = answer.kind === "none";
  at("answer").className = answer.kind;
  at("verdict").textContent = say("verdict_" + answer.kind);
  at("set").textContent = none ? say("none") : headline(answer);
  at("fits").hidden = none;
  at("why").hidden = !none;
  const from = answer.source === "wheels" ? mirror().wheels_of : mirror().of[answer.source];
  at("where").textContent = none ? "" : say("where_" + (answer.source === "wheels" ? "wheels" : "channel"), { source: answer.source, mirror: name(from) });
  if (none) refuse(answer);
  else accept(answer);
  at("carried").textContent = state.mirror && from && from !== state.mirror && !none ? say("not_carried", { source: answer.source, mirror: name(from) }) : "";
}

function refuse(answer) {
  const why = document.createElement("p");
  why.append(...coded(answer.notes.map((note) => note[state.language]).join(" ")));
  const found = ways();
  const parts = [why];
  if (found.length) {
    const head = Object.assign(document.createElement("h3"), { textContent: say("ways") });
    const box = Object.assign(document.createElement("div"), { className: "ways" });
    for (const [change, label, gives] of found) {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      const first = Object.assign(document.createElement("b"), { textContent: label });
      const second = Object.assign(document.createElement("span"), { textContent: gives });
      button.append(first, second);
      button.addEventListener("click", () => { set(change); at("command").focus(); });
      box.append(button);
    }
    parts.push(head, box);
  }
  at("why").replaceChildren(...parts);
}

function accept(answer) {
  at("command").textContent = chosenMirror(`conda torch-install ${answer.command}`);
  const tools = Object.keys(answer.tools);
  if (!tools.includes(state.tool)) state.tool = tools[0];
  at("tools").replaceChildren(...tools.map((tool) => {
    const tab = Object.assign(document.createElement("button"), { type: "button", textContent: tool, id: "tool-" + tool });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-selected", String(tool === state.tool));
    tab.setAttribute("aria-controls", "panel");
    tab.tabIndex = tool === state.tool ? 0 : -1;
    return tab;
  }));
  at("panel").setAttribute("aria-labelledby", "tool-" + state.tool);
  at("text").textContent = mirrored(answer.tools[state.tool], answer);
  at("loose").textContent = answer.kind === "recipe" ? say("loose") : answer.source === "wheels" ? say("wheels_help", { python: answer.python }) : "";
  at("packages").hidden = answer.kind === "recipe";
  at("build").textContent = say(answer.source === "wheels" ? "file" : "build");
  at("packages").querySelector("tbody").replaceChildren(...answer.packages.map((row) => {
    const line = document.createElement("tr");
    line.append(...row.map((word) => Object.assign(document.createElement("td"), { textContent: decodeURIComponent(word) })));
    return line;
  }));
  at("notes").hidden = !answer.notes.length;
  at("notes").querySelector("ul").replaceChildren(...answer.notes.map((note) => {
    const item = document.createElement("li");
    item.append(...coded(note[state.language]));
    return item;
  }));
}

function set(change) {
  Object.assign(state, change);
  const on = system();
  if (!on.cudas.includes(state.cuda)) state.cuda = "";
  if (!state.cuda || !on.archs.includes(state.arch)) Object.assign(state, { arch: "", gpu: "" });
  if (!on.releases[state.source].includes(state.release)) state.release = "";
  if (!on.pythons.includes(state.python)) state.python = "";
  if (!on.mirrors.some((one) => one.name === state.mirror)) state.mirror = "";
  draw();
}

function draw() {
  const active = document.activeElement;
  const again = active && active.name ? [active.name, active.value] : null;
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-word]")) one.replaceChildren(...coded(say(one.dataset.word)));
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  for (const one of document.querySelectorAll(".copy")) one.textContent = say("copy");
  Object.assign(at("language"), { textContent: state.language === "zh" ? "English" : "中文", lang: state.language === "zh" ? "en" : "zh-CN" });
  form();
  show();
  if (again) document.querySelector(`input[name="${again[0]}"][value="${again[1]}"]`)?.focus();
  const kept = Object.entries(state).filter(([key, value]) => value && !["tool", "gpu"].includes(key));
  history.replaceState(null, "", "#" + new URLSearchParams(kept));
}

async function copy(button) {
  const text = at(button.dataset.of).textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const held = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(held);
    held.select();
    document.execCommand("copy");
    held.remove();
    button.focus();
  }
  button.textContent = say("copied");
  setTimeout(() => { button.textContent = say("copy"); }, 1600);
}

at("questions").addEventListener("change", ({ target }) => {
  const key = target.name || target.id;
  if (key === "arch") set({ gpu: target.value, arch: target.value.split(" ")[0] });
  else set({ [key]: target.value });
});
at("questions").addEventListener("submit", (event) => event.preventDefault());
at("language").addEventListener("click", () => set({ language: state.language === "zh" ? "en" : "zh" }));
for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", () => copy(button));
at("tools").addEventListener("click", ({ target }) => {
  if (target.id.startsWith("tool-")) { state.tool = target.textContent; show(); at(target.id).focus(); }
});
at("tools").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...at("tools").children].map((tab) => tab.textContent);
  state.tool = tabs[(tabs.indexOf(state.tool) + step + tabs.length) % tabs.length];
  show();
  at("tool-" + state.tool).focus();
});

function start() {
  Object.assign(state, first);
  const platform = navigator.platform || "";
  const asked = new URLSearchParams(location.hash.slice(1));
  state.language = /^zh/.test(navigator.language) ? "zh" : "en";
  state.system = /Win/.test(platform) ? "win-64" : /Mac/.test(platform) ? "osx-arm64" : /aarch64|arm/i.test(platform) ? "linux-aarch64" : "linux-64";
  const known = { system: systems.map((one) => one.id), source: sources, language: ["en", "zh"] };
  for (const [key, value] of asked) if (key in first && (!known[key] || known[key].includes(value))) state[key] = value;
  state.gpu = state.arch;
  set({});
}
start();
addEventListener("hashchange", start);
