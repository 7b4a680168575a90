/** From the head of a request to its rule. First match wins; every kind of condition that a rule gives must hold. */
import type { RequestHead } from '../exchange.ts';
import type { Settings } from '../settings.ts';
import { type ConditionKind, type Conditions, RequestView } from './conditions.ts';
import { type CompiledTarget, compileRule, compileTarget, type Rule } from './rule.ts';
import { indexRules, type RuleIndex } from './rule-index.ts';
import type { ValueSource } from './value-source.ts';

const REJECT = 'reject';

/** One whole configuration, compiled. Matching is synchronous and uses scratch of its own: one Routes for a thread. */
export class Routes {
  readonly rules: readonly Rule[];
  /** What templates may read; goes into every TemplateContext. */
  readonly values: ValueSource;
  /** Rules that the last match tested: its cost, whatever the machine. */
  tested = 0;
  private readonly targets: ReadonlyMap<string, CompiledTarget>;
  private readonly fallback: Rule | null;
  private readonly listenerFallbacks: ReadonlyMap<string, Rule>;
  private readonly view = new RequestView();
  private readonly conditions: readonly Conditions[];
  private readonly index: RuleIndex;

  constructor(settings: Settings, values: ValueSource) {
    const { routes, process } = settings;
    this.values = values;
    this.targets = new Map(routes.targets.map((target) => [target.name, compileTarget(target)]));
    this.rules = routes.rules.map((rule, index) => compileRule(rule, index, this.target(rule.target)));
    this.fallback = routes.default === REJECT ? null : compileRule(routes.defaultRule, -1, this.target(routes.default));
    const fallbacks = new Map<string, Rule>();
    for (const { name, target } of process.listeners) {
      if (target === '') continue;
      fallbacks.set(name, compileRule({ ...routes.defaultRule, target }, -1, this.target(target)));
    }
    this.listenerFallbacks = fallbacks;
    this.conditions = routes.rules.map(({ match }) => this.view.compile(match));
    this.index = indexRules(this.conditions);
  }

  /** Throws where there is no such target: a mistake that validation has kept out. */
  target(name: string): CompiledTarget {
    const target = this.targets.get(name);
    if (target === undefined) throw new Error(`there is no target "${name}"`);
    return target;
  }

  /**
   * The rule for a request; its listener's or the general default where no rule matches; null: it is to be rejected.
   */
  match(head: RequestHead): Rule | null {
    const { view, index } = this;
    view.load(head);
    this.tested = 0;
    const slots = view.headers;
    let best = this.rules.length;
    for (let i = 0; i < slots.touchedCount; i++) {
      const slot = slots.touched[i] ?? 0;
      const candidates = index.buckets[slot]?.get(slots.first[slot] ?? '');
      if (candidates !== undefined) best = this.firstOf(candidates, best);
    }
    best = this.firstOf(index.rest, best);
    return this.rules[best] ?? this.defaultFor(head.listener);
  }

  /** The first of the candidates that holds and comes before `best`, else `best`. */
  private firstOf(candidates: readonly number[], best: number): number {
    for (let i = 0; i < candidates.length; i++) {
      const number = candidates[i] ?? best;
      const conditions = this.conditions[number];
      if (number >= best || conditions === undefined) break;
      this.tested++;
      if (this.view.failure(conditions) === null) return number;
    }
    return best;
  }

  private defaultFor(listener: string): Rule | null {
    if (this.listenerFallbacks.size === 0) return this.fallback;
    return this.listenerFallbacks.get(listener) ?? this.fallback;
  }

  /**
   * For people: each rule before the one that matches, with the first kind of condition that does not hold. Without
   * the index, so that it also shows what the index must agree with.
   */
  failures(head: RequestHead): { rule: Rule; kind: ConditionKind }[] {
    this.view.load(head);
    const failures: { rule: Rule; kind: ConditionKind }[] = [];
    for (const rule of this.rules) {
      const conditions = this.conditions[rule.index];
      const kind = conditions === undefined ? null : this.view.failure(conditions);
      if (kind === null) break;
      failures.push({ rule, kind });
    }
    return failures;
  }
}

/**
 * Throws PatchError or TemplateError for headers and templates that can't be, and Error for names of targets that
 * don't exist; validated settings have neither.
 */
export function compileRoutes(settings: Settings, values: ValueSource): Routes {
  return new Routes(settings, values);
}
