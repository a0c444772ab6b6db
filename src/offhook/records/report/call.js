"use strict";
// Draws the timeline and plays the recording. Text of the call only ever enters the page as text, never as markup.

const call = JSON.parse(document.getElementById("timeline").textContent);
const $ = (id) => document.getElementById(id);
const [scroll, track, canvas, layer, cursor, overview] = ["scroll", "track", "waves", "layer", "cursor", "overview"].map($);
const RULER = 24, TEXT = 50, WAVE = 68, GUTTER = 36, BOTTOM_TEXT = 50;
const TOP = RULER + TEXT, MIDDLE = TOP + WAVE, LOW = MIDDLE + GUTTER, UNDER = LOW + WAVE, HEIGHT = 344;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
let scale = 60; // pixels to a second
let phrases = []; // sayings in one piece: they stay in sight while any of their audio is

// ---- data

function unpack(base64) {
  const text = atob(base64), bytes = new Int8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const n = bytes.length / 3;
  return { high: bytes.subarray(0, n), low: bytes.subarray(n, 2 * n), rms: bytes.subarray(2 * n) };
}
const lanes = call.lanes.map((lane, index) => ({ ...lane, ...unpack(lane.wave), top: index ? LOW : TOP }));

function clock(seconds, digits = 1) {
  const units = 10 ** digits, all = Math.round(Math.max(seconds, 0) * units);
  const rest = ((all / units) % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${Math.floor(all / units / 60)}:${rest}`;
}

function make(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- drawing

let colours;
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  colours = Object.fromEntries(["ink", "soft", "faint", "line", "hatch", "caller", "bot", "alert", "answer"].map((n) => [n, get(n)]));
  colours.agent = colours.bot;
  colours.tint = { caller: get("caller-tint"), bot: get("bot-tint"), agent: get("bot-tint") };
}

function draw() {
  const width = scroll.clientWidth, from = scroll.scrollLeft / scale, ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = HEIGHT * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, HEIGHT);
  const x = (seconds) => (seconds - from) * scale;
  drawRuler(g, x, width, from);
  for (const line of call.lines) {
    const lane = lanes[line.speaker === "caller" ? 0 : 1];
    box(g, x(line.start), lane.top, x(line.end) - x(line.start), WAVE, colours.tint[lane.speaker]);
    if (line.left > 0.02) drawUnheard(g, x(line.end), lane, line.left * scale);
  }
  for (const span of call.spans) drawSpan(g, x(span.start), x(span.end), span.text);
  for (const lane of lanes) drawWave(g, lane, from, width);
  g.fillStyle = colours.bot;
  for (const [start, end] of call.playing) g.fillRect(x(start), UNDER + 1, Math.max(x(end) - x(start), 2), 2);
  call.answers.forEach((answer, i) => {
    const next = call.answers[i + 1];
    drawAnswer(g, x(answer.start), x(answer.end), answer.text, next ? x(next.start) : Infinity);
  });
  for (const mark of call.marks) drawMark(g, x(mark.at), mark.kind);
  for (const phrase of phrases) {
    const at = Math.min(Math.max(phrase.left, scroll.scrollLeft + 8), Math.max(phrase.right - phrase.width, phrase.left));
    if (at !== phrase.at) phrase.made.style.left = `${(phrase.at = at)}px`;
  }
  $("view").hidden = width / scale >= call.seconds;
  $("view").style.left = `${(100 * from) / call.seconds}%`;
  $("view").style.width = `${(100 * width) / scale / call.seconds}%`;
}

function box(g, x, y, width, height, fill) {
  g.fillStyle = fill;
  g.beginPath();
  g.roundRect(x - 2, y, Math.max(width, 1) + 4, height, 5);
  g.fill();
}

function drawRuler(g, x, width, from) {
  const step = STEPS.find((s) => s * scale >= 74) || 600;
  g.font = "11px " + getComputedStyle(document.body).fontFamily;
  g.textBaseline = "middle";
  for (let n = Math.floor(from / step); x(n * step) < width; n++) {
    const at = Math.round(x(n * step)) + 0.5;
    line(g, colours.line, [at, RULER - 4, at, HEIGHT - 34]);
    g.fillStyle = colours.soft;
    g.fillText(clock(n * step, step < 1 ? 1 : 0), at + 4, 11);
  }
  for (const lane of lanes) {
    const centre = lane.top + WAVE / 2 + 0.5;
    line(g, colours.line, [0, centre, width, centre]);
  }
}

function line(g, colour, [x1, y1, ...rest], width = 1, dash = []) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.setLineDash(dash);
  g.beginPath();
  g.moveTo(x1, y1);
  for (let i = 0; i < rest.length; i += 2) g.lineTo(rest[i], rest[i + 1]);
  g.stroke();
  g.setLineDash([]);
}

function drawWave(g, lane, from, width) {
  const centre = lane.top + WAVE / 2, half = WAVE / 2 - 3, per = call.rate / scale, count = lane.high.length;
  for (const [part, alpha] of [["peak", 0.42], ["rms", 1]]) {
    const up = [], down = [];
    for (let px = 0; px <= width; px++) {
      const a = Math.floor((from * scale + px) * per), b = Math.min(Math.max(Math.floor((from * scale + px + 1) * per), a + 1), count);
      if (a >= count) break;
      let high = 0, low = 0;
      for (let i = a; i < b; i++) {
        high = Math.max(high, part === "peak" ? lane.high[i] : lane.rms[i]);
        low = Math.min(low, part === "peak" ? lane.low[i] : -lane.rms[i]);
      }
      up.push([px, centre - Math.max((high * half) / 127, 0.5)]);
      down.push([px, centre - Math.min((low * half) / 127, -0.5)]);
    }
    g.globalAlpha = alpha;
    g.fillStyle = colours[lane.speaker];
    g.beginPath();
    for (const [px, py] of up) g.lineTo(px, py);
    for (const [px, py] of down.reverse()) g.lineTo(px, py);
    g.fill();
  }
  g.globalAlpha = 1;
}

function drawUnheard(g, x, lane, width) {
  const top = lane.top + 10, height = WAVE - 20;
  g.save();
  g.beginPath();
  g.roundRect(x, top, width, height, 4);
  g.clip();
  for (let at = x - height; at < x + width; at += 6) line(g, colours[lane.speaker], [at, top + height, at + height, top], 0.8);
  g.restore();
  g.beginPath();
  g.roundRect(x, top, width, height, 4);
  g.setLineDash([3, 3]);
  g.stroke();
  g.setLineDash([]);
}

function drawSpan(g, start, end, text) {
  g.fillStyle = colours.hatch;
  g.fillRect(start, TOP, end - start, UNDER - TOP);
  for (const x of [start, end]) line(g, colours.faint, [x, TOP, x, UNDER], 1, [2, 3]);
  g.fillStyle = colours.soft;
  if (g.measureText(text).width < end - start - 10) g.fillText(text, Math.max(start, 0) + 6, MIDDLE + GUTTER / 2);
}

function drawAnswer(g, start, end, text, last) {
  if (end - start < 4) return;
  const middle = MIDDLE + GUTTER / 2;
  line(g, colours.answer, [start, MIDDLE + 3, start, middle, end, middle, end, LOW - 4], 1.4);
  g.fillStyle = colours.answer;
  g.beginPath();
  g.arc(start, MIDDLE + 3, 2.4, 0, 7);
  g.moveTo(end, LOW);
  g.lineTo(end - 3.6, LOW - 7);
  g.lineTo(end + 3.6, LOW - 7);
  g.fill();
  g.font = "600 12px " + getComputedStyle(document.body).fontFamily;
  const room = g.measureText(text).width + 8;
  if (end + room > trackWidth() - scroll.scrollLeft) g.fillText(text, start - room, middle);
  else if (end + room < last) g.fillText(text, end + 8, middle);
}

// A mark crosses both waves, and shows again at its name; between them are the words.
function drawMark(g, x, kind) {
  const alert = kind === "barge" || kind === "fault", [colour, width, dash] = alert ? [colours.alert, 1.6, []] : [colours.faint, 1, [2, 3]];
  line(g, colour, [x, TOP - 2, x, UNDER + 4], width, dash);
  line(g, colour, [x, HEIGHT - 38, x, HEIGHT - 32], width);
}

// ---- words, sayings and marks, as elements that can be pointed at

const measure = document.createElement("canvas").getContext("2d");
const wordWidth = (text) => measure.measureText(text).width;

function placeWords(line) {
  let right = -Infinity;
  const places = [];
  for (const [text, start] of line.words) {
    const at = Math.max(start * scale, right + 5);
    if (at - start * scale > Math.max(0.12 * scale, 9)) return null;
    places.push(at);
    right = at + wordWidth(text);
  }
  return places;
}

function lay() {
  layer.textContent = "";
  phrases = [];
  measure.font = "500 12.5px " + getComputedStyle(document.body).fontFamily;
  const ends = [Infinity, Infinity]; // where the next saying of each lane begins
  for (const line of scale < 6 ? [] : [...call.lines].reverse()) {
    const lower = line.speaker === "caller" ? 0 : 1, top = lower ? UNDER + 8 : RULER + 2;
    // The last sayings are folded at the edge, and not shifted over those before them.
    const edge = Math.max(trackWidth() - line.start * scale - 6, 100);
    const room = Math.min(ends[lower] - line.start * scale - 12, (line.end - line.start) * scale + 208, edge);
    const width = Math.min(wordWidth(line.text + (line.unheard || "")) + 3, room);
    const left = Math.max(Math.min(line.start * scale, trackWidth() - width - 6), 0);
    ends[lower] = left;
    const places = line.words && placeWords(line);
    if (places) line.words.forEach(([text, start, end], i) => add(make("span", "word " + line.speaker, text), places[i], lower ? top : TOP - 21, start, end));
    else if (room > 44) phrases.push({ made: addPhrase(line, left, top, room, !lower), left, at: left, width, right: line.end * scale });
  }
  let right = -Infinity;
  for (const mark of [...call.marks].sort((a, b) => a.at - b.at)) {
    const made = make("span", "mark " + mark.kind, mark.kind === "key" ? undefined : mark.text);
    if (mark.kind === "key") made.append(make("kbd", "", mark.text));
    made.title = mark.about;
    const half = (mark.kind === "key" ? 22 : wordWidth(mark.text)) / 2, at = Math.max(mark.at * scale, right + half, half + 2);
    right = at + half + 5;
    add(made, at, 313, mark.at);
  }
}

function addPhrase(line, left, top, room, above) {
  const made = make("span", "phrase " + line.speaker);
  made.dir = "auto";
  made.append(make("span", "", line.text));
  if (line.unheard) made.append(make("s", "", line.unheard));
  made.style.maxWidth = `${room}px`;
  made.title = line.text + (line.unheard ? ` [not heard: ${line.unheard.trim()}]` : "");
  add(made, left, top, line.start);
  // Sayings hang under the lower wave; what the caller says stands on the upper one.
  if (above) Object.assign(made.style, { top: "auto", bottom: `${HEIGHT - TOP + 4}px` });
  return made;
}

function add(made, x, top, start, end) {
  made.style.left = `${x}px`;
  made.style.top = `${top}px`;
  made.dataset.at = start;
  if (end !== undefined) made.dataset.to = end;
  layer.append(made);
}

const trackWidth = () => Math.max(call.seconds * scale, scroll.clientWidth);

function zoom(wanted, anchor = scroll.scrollLeft / scale + scroll.clientWidth / scale / 2, offset = scroll.clientWidth / 2) {
  const fit = scroll.clientWidth / call.seconds;
  scale = Math.min(Math.max(wanted, fit), Math.max(400, fit));
  track.style.width = `${trackWidth()}px`;
  lay();
  scroll.scrollLeft = anchor * scale - offset;
  timed = [...document.querySelectorAll("[data-to]")];
  show();
  draw();
}

// ---- sound

const player = new Audio();
let timed = [];
let loaded = false;
player.preload = "metadata";

function linear(code) {
  code = ~code & 255;
  const value = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 128 ? -value : value;
}

// Browsers agree on 16-bit PCM, not on mu-law; a page with mu-law in it is half as long.
function decode() {
  const codes = atob($("audio").textContent), frames = codes.length, bytes = new DataView(new ArrayBuffer(44 + 2 * frames));
  const table = Array.from({ length: 256 }, (_, code) => linear(code));
  const words = (at, text) => [...text].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  words(0, "RIFF"); bytes.setUint32(4, 36 + 2 * frames, true); words(8, "WAVEfmt "); bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); bytes.setUint16(22, 2, true); bytes.setUint32(24, 8000, true); bytes.setUint32(28, 32000, true);
  bytes.setUint16(32, 4, true); bytes.setUint16(34, 16, true); words(36, "data"); bytes.setUint32(40, 2 * frames, true);
  for (let i = 0; i < frames; i++) bytes.setInt16(44 + 2 * i, table[codes.charCodeAt(i)], true);
  return URL.createObjectURL(new Blob([bytes.buffer], { type: "audio/wav" }));
}

function load() {
  if (loaded) return;
  loaded = true;
  player.src = $("audio") ? decode() : overview.dataset.audio;
}

let wanted = 0; // where to begin, while nothing is loaded
const now = () => (loaded ? player.currentTime : wanted);

function seek(seconds, follow) {
  wanted = Math.min(Math.max(seconds, 0), call.seconds);
  if (loaded) player.currentTime = wanted;
  const x = wanted * scale - scroll.scrollLeft;
  if (follow && (x < 40 || x > scroll.clientWidth - 40)) scroll.scrollLeft = wanted * scale - scroll.clientWidth / 3;
  show(wanted);
}

function toggle() {
  if (!overview.dataset.audio) return;
  if (!player.paused) return player.pause();
  if (!loaded) {
    load();
    player.currentTime = wanted;
  }
  player.play();
}

function show(seconds = now()) {
  cursor.hidden = $("head").hidden = seconds <= 0;
  cursor.style.transform = `translateX(${seconds * scale}px)`;
  $("head").style.left = `${(100 * seconds) / call.seconds}%`;
  $("now").textContent = clock(seconds);
  for (const word of timed) word.classList.toggle("said", !player.paused && +word.dataset.at <= seconds && seconds < +word.dataset.to);
}

function tick() {
  const x = now() * scale - scroll.scrollLeft;
  if (x > scroll.clientWidth * 0.85 || x < 0) scroll.scrollLeft = now() * scale - scroll.clientWidth * 0.15;
  show();
  if (!player.paused) requestAnimationFrame(tick);
}

// ---- hands on

function start() {
  document.documentElement.classList.remove("still");
  readColours();
  overview.append(Object.assign(make("div", ""), { id: "view" }), Object.assign(make("div", ""), { id: "head" }));
  $("whole").textContent = clock(call.seconds);
  $("play").disabled = !overview.dataset.audio;
  $("other").textContent = lanes[1].name;
  const kinds = new Set(call.marks.map((mark) => mark.kind));
  if (call.answers.length) kinds.add("answer");
  if (call.lines.some((line) => line.unheard)) kinds.add("unheard");
  for (const item of document.querySelectorAll(".legend .may")) item.hidden = ![...item.classList].some((name) => kinds.has(name));
  const fit = scroll.clientWidth / call.seconds;
  zoom(fit > 18 ? fit : 28, 0, 0); // a minute at most on a desk, some 12 s on a phone

  const place = (event, element, length) => ((event.clientX - element.getBoundingClientRect().left) / length) * call.seconds;
  track.addEventListener("click", (event) => event.target.closest("[data-at]") || seek((event.clientX - track.getBoundingClientRect().left) / scale));
  document.addEventListener("click", (event) => {
    const timedElement = event.target.closest("[data-at]");
    if (timedElement) seek(+timedElement.dataset.at, true);
  });
  const move = (event) => {
    const seconds = place(event, overview, overview.clientWidth);
    scroll.scrollLeft = seconds * scale - scroll.clientWidth / 2;
    return seconds;
  };
  overview.addEventListener("pointerdown", (event) => (overview.setPointerCapture(event.pointerId), seek(move(event))));
  overview.addEventListener("pointermove", (event) => event.buttons && move(event));
  scroll.addEventListener("scroll", draw);
  scroll.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const offset = event.clientX - scroll.getBoundingClientRect().left;
    zoom(scale * Math.exp(-event.deltaY / 300), (scroll.scrollLeft + offset) / scale, offset);
  }, { passive: false });
  $("in").onclick = () => zoom(scale * 1.6);
  $("out").onclick = () => zoom(scale / 1.6);
  $("fit").onclick = () => zoom(0);
  $("play").onclick = toggle;
  for (const name of ["play", "pause", "ended"]) player.addEventListener(name, () => {
    $("play").classList.toggle("on", !player.paused);
    $("play").ariaLabel = player.paused ? "Play" : "Pause";
    tick();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("button, summary, input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { " ": toggle, ArrowLeft: () => seek(now() - 2, true), ArrowRight: () => seek(now() + 2, true), "+": $("in").onclick, "-": $("out").onclick }[event.key];
    if (act) event.preventDefault(), act();
  });
  let width = scroll.clientWidth;
  new ResizeObserver(() => scroll.clientWidth !== width && ((width = scroll.clientWidth), zoom(scale))).observe(scroll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (readColours(), draw()));
}

if (scroll) start();
