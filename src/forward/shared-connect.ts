/**
 * While a URL refuses connections, requests that need one share a connect that is under way, and its refusal: a socket
 * for each of them would cost more than everything else that is done for a failed request.
 *
 * Only a refusal is shared: it came after each of them was there, from a connect that began at most a moment before.
 * After any other end of it, and after that moment, each goes on by itself, as where nothing was refused before.
 */

/** A request that needs a connection. One of the two is called, once. */
export interface ConnectWaiter {
  refused(error: Error): void;
  goOn(): void;
}

/** A network's round trip, and not much more. */
export const SHARED_FOR_MS = 50;

interface Shared {
  readonly waiters: ConnectWaiter[];
  readonly timer: NodeJS.Timeout;
}

export class SharedConnect {
  private refusing = false;
  private shared: Shared | null = null;

  /** Whether it waits for the connect that is under way; false: there is none to wait for. */
  join(waiter: ConnectWaiter): boolean {
    this.shared?.waiters.push(waiter);
    return this.shared !== null;
  }

  /** A connect begins. Call what is returned with its end: null when there is a connection. */
  begin(): (error: Error | null) => void {
    const shared = this.refusing && this.shared === null ? this.share() : null;
    return (error) => this.ended(shared, error);
  }

  private share(): Shared {
    const timer = setTimeout(() => this.dissolve(shared), SHARED_FOR_MS);
    const shared: Shared = { waiters: [], timer };
    this.shared = shared;
    return shared;
  }

  private ended(shared: Shared | null, error: Error | null): void {
    this.refusing = error !== null && isRefusal(error);
    if (shared === null || this.shared !== shared) return;
    if (error === null || !this.refusing) return this.dissolve(shared);
    this.close(shared);
    for (const waiter of shared.waiters) waiter.refused(error);
  }

  private dissolve(shared: Shared): void {
    this.close(shared);
    for (const waiter of shared.waiters) waiter.goOn();
  }

  /** Whoever comes now is not one of them. */
  private close({ timer }: Shared): void {
    this.shared = null;
    clearTimeout(timer);
  }
}

/** Of every address that was tried. By its shape: an error may come from another realm. */
function isRefusal(error: object): boolean {
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.length > 0 && error.errors.every(isRefused);
  return isRefused(error);
}

function isRefused(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ECONNREFUSED';
}
