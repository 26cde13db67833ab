"use strict";
// Latents as torch's CPU generator draws them, so that seed 7 here is seed 7 of python -m gan.generate.

/**
 * MT19937 (Matsumoto & Nishimura 1998): a function that gives the next 32 bits.
 * @param {number} seed
 * @returns {() => number}
 */
function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/** torch.Generator().manual_seed(seed) of the CPU as a stream of normal numbers, by Box-Muller; it uses 32 bits of a seed. */
class Source {
  /** @param {number} seed 0 to 2^53 */
  constructor(seed) {
    this.next = twister(seed % 2 ** 32);
    this.spare = NaN; // of fewer than 16 values, the second of a pair waits for the next call
  }

  /**
   * torch.empty(size).normal_(generator=this), as torch.randn draws it.
   * @param {number} size
   */
  normal(size) {
    const z = new Float32Array(size);
    return size < 16 ? z.map(() => this.one()) : this.fill(z);
  }

  /** One value, of 53 random bits. */
  one() {
    if (!Number.isNaN(this.spare)) {
      const value = this.spare;
      this.spare = NaN;
      return value;
    }
    const uniform = () => (this.next() & 0x1fffff) / 2 ** 21 + this.next() / 2 ** 53;
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /**
   * Values in blocks of 16, of pairs eight places apart; an overlapping last block is drawn anew.
   * @param {Float32Array} z
   */
  fill(z) {
    const draw = (/** @type {number} */ from) => {
      for (let i = from; i < z.length; i++) z[i] = (this.next() & 0xffffff) / 2 ** 24;
    };
    const pair = (/** @type {number} */ at) => {
      for (let i = at; i < at + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - z[i]));
        const angle = 2 * Math.PI * z[i + 8];
        z[i] = radius * Math.cos(angle);
        z[i + 8] = radius * Math.sin(angle);
      }
    };
    draw(0);
    for (let at = 0; at + 16 <= z.length; at += 16) pair(at);
    if (z.length % 16) {
      draw(z.length - 16);
      pair(z.length - 16);
    }
    return z;
  }
}

/**
 * The latent of a seed, 0 to 2^53, as gan/sample.py draws it: row seed // 2^32 of the stream seed % 2^32.
 * @param {number} seed
 * @param {number} size
 */
function latent(seed, size) {
  const source = new Source(seed);
  for (let row = Math.floor(seed / 2 ** 32); row > 0; row--) source.normal(size);
  return source.normal(size);
}

/**
 * Spherical interpolation from a to b: a straight line would pass where few latents are.
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} share
 */
function between(a, b, share) {
  const dot = (/** @type {Float32Array} */ u, /** @type {Float32Array} */ v) =>
    u.reduce((sum, value, i) => sum + value * v[i], 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))));
  if (share === 0 || angle < 1e-6) return a;
  const [of_a, of_b] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return a.map((value, i) => of_a * value + of_b * b[i]);
}
