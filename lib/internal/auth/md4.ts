// MD4 (RFC 1320): broken as a hash, and still the first step from a password to an NTLM response.
// Node's own crypto no longer offers it.

const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;
const ADD = [0, 0x5a827999, 0x6ed9eba1] as const;
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;

type State = [a: number, b: number, c: number, d: number];

/** The MD4 sum of some bytes, 16 bytes. */
export function md4(data: Uint8Array): Buffer {
  const padded = Buffer.alloc((((data.length + 8) >> 6) << 6) + 64);
  padded.set(data);
  padded[data.length] = 0x80;
  padded.writeUInt32LE((data.length << 3) >>> 0, padded.length - 8);
  padded.writeUInt32LE(Math.floor(data.length / 0x20000000), padded.length - 4);
  const state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += 64) addBlock(state, padded, at);
  const sum = Buffer.alloc(16);
  state.forEach((word, i) => sum.writeUInt32LE(word >>> 0, i * 4));
  return sum;
}

function addBlock(state: State, data: Buffer, at: number): void {
  let [a, b, c, d] = state;
  for (let round = 0; round < 3; round++) {
    for (let step = 0; step < 16; step++) {
      const word = data.readInt32LE(at + (ORDER[round]?.[step] ?? 0) * 4);
      const sum = (a + mix(round, b, c, d) + word + (ADD[round] ?? 0)) | 0;
      const shift = SHIFTS[round]?.[step & 3] ?? 0;
      a = d;
      d = c;
      c = b;
      b = (sum << shift) | (sum >>> (32 - shift));
    }
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}

function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  return round === 1 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z;
}
