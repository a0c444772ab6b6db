// Runs at 8 kHz, 128 samples at a time: microphone to frames of 20 ms, and a short queue to the loudspeaker.

const FRAME = 160;
const CUSHION = 480;      // samples that wait before sound begins: 60 ms
const MOST = 4000;        // above this, silence is left out to catch up
const REPORT = 1600;      // samples between two reports of the queue's level

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
    this.queue = [];
    this.head = 0;
    this.waiting = 0;
    this.playing = false;
    this.since = 0;
    this.last = 0;
    this.port.onmessage = ({ data }) => {
      if (data === "flush") return this.flush();
      if (this.waiting > MOST && !this.loud(data)) return;
      this.queue.push(data);
      this.waiting += data.length;
    };
  }

  loud(samples) {
    return samples.some((sample) => sample > 0.004 || sample < -0.004);
  }

  flush() {
    this.queue = [];
    this.head = this.waiting = 0;
    this.playing = false;
    this.port.postMessage({ level: 0 });
  }

  process([input], [output]) {
    const ear = output[0];
    this.play(ear);
    const mouth = input[0];
    for (let at = 0; at < ear.length; at++) {
      this.frame[this.filled++] = mouth ? mouth[at] : 0;
      if (this.filled === FRAME) {
        this.port.postMessage({ frame: this.frame.slice() });
        this.filled = 0;
      }
    }
    this.since += ear.length;
    if (this.since >= REPORT) {
      this.since = 0;
      this.port.postMessage({ level: this.waiting });
    }
    return true;
  }

  play(ear) {
    if (!this.playing && this.waiting < CUSHION) {
      // What was cut off ends softly: a step in the sound would be heard as a click.
      for (let at = 0; at < ear.length; at++) ear[at] = this.last *= 0.9;
      return;
    }
    this.playing = true;
    for (let at = 0; at < ear.length; at++) {
      if (!this.queue.length) {
        this.playing = false;
        ear[at] = this.last *= 0.9;
        continue;
      }
      ear[at] = this.last = this.queue[0][this.head++];
      this.waiting--;
      if (this.head === this.queue[0].length) {
        this.queue.shift();
        this.head = 0;
      }
    }
  }
}

registerProcessor("telephone", Telephone);
