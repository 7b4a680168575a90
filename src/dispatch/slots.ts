/**
 * The names that rules ask for, each with a number, and the values that one request has for them. Scratch that is
 * used again for every request: matching is synchronous, so nothing is allocated for a request without duplicates.
 */
import { holdsValue, type ValueTest } from './value-test.ts';

/** A value whose encoding is malformed is null. */
export type SlotValue = string | null;

const MAX_LENGTH = 255;
/** Spellings remembered; callers who invent more only pay for the lower-casing. */
const MAX_SPELLINGS = 1000;

export class Slots {
  /** First values by slot, undefined where the request has none. Read-only for others, as all fields here. */
  readonly first: (SlotValue | undefined)[] = [];
  /** Slots that have a value in this request: the first `touchedCount` entries. */
  readonly touched: number[] = [];
  touchedCount = 0;
  private readonly slots = new Map<string, number>();
  private readonly spellings = new Map<string, number>();
  private readonly lengths = new Uint8Array(MAX_LENGTH + 1);
  /** Values after the first that differ from it, with their slots. */
  private readonly extraSlots: number[] = [];
  private readonly extraValues: SlotValue[] = [];

  /** While rules are compiled: the number of a name, in any case. */
  declare(name: string): number {
    const lower = name.toLowerCase();
    let slot = this.slots.get(lower);
    if (slot === undefined) {
      slot = this.slots.size;
      this.slots.set(lower, slot);
      this.first.push(undefined);
      this.lengths[Math.min(lower.length, MAX_LENGTH)] = 1;
      this.lengths[Math.min(name.length, MAX_LENGTH)] = 1;
    }
    return slot;
  }

  get isEmpty(): boolean {
    return this.slots.size === 0;
  }

  /** Forgets the last request. */
  clear(): void {
    for (let i = 0; i < this.touchedCount; i++) this.first[this.touched[i] ?? 0] = undefined;
    this.touchedCount = 0;
    if (this.extraSlots.length > 0) {
      this.extraSlots.length = 0;
      this.extraValues.length = 0;
    }
  }

  private isLength(name: string): boolean {
    return this.lengths[Math.min(name.length, MAX_LENGTH)] === 1;
  }

  /** The number of a name in any case; -1: no rule asks for it. */
  slotOf(name: string): number {
    return this.isLength(name) ? (this.slots.get(name.toLowerCase()) ?? -1) : -1;
  }

  /** The same, remembering spellings. Not for names that are slices: they would keep the whole text alive. */
  slotOfSpelling(name: string): number {
    if (!this.isLength(name)) return -1;
    const known = this.spellings.get(name);
    if (known !== undefined) return known;
    const slot = this.slotOf(name);
    if (this.spellings.size < MAX_SPELLINGS && name.length < MAX_LENGTH) this.spellings.set(name, slot);
    return slot;
  }

  add(slot: number, value: SlotValue): void {
    const first = this.first[slot];
    if (first === undefined) {
      this.first[slot] = value;
      this.touched[this.touchedCount++] = slot;
    } else if (first !== value) {
      this.extraSlots.push(slot);
      this.extraValues.push(value);
    }
  }

  /** Whether every value of the slot holds; with none, whether it may be absent. */
  holds(slot: number, test: ValueTest): boolean {
    const first = this.first[slot];
    if (first === undefined) return test.absent;
    if (!holdsValue(test, first)) return false;
    for (let i = 0; i < this.extraSlots.length; i++) {
      if (this.extraSlots[i] === slot && !holdsValue(test, this.extraValues[i] ?? null)) return false;
    }
    return true;
  }
}
