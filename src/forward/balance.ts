/** Which URL of a target is next. Pure: it sees weights, health and load, not connections. */

export interface Candidate {
  readonly weight: number;
  readonly inFlight: number;
  readonly healthy: boolean;
}

/**
 * Picks one. Unhealthy ones are passed over while another is healthy; when none is, all are tried: a wrong verdict
 * on health must not turn into an outage of its own. `except`: the one that has just failed.
 */
export class Balancer<T extends Candidate> {
  private readonly candidates: readonly T[];
  private readonly least: boolean;
  private readonly credit: number[];
  private turn = 0;

  /** Throws when there is nothing to choose from. */
  constructor(candidates: readonly T[], balance: 'roundRobin' | 'leastRequest') {
    if (candidates.length === 0) throw new Error('a target needs at least one URL');
    this.candidates = candidates;
    this.least = balance === 'leastRequest';
    this.credit = candidates.map(() => 0);
  }

  pick(except: T | null = null): T {
    const [only] = this.candidates;
    if (this.candidates.length === 1 && only !== undefined) return only;
    return (
      this.among((each) => each.healthy && each !== except) ?? this.among((each) => each !== except) ?? this.first()
    );
  }

  private among(eligible: (candidate: T) => boolean): T | null {
    return this.least ? this.leastLoaded(eligible) : this.nextInTurn(eligible);
  }

  /** Smooth weighted round robin: the heaviest credit wins and pays the sum of all weights. */
  private nextInTurn(eligible: (candidate: T) => boolean): T | null {
    let best: T | null = null;
    let bestIndex = -1;
    let total = 0;
    for (const [index, each] of this.candidates.entries()) {
      if (each.weight === 0 || !eligible(each)) continue;
      total += each.weight;
      const credit = (this.credit[index] ?? 0) + each.weight;
      this.credit[index] = credit;
      if (best === null || credit > (this.credit[bestIndex] ?? 0)) {
        best = each;
        bestIndex = index;
      }
    }
    if (bestIndex >= 0) this.credit[bestIndex] = (this.credit[bestIndex] ?? 0) - total;
    return best;
  }

  /** Begins with another one each time: among equals, and at rest all are equal, they take turns. */
  private leastLoaded(eligible: (candidate: T) => boolean): T | null {
    let best: T | null = null;
    const { candidates } = this;
    this.turn += 1;
    for (let i = 0; i < candidates.length; i++) {
      const each = candidates[(this.turn + i) % candidates.length];
      if (each === undefined || each.weight === 0 || !eligible(each)) continue;
      if (best === null || each.inFlight / each.weight < best.inFlight / best.weight) best = each;
    }
    return best;
  }

  private first(): T {
    const [first] = this.candidates;
    if (first === undefined) throw new Error('a target needs at least one URL');
    return first;
  }
}
