/** Durations, sizes and rates as people write them. */
import * as z from 'zod';
import { shown } from './suggest.ts';

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesOf: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const durationForm = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const sizeForm = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti)B?$/;
const rateForm = /^(\d+(?:\.\d+)?)\/(s|m|h)$/;

/** Timers of Node can't wait longer than 2^31 - 1 ms; what is only compared may be longer. */
const maxMilliseconds = 36_500 * 86_400_000;

/** Milliseconds of `250ms`, `2s`, `5m`, `1h`, `7d` or `0`; null for anything else. */
export function parseDuration(value: unknown): number | null {
  if (value === 0 || value === '0') return 0;
  const milliseconds = parseAmount(value, durationForm, millisecondsOf);
  return milliseconds === null || milliseconds > maxMilliseconds ? null : Math.round(milliseconds);
}

/** Bytes of `64Ki`, `64KiB`, `1Mi`, `1Gi`, or a whole number of bytes; null for anything else. */
export function parseSize(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  const bytes = parseAmount(value, sizeForm, bytesOf);
  return bytes === null || !Number.isSafeInteger(Math.round(bytes)) ? null : Math.round(bytes);
}

/** Events a second of `10/s`, `600/m`, `5000/h` or `0`; null for anything else. */
export function parseRate(value: unknown): number | null {
  if (value === 0 || value === '0') return 0;
  if (typeof value !== 'string') return null;
  const [, amount, unit] = rateForm.exec(value) ?? [];
  return amount === undefined || unit === undefined ? null : Number(amount) / (secondsOf[unit] ?? 1);
}

function parseAmount(value: unknown, form: RegExp, units: Readonly<Record<string, number>>): number | null {
  if (typeof value !== 'string') return null;
  const [, amount, unit] = form.exec(value) ?? [];
  return amount === undefined || unit === undefined ? null : Number(amount) * (units[unit] ?? 1);
}

interface Bounds {
  /** In the unit of the output; 0 is let through below it only with `zero`. */
  readonly min?: number;
  readonly max?: number;
  /** 0 is a value of its own here (no limit, never, at once). */
  readonly zero?: boolean;
}

/** Output: milliseconds. */
export function duration({ min = 1, max = maxMilliseconds, zero = false }: Bounds = {}) {
  return amount({ min, max, zero }, parseDuration, {
    form: `a duration such as 250ms, 2s, 5m, 1h or 7d${zero ? ', or 0' : ''}`,
    pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$',
    show: (ms) => `${ms}ms`,
    zeroOnly: true,
  });
}

/** Output: bytes. */
export function size({ min = 1, max = Number.MAX_SAFE_INTEGER, zero = false }: Bounds = {}) {
  return amount({ min, max, zero }, parseSize, {
    form: `a size such as 64Ki, 1Mi or 256Mi${zero ? ', or 0' : ''}`,
    pattern: '^\\d+(\\.\\d+)?(Ki|Mi|Gi|Ti)B?$|^\\d+$',
    show: (bytes) => `${bytes} bytes`,
    zeroOnly: false,
  });
}

/** Output: events a second. */
export function rate() {
  return amount({ min: 0, max: 1e9, zero: true }, parseRate, {
    form: 'a rate such as 10/s, 600/m or 5000/h, or 0',
    pattern: '^\\d+(\\.\\d+)?/(s|m|h)$',
    show: (perSecond) => `${perSecond}/s`,
    zeroOnly: true,
  });
}

interface AmountWords {
  readonly form: string;
  readonly pattern: string;
  readonly show: (amount: number) => string;
  /** The only plain number is 0. */
  readonly zeroOnly: boolean;
}

function amount(bounds: Required<Bounds>, parse: (value: unknown) => number | null, words: AmountWords) {
  const text = { type: 'string', pattern: bounds.zero && words.zeroOnly ? `${words.pattern}|^0$` : words.pattern };
  const number = words.zeroOnly ? { const: 0 } : { type: 'integer', minimum: bounds.zero ? 0 : bounds.min };
  const meta = words.zeroOnly && !bounds.zero ? text : { anyOf: [text, number] };
  return z
    .unknown()
    .meta(meta)
    .transform((value, context) => {
      const parsed = parse(value);
      if (parsed === null) return refuse(context, `found ${shown(value)}; expected ${words.form}`);
      if (parsed === 0 && bounds.zero) return 0;
      if (parsed < bounds.min) return refuse(context, `found ${shown(value)}; at least ${words.show(bounds.min)}`);
      if (parsed > bounds.max) return refuse(context, `found ${shown(value)}; at most ${words.show(bounds.max)}`);
      return parsed;
    });
}

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
