// RC2 in CBC mode, decryption only (RFC 2268): old PKCS#12 files encrypt their certificates with
// it, and the OpenSSL inside Node no longer has it.

const PI = Buffer.from(
  "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad",
  "hex",
);

/** The 64 words of the expanded key (RFC 2268 section 2). */
function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const l = Buffer.alloc(128);
  key.copy(l);
  const bytes = Math.ceil(effectiveBits / 8);
  const mask = 0xff >> (8 * bytes - effectiveBits);
  for (let i = key.length; i < 128; i += 1) {
    l[i] = PI[((l[i - 1] ?? 0) + (l[i - key.length] ?? 0)) & 0xff] ?? 0;
  }
  l[128 - bytes] = PI[(l[128 - bytes] ?? 0) & mask] ?? 0;
  for (let i = 127 - bytes; i >= 0; i -= 1) {
    l[i] = PI[(l[i + 1] ?? 0) ^ (l[i + bytes] ?? 0)] ?? 0;
  }
  return Uint16Array.from({ length: 64 }, (_, i) => l.readUInt16LE(2 * i));
}

const SHIFTS = [1, 2, 3, 5] as const;

// One block in place (section 4): 5 mixing rounds, mashing, 6, mashing, 5, all backwards.
function decryptBlock(r: Uint16Array, k: Uint16Array): void {
  let j = 63;
  for (let round = 16; round >= 1; round -= 1) {
    for (let i = 3; i >= 0; i -= 1) {
      const [a, b, c] = [word(r, i - 1), word(r, i - 2), word(r, i - 3)];
      const shift = SHIFTS[i] ?? 0;
      const turned = (word(r, i) >>> shift) | (word(r, i) << (16 - shift));
      r[i] = (turned & 0xffff) - (k[j] ?? 0) - (a & b) - (~a & c);
      j -= 1;
    }
    if (round === 12 || round === 6) {
      for (let i = 3; i >= 0; i -= 1) r[i] = word(r, i) - (k[word(r, i - 1) & 63] ?? 0);
    }
  }
}

function word(r: Uint16Array, index: number): number {
  return r[(index + 4) & 3] ?? 0;
}

/** Decrypts and takes off the padding; null where the length or the padding is wrong. */
export function decryptRc2Cbc(
  key: Buffer,
  effectiveBits: number,
  iv: Buffer,
  data: Buffer,
): Buffer | null {
  if (data.length === 0 || data.length % 8 !== 0 || iv.length !== 8) return null;
  const expanded = expandKey(key, effectiveBits);
  const plain = Buffer.alloc(data.length);
  const block = new Uint16Array(4);
  for (let at = 0; at < data.length; at += 8) {
    for (let i = 0; i < 4; i += 1) block[i] = data.readUInt16LE(at + 2 * i);
    decryptBlock(block, expanded);
    const before = at === 0 ? iv : data.subarray(at - 8, at);
    for (let i = 0; i < 4; i += 1) {
      plain.writeUInt16LE((block[i] ?? 0) ^ before.readUInt16LE(2 * i), at + 2 * i);
    }
  }
  const padding = plain[plain.length - 1] ?? 0;
  if (padding < 1 || padding > 8) return null;
  const end = plain.length - padding;
  return plain.subarray(end).every((byte) => byte === padding) ? plain.subarray(0, end) : null;
}
