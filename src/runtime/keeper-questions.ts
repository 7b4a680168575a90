/** What the path asks of the keeper for others, with a limit: a keeper may hang in a disk that hangs. */
import type { FromKeeper, Question, ToKeeper } from './keeper-protocol.ts';

interface Asked {
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class KeeperQuestions {
  private readonly post: (message: ToKeeper) => void;
  private readonly asked = new Map<number, Asked>();
  private number = 0;

  /** `post`: may do nothing while there is no keeper. */
  constructor(post: (message: ToKeeper) => void) {
    this.post = post;
  }

  /** Rejects after `waitMs`, or with what the keeper says went wrong. */
  ask(what: Question, waitMs: number): Promise<string> {
    this.number += 1;
    const { number } = this;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.asked.delete(number);
        reject(new Error(`the keeper thread has not answered within ${waitMs / 1000} s: it starts, or its disk hangs`));
      }, waitMs);
      this.asked.set(number, { resolve, reject, timer });
      this.post({ type: 'ask', number, what });
    });
  }

  receive({ number, text, problem }: FromKeeper & { readonly type: 'answer' }): void {
    const asked = this.asked.get(number);
    // Too late.
    if (asked === undefined) return;
    this.asked.delete(number);
    clearTimeout(asked.timer);
    if (problem === '') asked.resolve(text);
    else asked.reject(new Error(problem));
  }
}
