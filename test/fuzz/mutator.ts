// Makes inputs out of valid ones: bit flips, cuts, splices, repeated and moved pieces, numbers at their limits. Deterministic.
import { type SeededRandom } from '@shadownet/testlab';

/** Where decoders compare: signs, field widths, the lengths and types of WireGuard, STUN, IP and text. */
const TELLING_BYTES = [0, 1, 2, 3, 4, 5, 0x0a, 0x20, 0x2d, 0x2f, 0x30, 0x3a, 0x3d, 0x40, 0x45, 0x60, 0x7f, 0x80, 0xff];
const TELLING_NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];
const WIDTHS = [1, 2, 4, 8] as const;
const MAX_STEPS = 6;

type Mutation = (input: Uint8Array, random: SeededRandom, pool: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setNumber,
  cutEnd,
  removePiece,
  insertNoise,
  repeatPiece,
  movePiece,
  splice,
];

/** One to six mutations of one of `pool`, or rarely the original itself, in at most `maxLength` bytes that the caller owns. */
export function mutate(pool: readonly Uint8Array[], random: SeededRandom, maxLength: number): Uint8Array {
  let input: Uint8Array = Uint8Array.from(pick(pool, random) ?? []);
  // Half of all inputs are one step from valid: what is far from it is refused by the first check.
  const steps = random.integer(0, 1) === 0 ? 1 : random.integer(0, MAX_STEPS);
  for (let i = 0; i < steps; i++) input = pick(MUTATIONS, random)!(input, random, pool);
  return input.length > maxLength ? input.slice(0, maxLength) : input;
}

function flipBit(input: Uint8Array, random: SeededRandom): Uint8Array {
  if (input.length > 0) input[random.integer(0, input.length - 1)]! ^= 1 << random.integer(0, 7);
  return input;
}

function setByte(input: Uint8Array, random: SeededRandom): Uint8Array {
  if (input.length > 0) input[random.integer(0, input.length - 1)] = pick(TELLING_BYTES, random)!;
  return input;
}

function setNumber(input: Uint8Array, random: SeededRandom): Uint8Array {
  const width = pick(WIDTHS, random)!;
  if (input.length < width) return input;
  const at = random.integer(0, input.length - width);
  const number = BigInt(pick(TELLING_NUMBERS, random)!) - BigInt(random.integer(0, 1));
  const isLittleEndian = random.integer(0, 1) === 0;
  for (let i = 0; i < width; i++) {
    const shift = 8n * BigInt(isLittleEndian ? i : width - 1 - i);
    input[at + i] = Number((number >> shift) & 0xffn);
  }
  return input;
}

function cutEnd(input: Uint8Array, random: SeededRandom): Uint8Array {
  return input.slice(0, random.integer(0, input.length));
}

function removePiece(input: Uint8Array, random: SeededRandom): Uint8Array {
  const [from, to] = piece(input, random);
  return join(input.subarray(0, from), input.subarray(to));
}

function insertNoise(input: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.integer(0, input.length);
  return join(input.subarray(0, at), random.bytes(random.integer(1, 16)), input.subarray(at));
}

function repeatPiece(input: Uint8Array, random: SeededRandom): Uint8Array {
  const [from, to] = piece(input, random);
  const times = random.integer(1, 4);
  const repeated = Array.from({ length: times }, () => input.subarray(from, to));
  return join(input.subarray(0, to), ...repeated, input.subarray(to));
}

function movePiece(input: Uint8Array, random: SeededRandom): Uint8Array {
  const [from, to] = piece(input, random);
  const rest = join(input.subarray(0, from), input.subarray(to));
  const at = random.integer(0, rest.length);
  return join(rest.subarray(0, at), input.subarray(from, to), rest.subarray(at));
}

function splice(input: Uint8Array, random: SeededRandom, pool: readonly Uint8Array[]): Uint8Array {
  const other = pick(pool, random) ?? input;
  const head = input.subarray(0, random.integer(0, input.length));
  return join(head, other.subarray(random.integer(0, other.length)));
}

function piece(input: Uint8Array, random: SeededRandom): readonly [number, number] {
  const from = random.integer(0, input.length);
  return [from, Math.min(input.length, from + random.integer(0, 64))];
}

function pick<T>(list: readonly T[], random: SeededRandom): T | undefined {
  return list.length === 0 ? undefined : list[random.integer(0, list.length - 1)];
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
