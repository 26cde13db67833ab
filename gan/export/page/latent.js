"use strict";
// Latents as torch's CPU generator draws them, so that seed 7 here is seed 7 of python -m gan.generate.

/**
 * MT19937 (Matsumoto & Nishimura 1998).
 * @param {number} seed
 * @returns {() => number} a function that gives the next 32 bits
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

/**
 * torch.empty(size).normal_(generator=torch.Generator().manual_seed(seed)), by Box-Muller. From 16 values on: in blocks of
 * 16, of pairs eight places apart; an overlapping last block is drawn anew. Below: of neighbours, with 53 random bits each.
 * @param {number} seed
 * @param {number} size
 */
function latent(seed, size) {
  const next = twister(seed);
  const z = new Float32Array(size);
  if (size < 16) {
    const uniform = () => (next() & 0x1fffff) / 2 ** 21 + next() / 2 ** 53;
    for (let i = 0; i < size; i += 2) {
      const angle = 2 * Math.PI * uniform();
      const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
      z[i] = radius * Math.cos(angle);
      if (i + 1 < size) z[i + 1] = radius * Math.sin(angle);
    }
    return z;
  }
  /** @type {(from: number, to: number) => void} */
  const fill = (from, to) => {
    for (let i = from; i < to; i++) z[i] = (next() & 0xffffff) / 2 ** 24;
  };
  /** @type {(at: number) => void} */
  const block = (at) => {
    for (let i = at; i < at + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - z[i]));
      const angle = 2 * Math.PI * z[i + 8];
      z[i] = radius * Math.cos(angle);
      z[i + 8] = radius * Math.sin(angle);
    }
  };
  fill(0, size);
  for (let at = 0; at + 16 <= size; at += 16) block(at);
  if (size % 16) {
    fill(size - 16, size);
    block(size - 16);
  }
  return z;
}

/**
 * Spherical interpolation from a to b: a straight line would pass where few latents are.
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} share of the way, in [0, 1]
 */
function between(a, b, share) {
  /** @type {(u: Float32Array, v: Float32Array) => number} */
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))));
  if (share === 0 || angle < 1e-6) return a;
  const [of_a, of_b] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return a.map((value, i) => of_a * value + of_b * b[i]);
}
