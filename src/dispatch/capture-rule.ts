/** Which failures a rule keeps, and what it answers for them. */
import type { Reason } from '../exchange.ts';
import type { CaptureRule } from '../settings.ts';
import { applyPatch, type CompiledPatch, compilePatch } from './patch.ts';
import { parseTemplate, renderBody, type Template, type TemplateContext } from './template.ts';

const STATUSES = 1000;
const FIRST_FAILURE = 400;

export interface CompiledAnswer {
  readonly status: number;
  readonly headers: CompiledPatch;
  readonly body: Template;
}

export interface CompiledCapture {
  readonly settings: CaptureRule;
  /** `when: none`: nothing is ever kept, so no copy of a body is made. */
  readonly isNone: boolean;
  /** `relay`: the target's own answer, or ours where there is none. */
  readonly answer: 'relay' | CompiledAnswer;
  /** Whether a failure of a request with this method can be kept at all. */
  takesMethod(method: string): boolean;
  /** Whether this failure is kept. `status`: the target's answer with reason `status`, else ignored. */
  wants(reason: Reason, status: number | null, method: string): boolean;
}

function addStatuses(table: Uint8Array, entry: string): void {
  const isAll = entry === 'all' || entry === 'status';
  if (isAll) table.fill(1, FIRST_FAILURE);
  else if (/^[1-9]xx$/.test(entry)) table.fill(1, Number(entry[0]) * 100, Number(entry[0]) * 100 + 100);
  else if (/^\d{3}$/.test(entry)) table[Number(entry)] = 1;
}

function compileAnswer(answer: CaptureRule['answer']): 'relay' | CompiledAnswer {
  if (answer === 'relay') return answer;
  const headers = compilePatch({ set: answer.headers, add: {}, remove: [] });
  return { status: answer.status, headers, body: parseTemplate(answer.body) };
}

/**
 * `all` is every reason and every status from 400; `status` every such status; a status or class may also be listed
 * below 400. Throws PatchError or TemplateError for the answer.
 */
export function compileCapture(settings: CaptureRule): CompiledCapture {
  const statuses = new Uint8Array(STATUSES);
  for (const entry of settings.when) addStatuses(statuses, entry);
  const reasons: ReadonlySet<string> = new Set(settings.when);
  const isAll = reasons.has('all');
  const isNone = reasons.has('none') || settings.when.length === 0;
  const methods: ReadonlySet<string> | null = settings.methods.length === 0 ? null : new Set(settings.methods);
  const takesMethod = (method: string): boolean => !isNone && (methods === null || methods.has(method));
  return {
    settings,
    isNone,
    answer: compileAnswer(settings.answer),
    takesMethod,
    wants(reason, status, method) {
      const isListed = reason === 'status' ? statuses[status ?? 0] === 1 : isAll || reasons.has(reason);
      return isListed && takesMethod(method);
    },
  };
}

/** An answer of the rule for one exchange: headers as latin1 bytes, the body as text. Throws PatchError. */
export function renderAnswer(
  answer: CompiledAnswer,
  context: TemplateContext,
): { status: number; headers: string[]; body: string } {
  const headers: string[] = [];
  applyPatch(headers, answer.headers, context);
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type');
  const contentType = at < 0 ? '' : (headers[at + 1] ?? '');
  const body = renderBody(answer.body, context, contentType);
  // Without a type a browser looks for markup in it, and what a caller sent may be some.
  if (at < 0 && body !== '') headers.push('content-type', 'text/plain; charset=utf-8');
  return { status: answer.status, headers, body };
}
