// One call from this page: microphone and loudspeaker over a WebSocket, in mu-law at 8 kHz.

const $ = (id) => document.getElementById(id);
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const WORDS = {
  normal: "Call ended", busy: "All lines are busy", "no-route": "Nobody answers this number",
  rejected: "The call was refused", error: "Something went wrong",
};

// Mu-law, ITU-T G.711: magnitudes with a bias of 132 in eight segments, all bits inverted on the line.
const DECODE = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return (code & 128 ? -magnitude : magnitude) / 32768;
});

function encode(sample) {
  const magnitude = Math.min(Math.abs(Math.round(sample * 32768)), 32635) + 132;
  const segment = 31 - Math.clz32(magnitude) - 7;
  return ~((sample < 0 ? 128 : 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 15)) & 0xff;
}

let call = null;

class Call {
  constructor() {
    this.muted = false;
    this.answered = 0;
    this.over = false;
  }

  async start() {
    show("Asking for the microphone");
    const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const raw = new URLSearchParams(location.search).has("raw");
    const audio = raw ? Object.fromEntries(Object.keys(clean).map((key) => [key, false])) : clean;
    this.microphone = await navigator.mediaDevices.getUserMedia({ audio });
    this.context = new AudioContext({ sampleRate: 8000, latencyHint: "interactive" });
    await this.context.audioWorklet.addModule("worklet.js");
    this.telephone = new AudioWorkletNode(this.context, "telephone", { outputChannelCount: [1] });
    this.context.createMediaStreamSource(this.microphone).connect(this.telephone);
    this.telephone.connect(this.context.destination);
    this.telephone.port.onmessage = ({ data }) => this.fromWorklet(data);
    await this.context.resume();
    if (this.over) return this.tidy();
    show("Calling");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/talk${location.search}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.say({ type: "start" });
    this.socket.onmessage = ({ data }) => this.fromServer(data);
    this.socket.onclose = () => this.end("The line was lost");
  }

  say(word) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(word));
  }

  fromWorklet({ frame, level }) {
    if (level !== undefined) return this.say({ type: "level", samples: level });
    meter("mine", this.muted ? null : frame);
    if (!this.answered || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(this.muted ? new Uint8Array(frame.length).fill(255) : Uint8Array.from(frame, encode));
  }

  fromServer(data) {
    if (typeof data !== "string") {
      const samples = Float32Array.from(new Uint8Array(data), (byte) => DECODE[byte]);
      meter("theirs", samples);
      return this.telephone.port.postMessage(samples, [samples.buffer]);
    }
    const word = JSON.parse(data);
    if (word.type === "flush") this.telephone.port.postMessage("flush");
    if (word.type === "ended") this.end(WORDS[word.cause] ?? "Call ended");
    if (word.type === "answered") {
      this.answered = Date.now();
      show("Connected");
      controls(true);
      this.ticking = setInterval(() => { $("clock").textContent = since(this.answered); }, 250);
    }
  }

  mute() {
    this.muted = !this.muted;
    $("mute").setAttribute("aria-pressed", this.muted);
    $("mute").textContent = this.muted ? "Unmute" : "Mute";
  }

  key(digit) {
    this.say({ type: "key", digit });
  }

  hangUp() {
    this.say({ type: "hangup" });
    this.end("You hung up");
  }

  end(words) {
    if (this.over) return;
    this.over = true;
    show(words);
    controls(false);
    this.tidy();
    call = null;
  }

  tidy() {
    clearInterval(this.ticking);
    this.socket?.close();
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    meter("mine", null);
    meter("theirs", null);
  }
}

function show(words) {
  $("status").textContent = words;
}

function since(start) {
  const seconds = Math.floor((Date.now() - start) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// Loudness on a scale on which quiet speech can be seen: -60 dB to full scale. It falls slowly.
function meter(id, samples) {
  const power = samples ? samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length : 0;
  const level = power > 1e-6 ? Math.min(1, 1 + Math.log10(power) / 6) : 0;
  const bar = $(id);
  bar.value = samples ? Math.max(level, bar.value * 0.9) : 0;
}

function controls(on) {
  $("call").disabled = on;
  $("mute").disabled = $("hangup").disabled = $("keypad").disabled = !on;
  $("mute").setAttribute("aria-pressed", "false");
  $("mute").textContent = "Mute";
  if (on) $("hangup").focus();
  else $("call").focus();
}

function why(error) {
  if (error.name === "NotAllowedError") return "The page may not use the microphone: allow it in the address bar";
  if (error.name === "NotFoundError") return "There is no microphone";
  return navigator.mediaDevices ? `No call: ${error.message}` : "Microphones need https, or this very machine";
}

$("call").addEventListener("click", async () => {
  if (call) return;
  $("call").disabled = true;
  $("hangup").disabled = false;
  $("clock").textContent = "0:00";
  call = new Call();
  const mine = call;
  try {
    await mine.start();
  } catch (error) {
    mine.end(why(error));
  }
});
$("hangup").addEventListener("click", () => call?.hangUp());
$("mute").addEventListener("click", () => call?.mute());
for (const digit of KEYS) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = digit;
  button.dataset.key = digit;
  button.setAttribute("aria-label", { "*": "star", "#": "hash" }[digit] ?? digit);
  button.addEventListener("click", () => call?.key(digit));
  document.querySelector(".keys").append(button);
}
document.addEventListener("keydown", (event) => {
  if (!call?.answered || event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS.includes(event.key) && !event.repeat) call.key(event.key);
  if (event.key.toLowerCase() === "m" && !event.repeat) call.mute();
});
